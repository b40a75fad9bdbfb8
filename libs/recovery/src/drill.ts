import type { Comparison } from './proof.ts';
import type { SeriesProof } from './series-proof.ts';

/** What was done at a moment of a drill. */
export interface DrillStep {
  /** The backup that it is about; null: the drill as a whole. */
  readonly of: string | null;
  /** As in `load the dump`. */
  readonly step: string;
  /** When it began; ISO 8601. */
  readonly at: string;
  readonly duration_ms: number;
  /** Why it failed; null: it did not. */
  readonly why: string | null;
}

/** What came of restoring one backup. */
export interface DrillResult {
  /** The backup. */
  readonly id: string;
  readonly series: string;
  /** `database`, `containers` … */
  readonly item: string;
  /** For people: `psa-redis-1`, `database`. */
  readonly name: string;
  /** When it was backed up; ISO 8601. */
  readonly backed_up_at: string;
  /**
   * `untried`: it was not put to the test (no room, no key, a node that is away), which says nothing of the backup, so it is
   * neither proven nor failed.
   */
  readonly outcome: 'passed' | 'failed' | 'untried';
  readonly why: string | null;
  /** Until what was restored was there to be looked at; null: it did not come so far. */
  readonly restore_ms: number | null;
  /** With making the place, looking at everything, and taking it away. */
  readonly duration_ms: number;
  readonly compared: readonly Comparison[];
  /** What was seen and is no fault, such as units that wait for others. */
  readonly notes: readonly string[];
}

/** Time to be back, in minutes, as the inventory promises it. */
export interface DrillTargets {
  readonly database: number;
  readonly redis: number;
  readonly cluster: number;
}

/** The journal of a drill, written as it goes; in the end its report. */
export interface DrillRecord {
  /** Version of this form. */
  readonly drill: 1;
  /** `20261130T040000Z-3f9a2c` */
  readonly id: string;
  readonly site: string;
  readonly began: string;
  /** Null: it runs, or did not end. */
  readonly ended: string | null;
  /** What was asked for: `database`, `containers` … */
  readonly what: readonly string[];
  /** Container ids that it has taken for itself. */
  readonly ids: readonly number[];
  readonly steps: readonly DrillStep[];
  readonly results: readonly DrillResult[];
  /** What was not drilled, and why. */
  readonly left_out: readonly { readonly what: string; readonly why: string }[];
  readonly targets: DrillTargets;
  /** What is proven of each series, as it was at the drill's end. */
  readonly series: readonly SeriesProof[];
}

/** How a drill stands: `cut short`, because nobody goes on with it and it has no end. */
export type DrillOutcome = 'passed' | 'failed' | 'partial' | 'running' | 'cut short';

/**
 * @param isRunning whether a live process is at work on it
 * @returns `passed`: everything that was tried restored, and something was. `partial`: some of it could not be tried
 */
export function outcomeOf({ ended, results }: DrillRecord, isRunning = false): DrillOutcome {
  if (results.some(({ outcome }) => outcome === 'failed'))
    return ended === null && isRunning ? 'running' : 'failed';
  if (ended === null) return isRunning ? 'running' : 'cut short';
  if (results.length === 0 || results.some(({ outcome }) => outcome === 'untried')) return 'partial';
  return 'passed';
}

/** A measured time to be back, beside what the inventory promises. */
export interface MeasuredRto {
  readonly target: keyof DrillTargets;
  readonly target_minutes: number;
  /** The sum of the restores, as if one were done after the other; null: nothing of it was restored. */
  readonly measured_ms: number | null;
  readonly met: boolean | null;
}

/**
 * The measured times beside the targets: of the database, of Redis, and of everything that was restored, which is less than
 * the cluster when only some of its containers were.
 */
export function measuredRto({
  results,
  targets,
}: Pick<DrillRecord, 'results' | 'targets'>): readonly MeasuredRto[] {
  const of = (target: keyof DrillTargets): MeasuredRto => {
    const times = results.flatMap(({ item, outcome, restore_ms }) =>
      outcome === 'passed' && restore_ms !== null && (target === 'cluster' || item === target)
        ? [restore_ms]
        : [],
    );
    const target_minutes = targets[target];
    const measured_ms = times.length === 0 ? null : times.reduce((sum, one) => sum + one, 0);
    return {
      ...{ target, target_minutes, measured_ms },
      met: measured_ms === null ? null : measured_ms <= target_minutes * 60_000,
    };
  };
  return [of('database'), of('redis'), of('cluster')];
}

/** A backup that may be drilled. */
export interface Drillable {
  readonly id: string;
  readonly series: string;
  readonly at: string;
  /** What may stand for one another in a drill: the group of a container, else the series. */
  readonly group: string;
  /** When one of the series was last proven; null: never. */
  readonly proven_at: string | null;
}

/**
 * Which backups a drill restores: of each group the one whose series was proven longest ago, so that all have their turn.
 * @param candidates the newest good one of each series
 */
export function chooseDrills<T extends Drillable>(candidates: readonly T[], all: boolean): readonly T[] {
  if (all) return candidates;
  const longestFirst = (a: T, b: T) => {
    const [left, right] = [a.proven_at ?? '', b.proven_at ?? ''];
    if (left !== right) return left < right ? -1 : 1;
    return a.series < b.series ? -1 : 1;
  };
  return [...Map.groupBy(candidates, ({ group }) => group).values()].map(
    (of) => of.toSorted(longestFirst)[0]!,
  );
}

/** What a drill writes into the description of each container that it makes. */
export interface DrillMarker {
  /** The drill. */
  readonly drill: string;
  readonly appliance: string;
  readonly site: string;
  /** Its id, so that a copy of it is not taken for it. */
  readonly id: number;
}

const MARKER = /^psactl: drill=(\S+) appliance=(\S+) site=(\S+) id=(\d+)$/m;

export const printDrillMarker = ({ drill, appliance, site, id }: DrillMarker): string =>
  `psactl: drill=${drill} appliance=${appliance} site=${site} id=${id}`;

/** The marker in a description; null: no drill made it. */
export function parseDrillMarker(description: string): DrillMarker | null {
  const [, drill, appliance, site, id] = MARKER.exec(description.replaceAll('\r', '')) ?? [];
  return drill && appliance && site && id ? { drill, appliance, site, id: Number(id) } : null;
}

/** A network card as the cluster says that a container has it. */
export interface DrillCard {
  readonly key: string;
  readonly tag: number | undefined;
  readonly linkDown: boolean;
}

/**
 * Why a container must not be started for a drill; null: it is alone. What is restored believes that it is the one that runs:
 * among the live ones it would vote, write and send mail.
 */
export function isolationTrouble(
  {
    cards,
    onboot,
    description,
  }: {
    readonly cards: readonly DrillCard[];
    readonly onboot: boolean;
    readonly description: string;
  },
  { vlan, id }: { readonly vlan: number; readonly id: number },
): string | null {
  for (const { key, tag, linkDown } of cards) {
    if (!linkDown) return `the cable of ${key} is not out (link_down)`;
    if (tag !== vlan) return `${key} is in VLAN ${tag ?? 'none'}, and drills are in ${vlan}`;
  }
  if (onboot) return 'it would be started with its node';
  if (parseDrillMarker(description)?.id !== id) return 'it does not have the mark of a drill';
  return null;
}
