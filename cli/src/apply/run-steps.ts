import type { Action, Step } from '@psa/appliance/plan/step';
import type { Progress } from '../progress.ts';
import type { Journal } from './apply-journal.ts';

/** How a step ended. */
export interface StepResult {
  readonly id: string;
  readonly target: string;
  readonly outcome: 'done' | 'failed' | 'skipped';
  readonly seconds: number;
  readonly error?: string;
}

/** Does what a step says; looks first whether it is still to be done. */
export type Worker = (step: Step) => Promise<void>;

/** Work that moves disks: so many at once on a node. The rest waits more than it works. */
const HEAVY: ReadonlySet<Action> = new Set([
  'create',
  'upload',
  'replace',
  'move',
  'remove',
  'start',
  'install',
]);
const HEAVY_PER_NODE = 3;

/** About how long steps take, in seconds; 1 where nothing is said. Only their proportions matter. */
const USUAL: Partial<Record<Action, number>> = {
  upload: 5,
  create: 5,
  replace: 10,
  move: 10,
  start: 4,
  install: 8,
  configure: 10,
  wait: 3,
  migrate: 3,
};

/** Steps by how long the chain is that waits for them, the longest first: what everything waits for begins at once. */
export function byUrgency(steps: readonly Step[]): readonly Step[] {
  const waiting = new Map<string, Step[]>();
  for (const step of steps) for (const id of step.after) waiting.set(id, [...(waiting.get(id) ?? []), step]);
  const lengths = new Map<string, number>();
  const lengthOf = (step: Step): number => {
    const known = lengths.get(step.id);
    if (known !== undefined) return known;
    // A circle, which no plan has, must not keep us here.
    lengths.set(step.id, 0);
    const after = (waiting.get(step.id) ?? []).map(lengthOf);
    const length = (USUAL[step.action] ?? 1) + Math.max(0, ...after);
    lengths.set(step.id, length);
    return length;
  };
  return steps.toSorted((a, b) => lengthOf(b) - lengthOf(a));
}

/**
 * Runs steps as soon as what they wait for is done, several at once. After a failure everything that does not depend
 * on it goes on. @returns one result for each step, in their order
 */
export async function runSteps(
  steps: readonly Step[],
  work: Worker,
  options: { journal: Journal; progress: Progress; signal: AbortSignal },
): Promise<readonly StepResult[]> {
  const { journal, progress, signal } = options;
  const results = new Map<string, StepResult>();
  const running = new Map<string, Promise<void>>();
  const heavy = new Map<string, number>();
  const urgent = byUrgency(steps);
  progress.start('apply', steps.length);

  const begin = async (step: Step) => {
    const start = performance.now();
    const seconds = () => Math.round((performance.now() - start) / 100) / 10;
    const { id, target } = step;
    journal.started(step);
    try {
      await work(step);
      const ms = Math.round(performance.now() - start);
      journal.add({ event: 'done', step: id, ms });
      results.set(id, { id, target, outcome: 'done', seconds: seconds() });
      progress.note(`done     ${id}  ${target}  (${seconds()} s)`);
    } catch (error) {
      // What was interrupted is not known to have failed: the next run finds out.
      const text = textOf(error);
      if (!signal.aborted) journal.add({ event: 'failed', step: id, text });
      results.set(id, { id, target, outcome: 'failed', seconds: seconds(), error: text });
      if (!signal.aborted) progress.note(`FAILED   ${id}  ${target}: ${text}`);
    }
    progress.advance();
  };

  for (;;) {
    let waiting = 0;
    for (const step of urgent) {
      if (results.has(step.id) || running.has(step.id)) continue;
      const ends = step.after.map((id) => results.get(id)?.outcome);
      const failed = step.after.filter((_, i) => ends[i] === 'failed' || ends[i] === 'skipped');
      if (failed.length > 0 || signal.aborted) {
        const error = failed.length > 0 ? `waits for ${failed.join(', ')}` : 'interrupted';
        results.set(step.id, { id: step.id, target: step.target, outcome: 'skipped', seconds: 0, error });
        progress.advance();
        continue;
      }
      waiting++;
      if (ends.some((outcome) => outcome !== 'done')) continue;
      const place = HEAVY.has(step.action) ? (step.node ?? 'cluster') : null;
      if (place !== null && (heavy.get(place) ?? 0) >= HEAVY_PER_NODE) continue;
      if (place !== null) heavy.set(place, (heavy.get(place) ?? 0) + 1);
      const run = begin(step).finally(() => {
        running.delete(step.id);
        if (place !== null) heavy.set(place, heavy.get(place)! - 1);
      });
      running.set(step.id, run);
    }
    if (running.size > 0) await Promise.race(running.values());
    else if (waiting === 0 || signal.aborted) break;
  }
  progress.end();
  return steps.map(({ id }) => results.get(id)!);
}

/** What an error says, with why and how to mend it. */
function textOf(error: unknown): string {
  const { message, why, fix } = error as { message?: string; why?: string; fix?: string };
  return [message ?? String(error), why, fix].filter(Boolean).join(' ');
}
