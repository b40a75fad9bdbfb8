import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@psa/test-kit/free-port';
import { tempDir } from '@psa/test-kit/temp-dir';
import { family } from '../family.ts';
import { whole } from '../measure.ts';
import { PLATFORM_FLAGS } from '../platform-flags.ts';
import type { Benchmark, Row, Say } from '../row.ts';

const IDLE_SECONDS = 60;
const LIMIT_MB = 300;
const MAIN = new URL(import.meta.resolve('@psa/embedded/main')).pathname;

/** Resident and proportional memory of a process in MB (10^6 bytes). */
async function memoryOf(pid: number): Promise<{ rss: number; pss: number }> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const of = (name: string) =>
    (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) * 1024) / 1e6;
  return { rss: of('Rss'), pss: of('Pss') };
}

/** Starts a program under this Node, waits for a line, lets it be idle, and measures it. */
async function idle(args: string[], env: Record<string, string>, ready: RegExp, seconds: number) {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    for await (const line of createInterface({ input: child.stdout })) if (ready.test(line)) break;
    child.stdout.resume();
    await sleep(seconds * 1000);
    return await Promise.all((await family(child.pid!)).map(memoryOf));
  } finally {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
}

async function run(say: Say): Promise<Row[]> {
  const dir = await tempDir('memory');
  try {
    const env = {
      PORT: String(await freePort()),
      PSA_DATA_DIR: dir.path,
      PSA_DEMO: '1',
      PSA_DEMO_PASSWORD: 'bench-bench',
    };
    const [ours, bare] = await Promise.all([
      idle([...PLATFORM_FLAGS, MAIN], env, /^PSA-Platform ready on /, IDLE_SECONDS),
      idle(['-e', 'console.log("ready"); setInterval(() => {}, 60_000)'], {}, /ready/, IDLE_SECONDS),
    ]);
    const pss = (all: { pss: number }[]) => all.reduce((sum, one) => sum + one.pss, 0);
    const node = ours[0]!;
    say(`PSS ${whole(pss(ours))} MB in ${ours.length} processes; Node ${whole(node.pss)} MB`);
    return [
      {
        what: 'memory of the whole embedded platform with demo data, idle, PSS of all processes',
        ours: `${whole(pss(ours))} MB (Node ${whole(node.pss)} MB, PostgreSQL's ${ours.length - 1} processes ${whole(pss(ours) - node.pss)} MB)`,
        limit: `${whole(pss(bare))} MB (an empty Node)`,
        ratio: (pss(ours) / pss(bare)).toFixed(1),
        target: `≤ ${LIMIT_MB} MB`,
        met: pss(ours) <= LIMIT_MB,
      },
    ];
  } finally {
    await dir.remove();
  }
}

export const memory: Benchmark = {
  name: 'memory',
  method: `The platform started as \`npm start\` starts it, on fresh data; ${IDLE_SECONDS} s after it is ready, the proportional memory of its Node process and of all that it started (PostgreSQL), by \`/proc/<pid>/smaps_rollup\`.`,
  run,
};
