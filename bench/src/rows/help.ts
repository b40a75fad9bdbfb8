import { spawnSync } from 'node:child_process';
import { median, ms } from '../measure.ts';
import type { Benchmark, Row, Say } from '../row.ts';

const ROUNDS = 30;
const BOUND = 3;
const PSACTL = new URL('../../../cli/bin/psactl', import.meta.url).pathname;

/** Milliseconds that a program takes. */
function took(program: string, ...args: string[]): number {
  const began = performance.now();
  const { status } = spawnSync(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}.`);
  return performance.now() - began;
}

async function run(say: Say): Promise<Row[]> {
  // Once before, so that both are in the page cache, and psactl's code in Node's own.
  took(PSACTL, '--help');
  took(process.execPath, '-e', '0');
  const rounds = Array.from({ length: ROUNDS }, () => {
    const bare = took(process.execPath, '-e', '0');
    const ours = took(PSACTL, '--help');
    return { ours, bare, ratio: ours / bare };
  });
  const ratio = median(rounds.map((round) => round.ratio));
  say(`${ROUNDS} rounds, ratios ${Math.min(...rounds.map((one) => one.ratio)).toFixed(2)} and more`);
  return [
    {
      what: 'psactl --help',
      ours: ms(median(rounds.map((round) => round.ours))),
      limit: `${ms(median(rounds.map((round) => round.bare)))} (node -e 0)`,
      ratio: ratio.toFixed(2),
      target: `≤ ${BOUND}`,
      met: ratio <= BOUND,
    },
  ];
}

export const help: Benchmark = {
  name: 'help',
  method: `\`psactl --help\` and \`node -e 0\` of the same Node in turn, ${ROUNDS} times, from a program's start to its end, after one run of each that fills the caches.`,
  run,
};
