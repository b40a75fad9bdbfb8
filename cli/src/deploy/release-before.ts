import type { HistoryEntry } from '../site/deployed.ts';

type Entry = Pick<HistoryEntry, 'action' | 'outcome' | 'from' | 'to'>;

/**
 * The release that a service goes back to; undefined: none is known. Going back twice goes back twice as far, and never
 * to a release that was taken back: that one ran on some replicas for a while, or not at all.
 * @param history oldest first
 * @param current what the service runs; undefined: as the history says
 */
export function releaseBefore(
  history: readonly Entry[],
  service: string,
  current: string | undefined,
): string | undefined {
  let stack: readonly string[] = [];
  for (const { action, outcome, from, to } of history) {
    const [before, after] = [from[service], to[service]];
    if (stack.length === 0 && before !== undefined && action !== 'rollback') stack = [before];
    if (outcome !== 'done' || after === undefined) continue;
    stack = action !== 'rollback' ? onto(stack, after) : downTo(stack, after);
  }
  return (current === undefined ? stack : downTo(stack, current)).at(-2);
}

const onto = (stack: readonly string[], release: string) =>
  stack.at(-1) === release ? stack : [...stack, release];

/** What lies above it is gone; where it is not among them, all is. */
function downTo(stack: readonly string[], release: string): readonly string[] {
  const at = stack.lastIndexOf(release);
  return at === -1 ? [release] : stack.slice(0, at + 1);
}
