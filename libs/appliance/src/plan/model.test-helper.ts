import type { Site } from '../inventory/site-schema.ts';
import { configChanges } from './config-drift.ts';
import type { Desired, DesiredContainer } from './desired.ts';
import { netOf, sidOf } from './desired.ts';
import { printMarker } from './marker.ts';
import type { Observed, ObservedConfig, ObservedGuest, ObservedInside } from './observed.ts';
import { printOpsMark } from './ops-mark.ts';
import { releaseOf } from './releases.ts';
import type { Step } from './step.ts';

/** A cluster of which nothing is ours yet. */
export function emptyCluster(site: Site, version = '9.1'): Observed {
  return {
    ...{
      release: releaseOf(version),
      quorate: true,
      pools: [],
      ownPools: [],
      templates: [],
      guests: [],
      begun: [],
      hidden: [],
      made: [],
      drained: [],
      parts: {},
      migrated: null,
      leader: null,
    },
    nodes: Object.fromEntries(site.nodes.map(({ name }) => [name, 'online' as const])),
    storages: site.storages.map(({ name, type, shared, content, nodes = null }) => ({
      ...{ name, type, isShared: shared, content, nodes },
    })),
    templateStorages: site.storages.flatMap(({ name, shared }) =>
      shared ? [name] : site.nodes.map((node) => `${name}@${node.name}`),
    ),
    ha: { resources: [], rules: [], groups: [] },
  };
}

/** Its configuration as a creation leaves it. */
export function configOf(container: DesiredContainer): ObservedConfig {
  return {
    hostname: container.name,
    cores: container.cores,
    memory: container.memory_mb,
    swap: container.swap_mb,
    tags: container.tags,
    description: `${printMarker(container.marker)}\n`,
    net0: { ...netOf(container), hwaddr: 'BC:24:11:00:00:01', type: 'veth' },
    ...{ onboot: true, startup: container.startup, nesting: true, unprivileged: true, lock: null },
    nameserver: container.nameserver,
    searchdomain: container.searchdomain,
    rootStorage: container.storage,
    rootGb: container.disk_gb,
    ...{ protected: false, isTemplate: false, binds: [], hasSnapshots: false },
    volumes: [`${container.storage}:vm-${container.id}-disk-0`],
  };
}

const blank: ObservedInside = {
  ...{ digest: null, changed: [], missing: [], units: {}, current: null, installed: [], unready: null },
  ...{ running: null, free: null },
};

