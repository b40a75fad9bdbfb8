import { byRelease } from '../inventory/release-version.ts';
import { DATA_PARTS } from '../inventory/schema.ts';
import { partOf } from '../parts/parts.ts';
import { isAsleep } from '../parts/standby-settings.ts';
import type { DesiredContainer } from './desired.ts';
import type { Draft } from './draft.ts';
import type { ObservedInside } from './observed.ts';
import { nameOf } from './plan-container.ts';
import { idOf } from './step.ts';

/** What brings the inside of the containers in order: data parts, then the database's tables, then services. */
export function planContents(draft: Draft): void {
  const { desired, steps } = draft;
  const waits = DATA_PARTS.flatMap((part) => planDataPart(draft, part));
  // The repository of its log is there when the database is.
  steps.hold(
    [idOf({ kind: 'part', part: 'ops' })],
    steps.ids('part').filter((id) => id.endsWith(':postgres')),
  );
  const before = [...planMigrations(draft, waits), ...waits];
  const services = [
    ...new Set(desired.containers.filter((one) => one.kind === 'service').map((one) => one.group)),
  ];
  const turns = possibleTurns(
    draft,
    services.flatMap((service) => planService(draft, service, before)),
  );
  const rollout = planRollout(draft, turns, before);
  for (const service of services) holdInTurn(draft, membersOf(draft, service), turns, rollout);
  // The gateway is ready when all it hands requests to are, so its patience begins when theirs has ended.
  const readyOf = (some: readonly DesiredContainer[]) => some.flatMap(({ id }) => steps.of(id, 'ready'));
  const others = services.filter((service) => service !== ENTRY).flatMap((one) => membersOf(draft, one));
  const isInTurn = turns.some(({ member }) => member.group === ENTRY);
  for (const one of membersOf(draft, ENTRY)) {
    // One that is not well comes before the rollout of the others.
    const isFirst = isInTurn && !isLate(draft, turns, one);
    const before = isFirst ? others.filter((other) => !isLate(draft, turns, other)) : others;
    steps.hold(readyOf([one]), [...readyOf(before), ...(isFirst ? [] : rollout)]);
  }
}

/** The service that everybody else's requests come through. */
const ENTRY = 'gateway';

const membersOf = ({ desired, places }: Draft, group: string) =>
  desired.containers.filter((one) => one.group === group && places.has(one.id));

/** On a site that follows: what serves lies ready and is not started. */
const lies = ({ desired }: Draft, { group, kind }: DesiredContainer): boolean =>
  desired.follows && isAsleep(group, kind === 'service');

/** What is there when the copy of the other site has come, which may take hours: nobody waits for it here. */
const COMES_LATER: readonly string[] = ['postgres', 'ops'];

const insideOf = ({ observed }: Draft, container: DesiredContainer): ObservedInside | null =>
  observed.guests.find(({ id }) => id === container.id)?.inside ?? null;

/** A group that works already is changed one by one. */
const isAtWork = (draft: Draft, members: readonly DesiredContainer[]): boolean =>
  members.some((one) => !draft.places.get(one.id)!.isFresh && insideOf(draft, one)?.digest);

/** It is there, and a new one takes its place. */
const isRemade = ({ steps }: Draft, { id }: DesiredContainer): boolean => steps.of(id, 'replace').length > 0;

