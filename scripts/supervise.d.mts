import type { SpawnOptions } from 'node:child_process';

interface Rule {
  readonly firstMs: number;
  readonly mostMs: number;
  readonly calmMs: number;
  readonly times: number;
}
/** Milliseconds. The wait doubles with each death; whoever has run for `calmMs` begins anew. */
export const USUAL: Rule;
/** How long to wait before the next start; null: no other start. */
export function waitBeforeStart(
  seen: { wasReady: boolean; deaths: readonly number[]; now: number },
  rule?: Rule,
): number | null;
/** Runs a program until it ends for good; resolves with how its last run ended. */
export function keepRunning(program: {
  command: string;
  args: readonly string[];
  options: SpawnOptions;
  say?: (line: string) => void;
  rule?: Rule;
}): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
