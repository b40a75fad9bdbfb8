// Starts a program again when it dies after it has been ready: `npm start` keeps the platform running by this.
import { spawn } from 'node:child_process';

/** Milliseconds. The wait doubles with each death; whoever has run for `calmMs` begins anew. */
export const USUAL = { firstMs: 1_000, mostMs: 30_000, calmMs: 600_000, times: 5 };

/**
 * How long to wait before the next start; null: no other start. A program that never got ready says itself why, and
 * would say it again.
 * @param {{ wasReady: boolean, deaths: readonly number[], now: number }} seen `deaths`: times of those before
 */
export function waitBeforeStart({ wasReady, deaths, now }, rule = USUAL) {
  const recent = deaths.filter((at) => now - at < rule.calmMs).length;
  if (!wasReady && recent === 0) return null;
  if (recent >= rule.times) return null;
  return Math.min(rule.firstMs * 2 ** recent, rule.mostMs);
}

/**
 * Runs a program with this process' terminal, passes signals on, and ends with its exit code. The program tells by a
 * message `ready` that it is, and learns by the end of the channel that this process was killed.
 * @param {{ command: string, args: readonly string[], options: import('node:child_process').SpawnOptions,
 *   say?: (line: string) => void, rule?: typeof USUAL }} program
 * @returns {Promise<{ code: number | null, signal: NodeJS.Signals | null }>} of the last run
 */
export function keepRunning({ command, args, options, say = console.error, rule = USUAL }) {
  const deaths = [];
  let stopping = false;
  let child = null;
  let timer;
  return new Promise((resolve, reject) => {
    const finish = (end) => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
      resolve(end);
    };
    const onSignal = (signal) => {
      stopping = true;
      clearTimeout(timer);
      // Ctrl-C reaches the child through the terminal as well; it minds only the first.
      if (child) child.kill(signal);
      else finish({ code: 0, signal: null });
    };
    for (const signal of SIGNALS) process.on(signal, onSignal);
    const start = () => {
      let wasReady = false;
      child = spawn(command, args, options);
      child.on('message', (message) => {
        wasReady ||= message === 'ready';
      });
      child.on('error', reject);
      child.on('exit', (code, signal) => {
        child = null;
        const now = Date.now();
        const wait = stopping || code === 0 ? null : waitBeforeStart({ wasReady, deaths, now }, rule);
        if (wait === null) {
          if (!stopping && code !== 0 && deaths.length > 0)
            say(`It has ended ${deaths.length + 1} times; it is not started again. The log says why.`);
          finish({ code, signal });
          return;
        }
        deaths.push(now);
        say(`It has ended unasked (${signal ?? `exit code ${code}`}); it starts again in ${wait / 1000} s.`);
        timer = setTimeout(start, wait);
      });
    };
    start();
  });
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