/** @returns the step that waits for the part, if there is something to wait for */
function planDataPart(draft: Draft, part: (typeof DATA_PARTS)[number]): string[] {
  const { desired, observed, steps } = draft;
  const members = membersOf(draft, part);
  if (members.length === 0) return [];
  const isWaitedFor = !desired.follows || !(COMES_LATER.includes(part) || isAsleep(part, false));
  // One that is made anew makes its copy from the others, so they work, too.
  const isAtWorkNow = isAtWork(draft, members) || members.some((one) => isRemade(draft, one));
  const rolling = isWaitedFor && isAtWorkNow;
  // Of a part that is well as a whole each is waited for, also one whose exporter does not run.
  const isPartWell = observed.parts[part] === null;
  const isIll = (member: DesiredContainer) =>
    !isWell(draft, member) && !(isPartWell && insideOf(draft, member)?.digest);
  const open = possibleChanges(
    draft,
    part,
    members.flatMap((member) => {
      const reason = contentsReason(draft, member);
      return reason === null ? [] : [{ member, reason }];
    }),
  );
  // Those that do not work come first, and before the last of them the part cannot be well.
  const lastIll = open.findLast(({ member }) => isIll(member))?.member;
  for (const { member, reason } of open)
    steps.add(
      { kind: 'configure', container: member.id },
      {
        ...{ target: nameOf(member), reason, node: draft.places.get(member.id)!.node },
        rolling: rolling && (member === lastIll || !isIll(member)),
        after: placeSteps(draft, member),
      },
    );
  if (rolling) holdInTurn(draft, members);
  if (!isWaitedFor) return [];
  // Its repository is made with members of a template that knows it; until then there is nothing to wait for.
  if (part === 'ops' && membersOf(draft, 'postgres').some(({ id }) => draft.places.get(id)!.isOld)) return [];
  const ill = observed.parts[part] ?? null;
  // A change of memory or of a tag leaves the part as it was.
  const matters = members.some(({ id }) => steps.of(id, 'start', 'configure', 'move', 'replace').length > 0);
  if (!matters && ill === null) return [];
  return [
    steps.add(
      { kind: 'part', part },
      {
        target: part,
        reason: `${ill ?? (rolling ? 'changed' : 'new')} → healthy`,
        after: members.flatMap(({ id }) => steps.of(id)),
      },
    ),
  ];
}

/**
 * The changes without those of members that work, while so many others are away that the part would have no majority
 * when one of these is restarted. They are named.
 */
function possibleChanges(
  draft: Draft,
  part: (typeof DATA_PARTS)[number],
  changes: readonly Turn[],
): readonly Turn[] {
  const { desired, places, notes } = draft;
  const all = desired.containers.filter(({ group }) => group === part);
  const isSilent = (one: DesiredContainer) => {
    const place = places.get(one.id);
    return place ? !place.isFresh && !place.isDown && insideOf(draft, one) === null : isAway(draft, one);
  };
  const silent = all.filter(isSilent);
  const majority = Math.floor(all.length / 2) + 1;
  if (!partOf(part)?.votes || silent.length === 0 || all.length - silent.length - 1 >= majority)
    return changes;
  return changes.filter(({ member, reason }) => {
    if (!isWell(draft, member)) return true;
    notes.push(
      `${nameOf(member)} keeps what it has (${reason}): without it and ${silent.map(nameOf).join(' and ')}, ${part} would have no majority.`,
    );
    return false;
  });
}

/** Steps about a container's place and life, which come before what is in it. */
const placeSteps = ({ steps }: Draft, { id }: DesiredContainer) =>
  steps.of(id, 'update', 'resize', 'join', 'move', 'create', 'start');

/** Why a container's contents must be installed (again); null when they need not. */
function contentsReason(draft: Draft, container: DesiredContainer): string | null {
  const { isFresh, isDown, isOld } = draft.places.get(container.id)!;
  if (isFresh) return 'empty → configured';
  if (isOld && container.kind === 'data') return oldReason(draft, container);
  if (isDown) return 'stopped, so not looked into → as the inventory says';
  const inside = insideOf(draft, container);
  if (inside === null) {
    draft.notes.push(
      `${nameOf(container)}: nothing could be asked in it, so its contents are left as they are.`,
    );
    return null;
  }
  if (inside.digest === null) return 'empty → configured';
  const reasons = [...staleReasons(container, inside), ...stoppedUnits(inside)];
  return reasons.length === 0 ? null : reasons.join(', ');
}

/**
 * The same for one that is left on an older template. Files that are rendered for the new one may name programs that this
 * one has not; they come with the new container. What it has is still started where it does not run.
 */
