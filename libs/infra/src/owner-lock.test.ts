import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { takeOwnerLock } from './owner-lock.ts';

/** Takes the lock when told to and says whether it has it; gives it back when told to. */
const TAKER = `
  import { takeOwnerLock } from ${JSON.stringify(new URL('./owner-lock.ts', import.meta.url).href)};
  let release = null;
  process.on('message', async (order) => {
    if (order.take) {
      // All at the same instant, as far as that goes.
      while (performance.timeOrigin + performance.now() < order.at);
      release = await takeOwnerLock(order.take).catch((error) => {
        if (!error.message.includes('is using it')) throw error;
        return null;
      });
      process.send(release !== null);
    } else {
      await release?.();
      process.send('free');
    }
  });
  process.send('up');`;

let dir: TempDir;
const takers: ChildProcess[] = [];
beforeEach(async () => {
  dir = await tempDir('owner-lock');
  const program = join(dir.path, 'taker.mjs');
  await writeFile(program, TAKER);
  takers.push(...Array.from({ length: 8 }, () => fork(program)));
  await answers();
});
afterEach(async () => {
  for (const taker of takers.splice(0)) {
    taker.kill('SIGKILL');
    await once(taker, 'exit');
  }
  await dir.remove();
});

const answers = async () =>
  (await Promise.all(takers.map((taker) => once(taker, 'message')))).map(([answer]) => answer as unknown);

async function all(order: object): Promise<unknown[]> {
  const all = answers();
  for (const taker of takers) taker.send(order);
  return all;
}

/** What an owner leaves that was killed. */
async function leftBehind(): Promise<string> {
  const path = join(dir.path, 'left');
  const taker = takers.pop()!;
  const taken = once(taker, 'message');
  taker.send({ take: path, at: 0 });
  expect(await taken).toEqual([true, undefined]);
  taker.kill('SIGKILL');
  await once(taker, 'exit');
  return readFile(path, 'utf8');
}

it('a lock whose owner was killed goes to one of many', async () => {
  const left = await leftBehind();
  const path = join(dir.path, 'data.owner');
  for (let round = 0; round < 60; round++) {
    await writeFile(path, left);
    // Every third time with one who was killed while taking it over.
    if (round % 3 === 0) await writeFile(`${path}.takeover`, left);
    const won = await all({ take: path, at: performance.timeOrigin + performance.now() + 20 });
    expect(won.filter(Boolean), `round ${round}`).toHaveLength(1);
    const pid = (await readFile(path, 'utf8')).split(' ')[0];
    expect(takers[won.indexOf(true)]!.pid).toBe(Number(pid));
    await all({});
  }
  expect((await readdir(dir.path)).toSorted()).toEqual(['left', 'taker.mjs']);
});

it('is given back once: what stands there later is another’s', async () => {
  const path = join(dir.path, 'data.owner');
  const release = await takeOwnerLock(path);
  await expect(takeOwnerLock(path)).rejects.toThrow(
    `Unable to use ${join(dir.path, 'data')}: process ${process.pid} is using it.`,
  );
  await release();
  await takeOwnerLock(path);
  await release();
  await expect(takeOwnerLock(path)).rejects.toThrow('is using it');
});
