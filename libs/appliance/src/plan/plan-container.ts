import { stepGb } from '../inventory/storages.ts';
import { partOf } from '../parts/parts.ts';
import { configChanges } from './config-drift.ts';
import type { DesiredContainer } from './desired.ts';
import type { Draft } from './draft.ts';
import { parseMarker } from './marker.ts';
import type { ObservedConfig, ObservedGuest } from './observed.ts';
import { ENOUGH_RESEMBLANCE, ownerOf, ownMarker, resemblance } from './ownership.ts';
import { refusedMove, refusedRemoval } from './refusals.ts';
import { idOf } from './step.ts';

/** How containers are called in plans. */
export const nameOf = (container: { readonly name: string; readonly id: number }): string =>
  `${container.name} (CT ${container.id})`;

/** What brings a container itself in order: there, in the pool, sized, on its node, running. */
export function planContainer(draft: Draft, container: DesiredContainer): void {
  const { desired, observed, problems, notes } = draft;
  const target = nameOf(container);
  const guest = observed.guests.find(({ id }) => id === container.id);
  if (!guest && observed.hidden.includes(container.id)) {
    planHidden(draft, container);
    return;
  }
  if (!guest) {
    const gone = goneMajority(draft, container);
    if (gone !== null)
      notes.push(
        `${target} is not made anew: ${gone.map(nameOf).join(' and ')} have gone, which psactl had made, and what is left of ${container.group} has no majority. Made anew they may begin an empty one beside its data. Restore one of them from its backup; or give that data up: --recreate ${gone.map(({ name }) => name).join(',')}.`,
      );
    else make(draft, container, `no container → made on ${container.node} from ${container.template}`);
    return;
  }
  if (observed.nodes[guest.node] !== 'online') {
    notes.push(`${target} is left alone: its node ${guest.node} does not answer, so nobody knows how it is.`);
    return;
  }
  switch (ownerOf(desired, observed, guest)) {
    case 'unknown':
      notes.push(
        `${target} is left alone: its configuration on ${guest.node} could not be read. The token needs VM.Audit on /vms/${guest.id}, which it has by the pool ${desired.pool}.`,
      );
      return;
    case 'begun':
      make(draft, container, 'a creation that was cut short → made anew', guest.node);
      return;
    case 'foreign':
      problems.push({
        target,
        message: `The id ${guest.id} belongs to "${guest.name || 'a guest without a name'}" on ${guest.node}, which psactl did not make (${missingSigns(draft, guest)}).`,
        fix: isMarkerLost(draft, container, guest)
          ? `If it is ${container.name}, whose note has lost the marker: "psactl adopt ${container.name}" shows what it would own and gives it back.`
          : `Give the group "${container.group}" other ids in the inventory, or move that guest away. psactl does not touch it.`,
      });
      return;
    case 'ours':
      if (guest.config!.lock === 'create') planHalfMade(draft, container, guest.node);
      else if (guest.status === 'unknown')
        notes.push(
          `${target} is left alone: ${guest.node} does not say whether it runs. On that node: systemctl status pvestatd.`,
        );
      else adjust(draft, container, guest, guest.config!);
  }
}

/**
 * Ours, and its creation has not ended: it has our marker, and nobody knows what else. A restore looks the same, so one
 * that would hold data is made anew only where psactl itself began to make it, or is told.
 */
function planHalfMade(draft: Draft, container: DesiredContainer, node: string): void {
  const { desired, observed, notes } = draft;
  const { id, name, kind } = container;
  if (kind === 'service' || observed.begun.includes(id) || desired.recreate.includes(name))
    make(draft, container, 'a creation that was cut short → made anew', node);
  else
    notes.push(
      `${nameOf(container)} is left alone: a creation or a restore that has not ended has it locked. If no task on ${node} works on it any more, have it made anew: --recreate ${name}; do it one member at a time.`,
    );
}

/**
 * The members of a part of which so many have vanished that the rest has no majority, unless all have or it was said
 * that these may be made anew; null: not so many. Of a part that is only being made none has vanished.
 */
function goneMajority(
  { desired, observed }: Draft,
  { group, name }: DesiredContainer,
): readonly DesiredContainer[] | null {
  const all = desired.containers.filter((one) => one.group === group);
  const gone = all.filter(
    ({ id }) =>
      observed.made.includes(id) &&
      !observed.hidden.includes(id) &&
      !observed.guests.some((guest) => guest.id === id),
  );
  const left = all.length - gone.length;
  const isLost = gone.some((one) => one.name === name) && left > 0 && left < Math.floor(all.length / 2) + 1;
  return isLost && partOf(group)?.votes && !desired.recreate.includes(name) ? gone : null;
}