function oldReason(draft: Draft, container: DesiredContainer): string | null {
  const inside = insideOf(draft, container);
  if (inside === null || inside.digest === null) return null;
  if (inside.digest !== container.digest) {
    const reason = staleReasons(container, inside).join(', ');
    draft.notes.push(`${nameOf(container)} keeps what is in it until then (${reason}).`);
    return null;
  }
  const reasons = [...staleReasons(container, inside), ...stoppedUnits(inside)];
  return reasons.length === 0 ? null : reasons.join(', ');
}

const stoppedUnits = ({ units }: ObservedInside): string[] =>
  Object.entries(units)
    .filter(([, state]) => !RUNNING.includes(state))
    .map(([unit, state]) => `${unit} ${state} → active`);

/** Where files are not as they shall be, so that what reads them is restarted. */
const staleReasons = ({ digest }: DesiredContainer, inside: ObservedInside): string[] => [
  ...(inside.digest === digest
    ? []
    : [`contents ${inside.digest?.slice(0, 8) ?? 'none'} → ${digest.slice(0, 8)}`]),
  ...inside.changed.map((path) => `${path} changed by hand → as the inventory says`),
  ...inside.missing.map((path) => `${path} missing → installed`),
];

/** Whether files of a container are not as they shall be. */
export const isStale = (container: DesiredContainer, inside: ObservedInside): boolean =>
  staleReasons(container, inside).length > 0;

/** States of a unit that need nothing; whether it serves is asked of the service itself. */
const RUNNING: readonly string[] = ['active', 'activating', 'reloading'];

// ── Services ─────────────────────────────────────────────────────────────────

const isReleased = (draft: Draft, { id, release }: DesiredContainer): boolean =>
  !draft.places.get(id)!.isFresh &&
  draft.observed.guests.find((guest) => guest.id === id)?.inside?.current === release;

/** @returns the step that makes the tables, if they are to be made */
function planMigrations(draft: Draft, waits: readonly string[]): string[] {
  const { desired, observed, steps } = draft;
  // Its tables come from the other site.
  if (desired.follows) return [];
  const services = desired.containers.filter((one) => one.kind === 'service' && draft.places.has(one.id));
  // Who runs a release does so on a database that was migrated for it.
  const running = new Set(services.filter((one) => isReleased(draft, one)).map((one) => one.release));
  const isUnknown = (one: DesiredContainer) =>
    !draft.places.get(one.id)!.isFresh && !draft.places.get(one.id)!.isDown && insideOf(draft, one) === null;
  const postgres = desired.containers.filter(({ group }) => group === 'postgres');
  const isNewDatabase =
    observed.migrated === false ||
    (postgres.length > 0 &&
      postgres.every((one) => draft.places.get(one.id)?.isFresh && !isRemade(draft, one)));
  const wanted = services.filter(
    (one) => isNewDatabase || (!running.has(one.release) && !isReleased(draft, one) && !isUnknown(one)),
  );
  const newest = wanted
    .map((one) => one.release!)
    .sort(byRelease)
    .at(-1);
  // The first of these that waits least: what is made anew or moved may wait for one that waits for the tables.
  const delay = (one: DesiredContainer) => {
    if (steps.of(one.id, 'replace', 'move').length === 0) return isWell(draft, one) ? 0 : 1;
    if (!isWell(draft, one)) return 2;
    return steps.of(one.id, 'replace').length === 0 ? 3 : 4;
  };
  const via = services
    .filter((one) => one.release === newest && !isUnknown(one))
    .sort((a, b) => delay(a) - delay(b))[0];
  if (newest === undefined || via === undefined) return [];
  return [
    steps.add(
      { kind: 'migrate', release: newest, container: via.id },
      {
        target: `database, release ${newest}`,
        reason: isNewDatabase ? 'empty → tables of the release' : 'tables of an older release → of this one',
        node: draft.places.get(via.id)!.node,
        after: [
          ...waits,
          ...(['start', 'move', 'install'] as const).map((kind) => idOf({ kind, container: via.id })),
        ],
      },
    ),
  ];
}