/** What a step makes of a cluster; a model of what `apply` does to a real one. */
export function carryOut(desired: Desired, observed: Observed, step: Step): Observed {
  const container = desired.containers.find(({ id }) => id === step.container)!;
  const guest = observed.guests.find(({ id }) => id === step.container);
  const others = observed.guests.filter(({ id }) => id !== step.container);
  const change = (next: Partial<ObservedGuest>): Observed => {
    if (!guest) throw new Error(`${step.id}: there is no such container.`);
    return { ...observed, guests: [...others, { ...guest, ...next }] };
  };
  const within = (next: Partial<ObservedInside>) => {
    if (guest?.status !== 'running' || !guest.inside) throw new Error(`${step.id}: it does not run.`);
    return change({ inside: { ...guest.inside, ...next } });
  };
  const { deed } = step;
  switch (deed.kind) {
    case 'create-pool':
      return {
        ...observed,
        pools: [...observed.pools, deed.pool],
        ownPools: [...observed.ownPools, deed.pool],
      };
    case 'create': {
      if (guest && guest.config?.lock !== 'create') throw new Error(`${step.id}: the id is taken.`);
      if (!observed.pools.includes(desired.pool)) throw new Error(`${step.id}: no pool.`);
      const template = desired.templates.find(
        (one) =>
          one.file === `${container.template}.tar.zst` && (one.node ?? container.node) === container.node,
      )!;
      if (!observed.templates.includes(template.key)) throw new Error(`${step.id}: no template.`);
      const made: ObservedGuest = {
        ...{ id: container.id, type: 'lxc', node: container.node, name: container.name, status: 'stopped' },
        ...{ inPool: true, config: configOf(container), inside: null },
      };
      return { ...observed, guests: [...others, made], begun: observed.begun.filter((id) => id !== made.id) };
    }
    case 'upload':
      return { ...observed, templates: [...observed.templates, deed.template] };
    case 'replace':
      return withoutHa({ ...observed, guests: others }, container.id);
    case 'remove-rule':
      return {
        ...observed,
        ha: { ...observed.ha, rules: observed.ha.rules.filter(({ name }) => name !== deed.rule) },
      };
    case 'remove':
      return withoutHa({ ...observed, guests: others }, deed.container);
    case 'join':
      return change({ inPool: true });
    case 'update': {
      const set = configChanges(container, guest!.config!, desired.appliance).map(({ field }) => field);
      const wanted = configOf(container);
      const net0 = { ...guest!.config!.net0, ...netOf(container) };
      const { rootGb, rootStorage, volumes } = guest!.config!;
      if (set.length === 0) throw new Error(`${step.id}: nothing to change.`);
      return change({ config: { ...wanted, net0, rootGb, rootStorage, volumes } });
    }
    case 'resize':
      return change({ config: { ...guest!.config!, rootGb: container.disk_gb } });
    case 'move':
      return change({ node: container.node });
    case 'start':
      return change({ status: 'running', inside: lastInside.get(guest!) ?? blank });
    case 'install':
      return within({ installed: [...guest!.inside!.installed, container.release!] });
    case 'switch':
      if (!guest?.inside?.installed.includes(container.release!))
        throw new Error(`${step.id}: not installed.`);
      return within({ current: container.release });
    case 'configure': {
      if (container.kind === 'service' && guest?.inside?.current !== container.release)
        throw new Error(`${step.id}: its program is not there.`);
      const unit = container.kind === 'service' ? `psa@${container.group}` : container.group;
      const units = { [`${unit}.service`]: 'active' };
      return within({ digest: container.digest, changed: [], missing: [], units });
    }
    case 'part':
      return { ...observed, parts: { ...observed.parts, [deed.part]: null } };
    case 'ready':
      return within({ unready: null });
    case 'rollout': {
      for (const id of deed.beside) {
        const other = observed.guests.find((one) => one.id === id);
        if (!other?.inside?.digest || other.inside.unready !== null)
          throw new Error(`${step.id}: ${id} does not serve beside it.`);
      }
      const guests = observed.guests.map((one) => {
        if (!deed.replicas.includes(one.id)) return one;
        const { release, digest, group } = desired.containers.find(({ id }) => id === one.id)!;
        if (!one.inside?.installed.includes(release!)) throw new Error(`${step.id}: not installed.`);
        const fresh = { digest, changed: [], missing: [], units: { [`psa@${group}.service`]: 'active' } };
        return { ...one, inside: { ...one.inside, ...fresh, current: release, unready: null } };
      });
      return { ...observed, guests, drained: observed.drained.filter((id) => !deed.replicas.includes(id)) };
    }
    case 'migrate':
      return { ...observed, migrated: true };
    case 'manage': {
      const resource = {
        ...{ sid: sidOf(container.id), state: 'started', comment: '' },
        group: observed.release.ha === 'groups' ? container.name : null,
      };
      const rest = observed.ha.resources.filter(({ sid }) => sid !== resource.sid);
      return { ...observed, ha: { ...observed.ha, resources: [...rest, resource] } };
    }
    case 'unmanage':
      return withoutHa(observed, container.id);
    case 'rule': {
      const rule = desired.rules.find(({ name }) => name === deed.rule)!;
      const resources = rule.members
        .map(sidOf)
        .filter((sid) => observed.ha.resources.some((one) => one.sid === sid));
      if (resources.length === 0) throw new Error(`${step.id}: nothing of it is managed.`);
      const made = {
        ...{ name: rule.name, type: rule.type, resources, nodes: rule.nodes.join(','), affinity: 'negative' },
        ...{ strict: true, disabled: false, comment: rule.comment },
      };
      const rules = [...observed.ha.rules.filter(({ name }) => name !== deed.rule), made];
      return { ...observed, ha: { ...observed.ha, rules } };
    }
    case 'group': {
      const group = desired.haGroups.find(({ name }) => name === deed.group)!;
      const groups = [...observed.ha.groups.filter(({ name }) => name !== deed.group), group];
      return { ...observed, ha: { ...observed.ha, groups } };
    }
    case 'schedule':
      return within({ ops: printOpsMark(desired.schedule!.mark) });
    case 'smoke':
      return observed;
    case 'remove-group':
    case 'remove-pool':
      throw new Error(`${step.id}: only a destroy does so.`);
  }
}

/** What was in a container when it was stopped. */
const lastInside = new WeakMap<ObservedGuest, ObservedInside>();

/** The guest as it is when it is stopped. */
export function stopped(guest: ObservedGuest): ObservedGuest {
  const next: ObservedGuest = { ...guest, status: 'stopped', inside: null };
  if (guest.inside) lastInside.set(next, guest.inside);
  return next;
}

function withoutHa(observed: Observed, id: number): Observed {
  const { resources, rules, groups } = observed.ha;
  const sid = sidOf(id);
  const left = rules
    .map((rule) => ({ ...rule, resources: rule.resources.filter((one) => one !== sid) }))
    .filter((rule) => rule.resources.length > 0);
  return { ...observed, ha: { resources: resources.filter((one) => one.sid !== sid), rules: left, groups } };
}