/** Its id is taken, and the token does not see by whom: what is outside the pool is hidden from it. */
function planHidden(draft: Draft, container: DesiredContainer): void {
  const { desired, observed, problems, notes } = draft;
  const target = nameOf(container);
  const { id, name } = container;
  // Until its creation has ended a container is in no pool.
  if (observed.begun.includes(id)) {
    make(draft, container, 'a creation that has not ended, or was cut short → ended');
    return;
  }
  const back = `pvesh set /pools --poolid ${desired.pool} --vms ${id}`;
  const audit = `A token with VM.Audit on /vms sees it (psa_audit_all=true for the Ansible playbook "token").`;
  if (observed.made.includes(id))
    notes.push(
      `${target} is left alone: it has left the pool ${desired.pool}, so psactl cannot see it. Put it back, as root on a node: ${back}. ${audit}`,
    );
  else
    problems.push({
      target,
      message: `The id ${id} is taken by a guest that the token of psactl cannot see.`,
      fix: `It is somebody else's, or ${name} itself, which has left the pool ${desired.pool}; the cluster's administrator sees which. If it is ${name}: ${back}. Else give the group "${container.group}" other ids. ${audit}`,
    });
}

/** It looks like the container that it would be, but for the marker. */
const isMarkerLost = ({ desired }: Draft, container: DesiredContainer, guest: ObservedGuest): boolean =>
  guest.type === 'lxc' &&
  guest.config !== null &&
  parseMarker(guest.config.description) === null &&
  resemblance(desired, container, guest).length >= ENOUGH_RESEMBLANCE;

function missingSigns({ desired }: Draft, guest: ObservedGuest): string {
  if (guest.type !== 'lxc') return 'it is a virtual machine';
  const lacks = [
    ...(ownMarker(desired, guest) ? [] : ['the marker in its description']),
    ...(guest.config?.tags.includes(desired.appliance) ? [] : [`the tag ${desired.appliance}`]),
    ...(guest.inPool ? [] : [`the pool ${desired.pool}`]),
  ];
  return `it lacks ${lacks.join(' and ')}`;
}

/** A node that is not online is off, or the inventory's name of it is another than the cluster's. */
const whyOff = ({ nodes }: Pick<Draft['observed'], 'nodes'>, node: string): string =>
  nodes[node] === undefined
    ? `${node} is not in the cluster, which has ${Object.keys(nodes).sort().join(', ')}.`
    : `${node} does not answer.`;

/** Creation and first start. `at`: where remains of it are. */
function make(
  draft: Draft,
  container: DesiredContainer,
  reason: string,
  at?: string,
  after: string[] = [],
): void {
  const { observed, steps, notes, places } = draft;
  const { node } = container;
  const target = nameOf(container);
  if (observed.nodes[node] !== 'online') {
    notes.push(`${target} is not made now: its node ${whyOff(observed, node)}`);
    return;
  }
  const create = steps.add(
    { kind: 'create', container: container.id },
    {
      ...{ target, reason, node: at ?? node },
      after: [poolStep(draft), ...templateSteps(draft, container), ...after],
    },
  );
  steps.add(
    { kind: 'start', container: container.id },
    { target, node, reason: 'stopped → running', after: [create] },
  );
  places.set(container.id, { node, isFresh: true, isDown: true });
}

const poolStep = ({ desired }: Draft) => idOf({ kind: 'create-pool', pool: desired.pool });

function templateSteps({ desired }: Draft, container: DesiredContainer): string[] {
  const file = `${container.template}.tar.zst`;
  const found = desired.templates.find(
    (one) =>
      one.file === file &&
      one.storage === container.template_storage &&
      (one.node === null || one.node === container.node),
  );
  return found ? [idOf({ kind: 'upload', template: found.key })] : [];
}