/** One that works and is to be changed, and why. */
interface Turn {
  readonly member: DesiredContainer;
  readonly reason: string;
}

/** @returns the replicas that serve and must be drained for what is to be done to them */
function planService(draft: Draft, service: string, before: readonly string[]): readonly Turn[] {
  const { steps, places } = draft;
  const members = membersOf(draft, service);
  const rolling = isAtWork(draft, members);
  return members.flatMap((member): Turn[] => {
    const { node, isFresh, isDown } = places.get(member.id)!;
    const inside = isFresh || isDown ? null : insideOf(draft, member);
    const container = member.id;
    const common = { target: nameOf(member), node };
    const place = placeSteps(draft, member);
    // What is down is asked when it runs: its steps look before they act.
    const isUnknown = !isFresh && inside === null && !isDown;
    if (!isUnknown && !inside?.installed.includes(member.release!))
      steps.add(
        { kind: 'install', container },
        {
          ...common,
          reason: `release ${member.release} ${isDown && !isFresh ? 'not looked for' : 'not there'} → installed`,
          after: place,
        },
      );
    if (inside && isServing(member, inside)) {
      const reason = turnReason(draft, member, inside);
      if (reason !== null) return [{ member, reason }];
    } else if (!isUnknown && inside?.current !== member.release)
      steps.add(
        { kind: 'switch', container },
        {
          ...{ ...common, rolling },
          reason: `release ${isDown && !isFresh ? 'not looked for' : (inside?.current ?? 'none')} → ${member.release}`,
          after: [...place, ...steps.of(container, 'install'), ...before],
        },
      );
    const reason = contentsReason(draft, member);
    if (reason !== null)
      steps.add(
        { kind: 'configure', container },
        {
          ...{ ...common, reason, rolling },
          after: [...place, ...steps.of(container, 'switch'), ...before],
        },
      );
    const touched = steps.of(container, 'start', 'move', 'switch', 'configure');
    const isUnready = touched.length > 0 || (inside !== null && inside.unready !== null);
    if (isUnready && !lies(draft, member))
      steps.add(
        { kind: 'ready', container },
        {
          ...common,
          reason: `${inside?.unready ?? (isFresh ? 'new' : 'changed')} → ready`,
          after: [...touched, ...before],
        },
      );
    return [];
  });
}

/** Its process takes requests, or soon will. */
const isServing = ({ group }: DesiredContainer, { digest, units }: ObservedInside) =>
  digest !== null && RUNNING.includes(units[`psa@${group}.service`] ?? '');

/** Why a replica that serves must have its turn; null when it need not. */
function turnReason({ observed }: Draft, member: DesiredContainer, inside: ObservedInside): string | null {
  const reasons = [
    ...(inside.current === member.release ? [] : [`release ${inside.current} → ${member.release}`]),
    ...staleReasons(member, inside),
    ...(observed.drained.includes(member.id) ? ['left drained → in rotation'] : []),
  ];
  return reasons.length === 0 ? null : reasons.join(', ');
}

/** It serves, as far as it says so itself. */
const isWell = (draft: Draft, one: DesiredContainer): boolean => {
  const inside = insideOf(draft, one);
  if (inside === null) return false;
  if (one.kind === 'data')
    return inside.digest !== null && Object.values(inside.units).every((unit) => RUNNING.includes(unit));
  return isServing(one, inside) && inside.unready === null;
};

/** It is there and nobody knows how it is: its node does not answer. */
const isAway = ({ places, observed }: Draft, { id }: DesiredContainer): boolean =>
  !places.has(id) && observed.guests.some((guest) => guest.id === id && guest.status === 'unknown');

