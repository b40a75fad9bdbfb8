import { DATA_PARTS } from '../inventory/schema.ts';
import type { DesiredContainer } from './desired.ts';
import type { ObservedInside } from './observed.ts';
import type { Draft } from './plan.ts';
import { nameOf } from './plan-container.ts';

/** What brings the inside of the containers in order: data parts, then the database's tables, then services. */
export function planContents(draft: Draft): void {
  const { desired } = draft;
  const waits = DATA_PARTS.flatMap((part) => planDataPart(draft, part));
  const migrations = planMigrations(draft, waits);
  const services = [
    ...new Set(desired.containers.filter((one) => one.kind === 'service').map((one) => one.group)),
  ];
  // The gateway is ready when all it hands requests to are, so its patience begins when theirs has ended.
  for (const service of services.toSorted((a, b) => Number(a === ENTRY) - Number(b === ENTRY)))
    planService(draft, service, [...migrations, ...waits]);
  const others = draft.steps.ids().filter((id) => /^wait:ct:/.test(id));
  for (const { id } of membersOf(draft, ENTRY))
    draft.steps.hold(
      `wait:ct:${id}`,
      others.filter((step) => !isOf(draft, step, ENTRY)),
    );
}

/** The service that everybody else's requests come through. */
const ENTRY = 'gateway';

const isOf = ({ desired }: Draft, step: string, group: string) =>
  desired.containers.some((one) => one.group === group && step.endsWith(`:ct:${one.id}`));

const membersOf = ({ desired, places }: Draft, group: string) =>
  desired.containers.filter((one) => one.group === group && places.has(one.id));

const insideOf = ({ observed }: Draft, container: DesiredContainer): ObservedInside | null =>
  observed.guests.find(({ id }) => id === container.id)?.inside ?? null;

/** A group that works already is changed one by one. */
const isAtWork = (draft: Draft, members: readonly DesiredContainer[]): boolean =>
  members.some((one) => !draft.places.get(one.id)!.isFresh && insideOf(draft, one)?.digest);

/** @returns the step that waits for the part, if there is something to wait for */
function planDataPart(draft: Draft, part: (typeof DATA_PARTS)[number]): string[] {
  const { observed, steps } = draft;
  const members = membersOf(draft, part);
  if (members.length === 0) return [];
  const rolling = isAtWork(draft, members);
  let previous: string[] = [];
  for (const member of members) {
    const reason = contentsReason(draft, member);
    if (reason === null) continue;
    const configure = steps.add('configure', `ct:${member.id}`, {
      ...{
        target: nameOf(member),
        reason,
        node: draft.places.get(member.id)!.node,
        container: member.id,
        rolling,
      },
      after: [...placeSteps(draft, member), ...previous],
    });
    if (rolling) previous = [configure];
  }
  if (rolling) holdInTurn(draft, members);
  const touched = members.flatMap(({ id }) => [...steps.of(id)]);
  const ill = observed.parts[part] ?? null;
  // A change of memory or of a tag leaves the part as it was.
  const matters = touched.some((id) => /^(start|configure|move|replace):/.test(id));
  if (!matters && ill === null) return [];
  return [
    steps.add('wait', `part:${part}`, {
      target: part,
      reason: `${ill ?? (rolling ? 'changed' : 'new')} → healthy`,
      after: touched,
    }),
  ];
}

/** Steps about a container's place and life, which come before what is in it. */
function placeSteps({ steps }: Draft, { id }: DesiredContainer): string[] {
  return ['update', 'resize', 'join', 'move', 'create', 'start']
    .map((action) => `${action}:ct:${id}`)
    .filter((step) => steps.has(step));
}

/** Why a container's contents must be installed (again); null when they need not. */
function contentsReason(draft: Draft, container: DesiredContainer): string | null {
  const { isFresh, isDown } = draft.places.get(container.id)!;
  if (isFresh) return 'empty → configured';
  if (isDown) return 'stopped, so not looked into → as the inventory says';
  const inside = insideOf(draft, container);
  if (inside === null) {
    draft.notes.push(
      `${nameOf(container)}: nothing could be asked in it, so its contents are left as they are.`,
    );
    return null;
  }
  if (inside.digest === null) return 'empty → configured';
  const units = Object.entries(inside.units).filter(([, state]) => !RUNNING.includes(state));
  const reasons = [
    ...(inside.digest === container.digest
      ? []
      : [`contents ${inside.digest.slice(0, 8)} → ${container.digest.slice(0, 8)}`]),
    ...inside.changed.map((path) => `${path} changed by hand → as the inventory says`),
    ...inside.missing.map((path) => `${path} missing → installed`),
    ...units.map(([unit, state]) => `${unit} ${state} → active`),
  ];
  return reasons.length === 0 ? null : reasons.join(', ');
}

/** States of a unit that need nothing; whether it serves is asked of the service itself. */
const RUNNING: readonly string[] = ['active', 'activating', 'reloading'];

