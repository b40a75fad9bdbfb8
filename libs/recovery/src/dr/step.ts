/** What failovers and failbacks are made of. */
export const STEP_KINDS = [
  'look',
  'fence',
  'secrets',
  'fetch',
  'build',
  'restart',
  'container',
  'relocate',
  'quiet',
  'hush',
  'save',
  'database',
  'redis',
  'compare',
  'migrate',
  'promote',
  'start',
  'smoke',
  'switch',
  'notify',
  'claim',
  'catch_up',
  'open',
  'wake',
  'carry',
  'clear',
  'ready',
  'copy',
  'follow',
] as const;
export type StepKind = (typeof STEP_KINDS)[number];

/** One step of a plan. */
export interface DrStep {
  /** Unique in its plan; a run that goes on knows it by this. */
  readonly id: StepKind;
  /** What it does, as a sentence. */
  readonly what: string;
  /** What a person types who does it by hand; null: nothing is to be typed. */
  readonly command: string | null;
  /** How it is seen that it is done. */
  readonly check: string;
  /** How long it is expected to take, in ms. */
  readonly expected_ms: number;
  /** `measured`: it follows from what an earlier run took. `assumed`: nothing was measured yet. */
  readonly by: 'measured' | 'assumed';
  /** It takes something away that is there, or leads clients elsewhere: a person says yes first. */
  readonly confirm: boolean;
}

/** What a step of an earlier run took. */
export interface MeasuredStep {
  readonly step: StepKind;
  readonly ms: number;
  /** Bytes that it moved; null: it moves none. */
  readonly bytes: number | null;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/**
 * How long a step takes where nothing was measured. HA moves a lost node's containers within 161 s (docs/drills.md); building
 * is what `psactl apply` took for the whole appliance on two cores, and some.
 */
const ASSUMED: Readonly<Record<StepKind, number>> = {
  look: 30 * SECOND,
  fence: MINUTE,
  secrets: 15 * SECOND,
  fetch: 15 * SECOND,
  build: 10 * MINUTE,
  restart: 30 * SECOND,
  container: MINUTE,
  relocate: 161 * SECOND,
  quiet: 30 * SECOND,
  hush: 30 * SECOND,
  save: 30 * SECOND,
  database: 20 * SECOND,
  redis: 20 * SECOND,
  compare: 20 * SECOND,
  migrate: 20 * SECOND,
  promote: MINUTE,
  start: MINUTE,
  smoke: 20 * SECOND,
  switch: MINUTE,
  notify: 10 * SECOND,
  claim: 5 * SECOND,
  catch_up: 20 * SECOND,
  open: 15 * SECOND,
  wake: 90 * SECOND,
  carry: 5 * SECOND,
  clear: 30 * SECOND,
  ready: 10 * MINUTE,
  copy: 5 * MINUTE,
  follow: 2 * MINUTE,
};
/** Bytes per second of compressed backups, where nothing was measured: a line of 100 Mbit/s; a load on slow disks. */
const ASSUMED_SPEED: Partial<Record<StepKind, number>> = {
  fetch: 12 * 1024 ** 2,
  database: 4 * 1024 ** 2,
  container: 30 * 1024 ** 2,
};

/**
 * How long a step is expected to take. What was measured is taken for what it moved then: more bytes take longer in
 * proportion, fewer are not promised to be quicker.
 * @param bytes what it will move; null: nothing that counts
 * @param measured the newest first
 */
export function expectStep(
  step: StepKind,
  bytes: number | null,
  measured: readonly MeasuredStep[],
): Pick<DrStep, 'expected_ms' | 'by'> {
  const known = measured.find((one) => one.step === step);
  if (known) {
    const growth = bytes !== null && known.bytes ? Math.max(1, bytes / known.bytes) : 1;
    return { expected_ms: Math.round(known.ms * growth), by: 'measured' };
  }
  const speed = ASSUMED_SPEED[step];
  const moving = bytes === null || speed === undefined ? 0 : (bytes / speed) * SECOND;
  return { expected_ms: Math.round(ASSUMED[step] + moving), by: 'assumed' };
}