/** It is to be made anew, and serves until the others have had their turn. */
const isLate = (draft: Draft, turns: readonly Turn[], one: DesiredContainer): boolean =>
  turns.some(({ member }) => member.group === one.group) &&
  draft.steps.of(one.id, 'replace').length > 0 &&
  isWell(draft, one);

/**
 * The turns without those of services that lack another replica which nothing in this plan can bring back, for its node
 * does not answer: without that one and the one whose turn it is, nobody might serve. They are named.
 */
function possibleTurns(draft: Draft, turns: readonly Turn[]): readonly Turn[] {
  const { desired, notes } = draft;
  return turns.filter(({ member, reason }) => {
    const away = desired.containers.filter((one) => one.group === member.group && isAway(draft, one));
    if (away.length > 0)
      notes.push(
        `${nameOf(member)} keeps what it has (${reason}): it is not taken out while ${away.map(nameOf).join(' and ')} ${away.length === 1 ? 'does' : 'do'} not serve.`,
      );
    return away.length === 0;
  });
}

/** One step for all of them: never is more than one replica out of rotation. @returns it, if there is one */
function planRollout(draft: Draft, turns: readonly Turn[], before: readonly string[]): readonly string[] {
  const { desired, observed, places, steps } = draft;
  if (turns.length === 0) return [];
  const services = new Set(turns.map(({ member }) => member.group));
  const members = desired.containers.filter(({ group }) => services.has(group));
  // All that serve have a turn, if only to be healed on the way.
  const replicas = members.filter((one) => {
    const place = places.get(one.id);
    const inside = insideOf(draft, one);
    return place && !place.isFresh && inside && isServing(one, inside);
  });
  const rest = members.filter((one) => !replicas.includes(one));
  const isThere = ({ id }: DesiredContainer) =>
    places.has(id) || observed.guests.some((guest) => guest.id === id) || observed.hidden.includes(id);
  // One that cannot be made now counts only where it would be the only other one.
  const beside = rest.filter(
    (one) => isThere(one) || members.filter(({ group }) => group === one.group).filter(isThere).length === 1,
  );
  const first = members.filter((one) => !isLate(draft, turns, one)).flatMap(({ id }) => steps.of(id));
  const reasons = Map.groupBy(turns, ({ reason }) => reason);
  return [
    steps.add(
      { kind: 'rollout', replicas: replicas.map(({ id }) => id), beside: beside.map(({ id }) => id) },
      {
        target: `${[...services].join(', ')}, one replica after the other`,
        reason: [...reasons]
          .map(([reason, some]) => `${some.map(({ member }) => member.name).join(', ')}: ${reason}`)
          .join('; '),
        after: [...before, ...first],
      },
    ),
  ];
}

/**
 * The next one's turn comes when the one before is well again: first those that do not serve, then those of a rollout,
 * last those that serve until they are made anew.
 */
function holdInTurn(
  draft: Draft,
  members: readonly DesiredContainer[],
  turns: readonly Turn[] = [],
  rollout: readonly string[] = [],
): void {
  const { steps } = draft;
  const isTurned = ({ id }: DesiredContainer) => turns.some(({ member }) => member.id === id);
  if (!isAtWork(draft, members) && !members.some((one) => isRemade(draft, one))) return;
  // The one that takes the database's writes comes last: by then the others are as they shall be, and one of them takes over.
  const rank = (one: DesiredContainer) =>
    !isWell(draft, one) ? 0 : isTurned(one) ? 1 : one.id === draft.observed.leader ? 3 : 2;
  let previous: readonly string[] = [];
  for (const member of members.toSorted((a, b) => rank(a) - rank(b))) {
    const { id } = member;
    if (isLate(draft, turns, member)) previous = [...previous, ...rollout];
    steps.hold(steps.of(id, 'replace', 'move', 'switch', 'configure'), previous);
    const last = (['ready', 'configure', 'switch', 'start', 'move'] as const).find(
      (kind) => steps.of(id, kind).length > 0,
    );
    if (last !== undefined) previous = steps.of(id, last);
  }
}
