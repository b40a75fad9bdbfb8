import { setImmediate as nextTurn } from 'node:timers/promises';
import { until } from '@psa/test-kit/until';
import { expect, it } from 'vitest';
import { afterPatience } from './patience.ts';

const asleep = new Int32Array(new SharedArrayBuffer(4));

it('does not count the time for which the process was late itself', async () => {
  let isOver = false;
  afterPatience(200, () => {
    isOver = true;
  });
  Atomics.wait(asleep, 0, 0, 600);
  // Timers that are due, then what has come.
  await nextTurn();
  await nextTurn();
  expect(isOver).toBe(false);
  await until(() => isOver);
});

it('can be given up', async () => {
  let isOver = false;
  const giveUp = afterPatience(20, () => {
    isOver = true;
  });
  giveUp();
  await new Promise<void>((resolve) => afterPatience(60, resolve));
  expect(isOver).toBe(false);
});
