import { configChanges } from './config-drift.ts';
import type { DesiredContainer } from './desired.ts';
import type { ObservedConfig, ObservedGuest } from './observed.ts';
import { ownerOf, ownMarker } from './ownership.ts';
import type { Draft } from './plan.ts';

/** How containers are called in plans. */
export const nameOf = (container: { readonly name: string; readonly id: number }): string =>
  `${container.name} (CT ${container.id})`;

/** What brings a container itself in order: there, in the pool, sized, on its node, running. */
export function planContainer(draft: Draft, container: DesiredContainer): void {
  const { desired, observed, problems, notes } = draft;
  const target = nameOf(container);
  const guest = observed.guests.find(({ id }) => id === container.id);
  if (!guest) {
    make(draft, container, `no container → made on ${container.node} from ${container.template}`);
    return;
  }
  if (observed.nodes[guest.node] !== 'online') {
    notes.push(`${target} is left alone: its node ${guest.node} does not answer, so nobody knows how it is.`);
    return;
  }
  switch (ownerOf(desired, observed, guest)) {
    case 'unknown':
      notes.push(`${target} is left alone: its configuration on ${guest.node} could not be read.`);
      return;
    case 'begun':
      make(draft, container, 'a creation that was cut short → made anew', guest.node);
      return;
    case 'foreign':
      problems.push({
        target,
        message: `The id ${guest.id} belongs to "${guest.name || 'a guest without a name'}" on ${guest.node}, which psactl did not make (${missingSigns(draft, guest)}).`,
        fix: `Give the group "${container.group}" other ids in the inventory, or move that guest away. psactl does not touch it.`,
      });
      return;
    case 'ours':
      adjust(draft, container, guest, guest.config!);
  }
}

function missingSigns({ desired }: Draft, guest: ObservedGuest): string {
  if (guest.type !== 'lxc') return 'it is a virtual machine';
  const lacks = [
    ...(ownMarker(desired, guest) ? [] : ['the marker in its description']),
    ...(guest.config?.tags.includes(desired.appliance) ? [] : [`the tag ${desired.appliance}`]),
    ...(guest.inPool ? [] : [`the pool ${desired.pool}`]),
  ];
  return `it lacks ${lacks.join(' and ')}`;
}

/** Creation and first start. `at`: where remains of it are. */
function make(
  draft: Draft,
  container: DesiredContainer,
  reason: string,
  at?: string,
  after: string[] = [],
): void {
  const { desired, observed, steps, notes, places } = draft;
  const { node } = container;
  const target = nameOf(container);
  if (observed.nodes[node] !== 'online') {
    notes.push(`${target} is not made now: its node ${node} does not answer.`);
    return;
  }
  const key = `ct:${container.id}`;
  steps.add('create', key, {
    ...{ target, reason, node: at ?? node, container: container.id },
    after: [`create:pool:${desired.pool}`, templateStep(draft, container), ...after],
  });
  steps.add('start', key, {
    ...{ target, node, container: container.id },
    reason: 'stopped → running',
    after: [`create:${key}`],
  });
  places.set(container.id, { node, isFresh: true, isDown: true });
}

function templateStep({ desired }: Draft, container: DesiredContainer): string {
  const file = `${container.template}.tar.zst`;
  const found = desired.templates.find(
    (one) =>
      one.file === file &&
      one.storage === container.template_storage &&
      (one.node === null || one.node === container.node),
  );
  return `upload:template:${found?.key ?? file}`;
}

function adjust(
  draft: Draft,
  container: DesiredContainer,
  guest: ObservedGuest,
  config: ObservedConfig,
): void {
  const { desired, steps, problems, notes, places } = draft;
  const target = nameOf(container);
  const key = `ct:${container.id}`;
  const common = { target, node: guest.node, container: container.id };
  const anew = reasonToRecreate(draft, container, guest, config);
  if (anew !== null) {
    if (container.kind === 'service' || desired.recreate.includes(container.name)) {
      const replace = steps.add('replace', key, {
        ...common,
        reason: anew,
        after: [templateStep(draft, container)],
      });
      make(draft, container, `removed → made from ${container.template}`, undefined, [replace]);
      return;
    }
    notes.push(
      `${target}: ${anew} needs a new container, and the copy of the data in it would go. Say so with --recreate ${container.name}; do it one member at a time.`,
    );
  }
  if (config.rootGb !== null && config.rootGb > container.disk_gb * 1.01) {
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
      steps.add('join', key, {
        ...common,
        reason: `not in the pool → in the pool ${desired.pool}`,
        after: [`create:pool:${desired.pool}`],
      }),
    );
  if (changes.length > 0) {
    const reason = changes.map(({ field, from, to }) => `${field} ${from} → ${to}`).join(', ');
    before.push(steps.add('update', key, { ...common, reason }));
  }
  if (config.rootGb !== null && config.rootGb < container.disk_gb * 0.99)
    before.push(
      steps.add('resize', key, {
        ...common,
        reason: `disk ${say(config.rootGb)} GiB → ${container.disk_gb} GiB`,
        after: before,
      }),
    );
  const node = move(draft, container, guest, before);
  const isDown = guest.status !== 'running';
  if (isDown)
    steps.add('start', key, { ...common, node, reason: `${guest.status} → running`, after: before });
  places.set(container.id, { node, isFresh: false, isDown });
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
  if (observed.nodes[container.node] !== 'online') {
    notes.push(`${target} stays on ${guest.node}: ${container.node} does not answer.`);
    return guest.node;
  }
  before.push(
    steps.add('move', `ct:${container.id}`, {
      ...{ target, node: guest.node, container: container.id, after: before },
      reason: `on ${guest.node} → on ${container.node} (${container.reason})${guest.status === 'running' ? '; it restarts' : ''}`,
    }),
  );
  return container.node;
}

const say = (gb: number) => String(Math.round(gb * 100) / 100);
