import { expect, it } from 'vitest';
import { createLogger } from './log.ts';
import { restartVerdict, SelfWatch } from './self-watch.ts';

const late = { name: 'cache', forMs: 61_000 };

it('waits for a minute, and for ten where the process has never been ready', () => {
  expect(restartVerdict([], true, null)).toEqual({ kind: 'wait' });
  expect(restartVerdict([{ name: 'cache', forMs: 59_000 }], true, new Set(['cache']))).toEqual({
    kind: 'wait',
  });
  expect(restartVerdict([late], false, new Set(['cache']))).toEqual({ kind: 'wait' });
  expect(restartVerdict([{ name: 'cache', forMs: 600_000 }], false, new Set(['cache'])).kind).toBe('restart');
});

it('restarts what fails to reach something that answers on a fresh connection, and nothing else', () => {
  expect(restartVerdict([late], true, new Set(['cache']))).toEqual({
    kind: 'restart',
    reason: 'not ready: cache (61 s), though it answers on a fresh connection',
  });
  const bus = { name: 'bus', forMs: 7_200_000 };
  expect(restartVerdict([bus], true, new Set())).toEqual({
    kind: 'stay',
    reason: 'not ready: bus (7200 s); a restart would not help',
  });
  // One that is truly away does not hide the other; one that failed just now is no reason.
  expect(restartVerdict([bus, late], true, new Set(['cache'])).kind).toBe('restart');
  expect(restartVerdict([bus, { name: 'cache', forMs: 1_000 }], true, new Set(['cache'])).kind).toBe('stay');
});

/** A watch over one dependency, and a clock that is set. */
function watchOver(own: () => boolean, fresh: () => boolean) {
  let now = 0;
  let asked = 0;
  const restarts: string[] = [];
  const ask = (is: () => boolean) => async () => {
    if (!is()) throw new Error('away');
  };
  const watch = new SelfWatch({
    checks: { database: async () => {}, cache: ask(own) },
    fresh: {
      cache: async () => {
        asked++;
        await ask(fresh)();
      },
    },
    log: createLogger({ service: 'test', level: 'silent' }),
    restart: (reason) => restarts.push(reason),
    now: () => now,
  });
  const lookAt = async (seconds: number) => {
    now = seconds * 1_000;
    return (await watch.look()).kind;
  };
  /** Looks every five seconds up to then. @returns what the last one came to */
  const lookUntil = async (seconds: number) => {
    while (now + 5_000 < seconds * 1_000) await lookAt(now / 1_000 + 5);
    return lookAt(seconds);
  };
  return { lookAt, lookUntil, restarts, asked: () => asked };
}

it('does not end the process while the dependency is away, for hours, and ends it when that is back and unseen', async () => {
  let own = true;
  let there = true;
  const { lookAt, lookUntil, restarts, asked } = watchOver(
    () => own,
    () => there,
  );
  expect(await lookAt(0)).toBe('wait');
  own = false;
  there = false;
  expect(await lookAt(10)).toBe('wait');
  expect(await lookUntil(69)).toBe('wait');
  expect(asked()).toBe(0);
  for (const seconds of [71, 3_600, 7_200]) expect(await lookUntil(seconds)).toBe('stay');
  expect(restarts).toEqual([]);
  there = true;
  expect(await lookAt(7_205)).toBe('restart');
  expect(restarts).toHaveLength(1);
});

it('begins anew with the minute when the dependency answered in between', async () => {
  let own = false;
  const { lookAt, lookUntil, restarts } = watchOver(
    () => own,
    () => true,
  );
  expect(await lookAt(0)).toBe('wait');
  expect(await lookUntil(120)).toBe('wait');
  own = true;
  expect(await lookAt(121)).toBe('wait');
  own = false;
  expect(await lookAt(122)).toBe('wait');
  expect(await lookUntil(181)).toBe('wait');
  expect(await lookUntil(182)).toBe('restart');
  expect(restarts).toHaveLength(1);
});

it('does not count the time for which it was frozen', async () => {
  let own = true;
  const { lookAt, lookUntil, restarts, asked } = watchOver(
    () => own,
    () => true,
  );
  expect(await lookAt(0)).toBe('wait');
  own = false;
  expect(await lookAt(5)).toBe('wait');
  expect(await lookAt(3_605)).toBe('wait');
  expect(await lookAt(3_610)).toBe('wait');
  expect([restarts, asked()]).toEqual([[], 0]);
  expect(await lookUntil(3_700)).toBe('restart');
});