function adjust(
  draft: Draft,
  container: DesiredContainer,
  guest: ObservedGuest,
  config: ObservedConfig,
): void {
  const { desired, observed, steps, problems, notes, places } = draft;
  const target = nameOf(container);
  const common = { target, node: guest.node };
  const anew = reasonToRecreate(draft, container, guest, config);
  if (config.isTemplate) {
    problems.push({
      target,
      message: 'It was turned into a template, which Proxmox does not start.',
      fix: `Remove it (pct destroy ${container.id}) and have it made anew, or restore it from a backup.`,
    });
    return;
  }
  const keeps = anew === null ? null : refusedRemoval(container.id, config, observed.guests);
  if (anew !== null && keeps !== null) notes.push(`${target}: ${anew} needs a new container; ${keeps}`);
  else if (anew !== null) {
    if (container.kind === 'service' || desired.recreate.includes(container.name)) {
      const replace = steps.add(
        { kind: 'replace', container: container.id },
        { ...common, reason: anew, after: templateSteps(draft, container) },
      );
      make(draft, container, `removed → made from ${container.template}`, undefined, [replace]);
      return;
    }
    notes.push(
      `${target}: ${anew} needs a new container, and the copy of the data in it would go. Say so with --recreate ${container.name}; of several members one has its turn after the other.`,
    );
  }
  const slack = stepGb(observed.storages.find(({ name }) => name === config.rootStorage)?.type);
  if (config.rootGb !== null && config.rootGb > container.disk_gb + slack) {
    problems.push({
      target,
      message: `Its disk has ${say(config.rootGb)} GiB and the inventory says ${container.disk_gb}: a disk cannot be made smaller.`,
      fix: `Write disk_gb: ${Math.ceil(config.rootGb)} for the group "${container.group}", or remove its containers and have them made anew.`,
    });
    return;
  }
  if (config.lock !== null)
    notes.push(`${target} is locked (${config.lock}); what must be changed waits for it.`);
  const changes = configChanges(container, config, desired.appliance).filter(
    // The marker of a data container that is not made anew keeps naming the template that it is from.
    ({ field }) => anew === null || field !== 'description',
  );
  const before: string[] = [];
  if (!guest.inPool)
    before.push(
      steps.add(
        { kind: 'join', container: container.id },
        { ...common, reason: `not in the pool → in the pool ${desired.pool}`, after: [poolStep(draft)] },
      ),
    );
  if (changes.length > 0) {
    const reason = changes.map(({ field, from, to }) => `${field} ${from} → ${to}`).join(', ');
    before.push(steps.add({ kind: 'update', container: container.id }, { ...common, reason }));
  }
  if (config.rootGb !== null && config.rootGb < container.disk_gb - slack)
    before.push(
      steps.add(
        { kind: 'resize', container: container.id },
        {
          ...common,
          reason: `disk ${say(config.rootGb)} GiB → ${container.disk_gb} GiB`,
          after: before,
        },
      ),
    );
  const node = move(draft, container, guest, before);
  const isDown = guest.status !== 'running';
  if (isDown)
    steps.add(
      { kind: 'start', container: container.id },
      { ...common, node, reason: `${guest.status} → running`, after: before },
    );
  const isOld = ownMarker(desired, guest)?.template !== container.template;
  places.set(container.id, { node, isFresh: false, isDown, isOld });
}

/** What only a new container can have; null when nothing. */
function reasonToRecreate(
  { desired }: Draft,
  container: DesiredContainer,
  guest: ObservedGuest,
  config: ObservedConfig,
): string | null {
  const template = ownMarker(desired, guest)?.template;
  const reasons = [
    ...(template !== container.template ? [`template ${template} → ${container.template}`] : []),
    ...(config.rootStorage !== container.storage
      ? [`storage ${config.rootStorage} → ${container.storage}`]
      : []),
    ...(config.unprivileged ? [] : ['privileged → unprivileged']),
  ];
  return reasons.length === 0 ? null : reasons.join(', ');
}

/** To its node, if it stands elsewhere. @returns where it is afterwards */
function move(draft: Draft, container: DesiredContainer, guest: ObservedGuest, before: string[]): string {
  const { observed, steps, notes } = draft;
  if (guest.node === container.node) return guest.node;
  // The HA manager moves what it manages; where that is now is its affair.
  if (container.ha === 'managed') return guest.node;
  const target = nameOf(container);
  const stays = refusedMove(guest.id, guest.config!, container.node, observed.storages);
  if (stays !== null) {
    notes.push(`${target} stays on ${guest.node}: ${stays}`);
    return guest.node;
  }
  if (observed.nodes[container.node] !== 'online') {
    notes.push(`${target} stays on ${guest.node}: ${whyOff(observed, container.node)}`);
    return guest.node;
  }
  before.push(
    steps.add(
      { kind: 'move', container: container.id },
      {
        ...{ target, node: guest.node, after: before },
        reason: `on ${guest.node} → on ${container.node} (${container.reason})${guest.status === 'running' ? '; it restarts' : ''}`,
      },
    ),
  );
  return container.node;
}

const say = (gb: number) => String(Math.round(gb * 100) / 100);
