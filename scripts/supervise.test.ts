import { readFileSync, writeFileSync } from 'node:fs';
import { tempDir } from '@psa/test-kit/temp-dir';
import { describe, expect, it } from 'vitest';
import { keepRunning, USUAL, waitBeforeStart } from './supervise.mjs';

describe('when to start again', () => {
  const now = 10_000_000;
  it('waits longer each time, and begins anew after a calm while', () => {
    const waits = [0, 1, 2, 3, 4].map((n) =>
      waitBeforeStart({ wasReady: true, deaths: Array(n).fill(now - 1_000), now }),
    );
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000]);
    expect(waitBeforeStart({ wasReady: true, deaths: Array(9).fill(now - USUAL.calmMs), now })).toBe(1_000);
  });

  it('gives up after too many, and at once when it never got ready', () => {
    expect(waitBeforeStart({ wasReady: true, deaths: Array(5).fill(now), now })).toBeNull();
    expect(waitBeforeStart({ wasReady: false, deaths: [], now })).toBeNull();
    // Not ready at a second start (a port that is not free yet): that may be over soon.
    expect(waitBeforeStart({ wasReady: false, deaths: [now], now })).toBe(2_000);
  });
});

describe('a program that is kept running', () => {
  const rule = { ...USUAL, firstMs: 1, mostMs: 5 };
  const run = async (script: string) => {
    const dir = await tempDir('supervise');
    const counter = `${dir.path}/runs`;
    writeFileSync(counter, '');
    const said: string[] = [];
    const text = `const fs = require('node:fs'); fs.appendFileSync(${JSON.stringify(counter)}, 'x');
      const runs = fs.readFileSync(${JSON.stringify(counter)}).length;
      const ready = (then) => process.send('ready', then); ${script}`;
    const end = await keepRunning({
      command: process.execPath,
      args: ['-e', text],
      options: { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] },
      say: (line: string) => said.push(line),
      rule,
    });
    const runs = readFileSync(counter).length;
    await dir.remove();
    return { end, runs, said };
  };

  it('is started again after a kill -9, and ends as it ends by itself', async () => {
    const { end, runs, said } = await run(
      "if (runs < 3) ready(() => process.kill(process.pid, 'SIGKILL')); else process.exit(0);",
    );
    expect([end.code, runs, said.length]).toEqual([0, 3, 2]);
    expect(said[0]).toContain('SIGKILL');
  });

  it('is left alone when it dies again and again', async () => {
    const { end, runs, said } = await run('ready(() => process.exit(7));');
    expect([end.code, runs]).toEqual([7, 1 + rule.times]);
    expect(said.at(-1)).toContain('not started again');
  });

  it('is not started again when it could not start', async () => {
    const { end, runs, said } = await run('process.exit(1);');
    expect([end.code, runs, said]).toEqual([1, 1, []]);
  });
});