// ── Services ─────────────────────────────────────────────────────────────────

const isReleased = (draft: Draft, { id, release }: DesiredContainer): boolean =>
  !draft.places.get(id)!.isFresh &&
  draft.observed.guests.find((guest) => guest.id === id)?.inside?.current === release;

/** @returns the step that makes the tables, if they are to be made */
function planMigrations(draft: Draft, waits: readonly string[]): string[] {
  const { desired, observed, steps } = draft;
  const services = desired.containers.filter((one) => one.kind === 'service' && draft.places.has(one.id));
  // Who runs a release does so on a database that was migrated for it.
  const running = new Set(services.filter((one) => isReleased(draft, one)).map((one) => one.release));
  const isUnknown = (one: DesiredContainer) =>
    !draft.places.get(one.id)!.isFresh && !draft.places.get(one.id)!.isDown && insideOf(draft, one) === null;
  const postgres = desired.containers.filter(({ group }) => group === 'postgres');
  const isNewDatabase =
    observed.migrated === false ||
    (postgres.length > 0 && postgres.every(({ id }) => draft.places.get(id)?.isFresh));
  const wanted = services.filter(
    (one) => isNewDatabase || (!running.has(one.release) && !isReleased(draft, one) && !isUnknown(one)),
  );
  const newest = wanted
    .map((one) => one.release!)
    .sort(byVersion)
    .at(-1);
  const via = services.find((one) => one.release === newest && !isUnknown(one));
  if (newest === undefined || via === undefined) return [];
  return [
    steps.add('migrate', `database:${newest}`, {
      target: `database, release ${newest}`,
      reason: isNewDatabase ? 'empty → tables of the release' : 'tables of an older release → of this one',
      node: draft.places.get(via.id)!.node,
      container: via.id,
      after: [...waits, `start:ct:${via.id}`, `move:ct:${via.id}`, `install:ct:${via.id}`],
    }),
  ];
}

/** Oldest first; a pre-release comes before its release. */
export function byVersion(a: string, b: string): number {
  const parts = (text: string) => {
    const [numbers = '', pre] = text.split(/-(.*)/s);
    return [...numbers.split('.').map(Number), pre === undefined ? 1 : 0] as number[];
  };
  const [left, right] = [parts(a), parts(b)];
  const at = left.findIndex((value, i) => value !== right[i]);
  return at === -1 ? (a < b ? -1 : a > b ? 1 : 0) : left[at]! - right[at]!;
}

function planService(draft: Draft, service: string, before: readonly string[]): void {
  const { steps, places } = draft;
  const members = membersOf(draft, service);
  const rolling = isAtWork(draft, members);
  for (const member of members) {
    const { node, isFresh, isDown } = places.get(member.id)!;
    const inside = isFresh || isDown ? null : insideOf(draft, member);
    const key = `ct:${member.id}`;
    const common = { target: nameOf(member), node, container: member.id };
    // What is down is asked when it runs: its steps look before they act.
    const isUnknown = !isFresh && inside === null;
    const place = placeSteps(draft, member);
    if (!isUnknown || isDown) {
      if (isDown || !inside?.installed.includes(member.release!))
        steps.add('install', key, {
          ...common,
          reason: `release ${member.release} ${isDown && !isFresh ? 'not looked for' : 'not there'} → installed`,
          after: place,
        });
      if (isDown || inside?.current !== member.release)
        steps.add('switch', key, {
          ...{ ...common, rolling },
          reason: `release ${isDown && !isFresh ? 'not looked for' : (inside?.current ?? 'none')} → ${member.release}`,
          after: [...place, `install:${key}`, ...before],
        });
    }
    const reason = contentsReason(draft, member);
    if (reason !== null)
      steps.add('configure', key, {
        ...{ ...common, reason, rolling },
        after: [...place, `switch:${key}`, ...before],
      });
    const touched = steps.of(member.id).filter((id) => /^(start|move|switch|configure):/.test(id));
    if (touched.length > 0 || (inside !== null && inside.unready !== null))
      steps.add('wait', key, {
        ...common,
        reason: `${inside?.unready ?? (isFresh ? 'new' : 'changed')} → ready`,
        after: [...touched, ...before],
      });
  }
  if (rolling || members.some(({ id }) => steps.has(`replace:ct:${id}`))) holdInTurn(draft, members);
}

/** The next one's turn comes when the one before is well again. */
function holdInTurn({ steps }: Draft, members: readonly DesiredContainer[]): void {
  let previous: string[] = [];
  for (const { id } of members) {
    const own = steps.of(id);
    for (const action of ['replace', 'move', 'switch', 'configure'])
      steps.hold(`${action}:ct:${id}`, previous);
    const last = ['wait', 'configure', 'switch', 'start', 'move']
      .map((action) => `${action}:ct:${id}`)
      .find((step) => own.includes(step));
    if (last !== undefined) previous = [last];
  }
}
