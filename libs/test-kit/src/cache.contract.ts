import { setTimeout as sleep } from 'node:timers/promises';
import type { Cache } from '@psa/contracts/ports/cache';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from './until.ts';

/** What a suite needs to try an adapter. */
export interface CacheUnderTest {
  /** A client on the store; called twice, to see what two processes see. The same one where there is only one. */
  open(): Promise<Cache>;
}

/** The behaviour that every {@link Cache} has. Call it at the top level of an adapter's test file. */
export function cacheContract(name: string, subject: CacheUnderTest): void {
  describe(`${name} as a cache`, () => {
    let cache: Cache;
    let other: Cache;
    beforeAll(async () => {
      cache = await subject.open();
      other = await subject.open();
    });
    afterAll(async () => {
      await cache.close();
      if (other !== cache) await other.close();
    });

    it('answers a ping', async () => {
      await expect(cache.ping()).resolves.toBeUndefined();
    });

    it('knows nothing of what was never stored', async () => {
      expect(await cache.get('nothing')).toBeNull();
      expect(await cache.getMany([])).toEqual([]);
      expect(await cache.getMany(['nothing', 'nobody'])).toEqual([null, null]);
      await cache.delete('nothing');
      await cache.delete();
    });

    it('stores, replaces and deletes, for other clients too', async () => {
      await cache.set('greeting', 'Grüße 🎉', 60);
      expect(await other.get('greeting')).toBe('Grüße 🎉');
      await other.set('greeting', '', 60);
      expect(await cache.get('greeting')).toBe('');
      await cache.set('second', '2', 60);
      expect(await cache.getMany(['second', 'nothing', 'greeting', 'second'])).toEqual(['2', null, '', '2']);
      await cache.delete('greeting', 'nothing', 'second');
      expect(await cache.getMany(['greeting', 'second'])).toEqual([null, null]);
    });

    it('lets a burst through a bucket, then as many as it fills up with, whoever asks', async () => {
      // Slow, so that a busy machine does not fill it up meanwhile.
      const slow = { capacity: 3, perSecond: 0.001 };
      const asked = [];
      for (const one of [cache, other, cache, other, cache]) asked.push(await one.take('slow', slow));
      expect(asked.map(({ taken }) => taken)).toEqual([true, true, true, false, false]);
      expect(asked.map(({ left }) => Math.round(left))).toEqual([2, 1, 0, 0, 0]);
      const together = await Promise.all(Array.from({ length: 20 }, () => other.take('together', slow)));
      expect(together.filter(({ taken }) => taken)).toHaveLength(3);

      const fast = { capacity: 1, perSecond: 20 };
      expect((await cache.take('fast', fast)).taken).toBe(true);
      await until(async () => (await other.take('fast', fast)).taken);
    });

    it('forgets when the time is up, and a replacement sets the time anew', async () => {
      await cache.set('brief', '1', 0.2);
      await cache.set('renewed', '1', 0.2);
      await cache.set('renewed', '2', 60);
      await cache.set('shortened', '1', 60);
      await cache.set('shortened', '2', 0.2);
      await sleep(350);
      expect(await cache.getMany(['brief', 'renewed', 'shortened'])).toEqual([null, '2', null]);
    });

    it('refuses a time to live that is none', async () => {
      for (const ttl of [0, -1, Number.NaN]) {
        await expect(cache.set('x', '1', ttl)).rejects.toThrow(RangeError);
        await expect(cache.setIfAbsent('x', '1', ttl)).rejects.toThrow(RangeError);
        await expect(cache.increment('x', ttl)).rejects.toThrow(RangeError);
      }
      expect(await cache.get('x')).toBeNull();
    });

    it('gives a lock to exactly one of many, and again once it expired', async () => {
      const takers = Array.from({ length: 20 }, (_, i) =>
        (i % 2 ? cache : other).setIfAbsent('lock', `${i}`, 0.3),
      );
      const taken = await Promise.all(takers);
      expect(taken.filter(Boolean)).toHaveLength(1);
      expect(await cache.get('lock')).toBe(`${taken.indexOf(true)}`);
      await sleep(450);
      expect(await other.setIfAbsent('lock', 'next', 60)).toBe(true);
      expect(await cache.get('lock')).toBe('next');
    });

    it('counts without losing any, from both clients at once', async () => {
      const results = await Promise.all(
        Array.from({ length: 200 }, (_, i) => (i % 2 ? cache : other).increment('count', 60)),
      );
      expect(results.map((it) => it.value).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 200 }, (_, i) => i + 1),
      );
      expect(await cache.increment('count', 60, 5)).toMatchObject({ value: 205 });
      expect(await cache.increment('count', 60, -205)).toMatchObject({ value: 0 });
    });

    it('lets a counter expire after its first increment, not after its last', async () => {
      expect(await cache.increment('window', 0.4)).toEqual({ value: 1, ttlSeconds: 1 });
      await sleep(250);
      expect((await cache.increment('window', 60)).value).toBe(2);
      await sleep(300);
      expect(await cache.increment('window', 60)).toEqual({ value: 1, ttlSeconds: 60 });
    });

    it('refuses to count where something else is stored', async () => {
      await cache.set('word', 'hello', 60);
      await expect(cache.increment('word', 60)).rejects.toThrow();
      expect(await cache.get('word')).toBe('hello');
    });

    it('tells every listener of a channel, in order, and nobody else', async () => {
      const first: string[] = [];
      const second: string[] = [];
      const elsewhere: string[] = [];
      const stops = [
        await cache.subscribe('news', (message) => first.push(message)),
        await other.subscribe('news', (message) => second.push(message)),
        await cache.subscribe('weather', (message) => elsewhere.push(message)),
      ];
      await cache.publish('nobody listens', 'x');
      for (let i = 0; i < 50; i++) await other.publish('news', `${i}`);
      await until(() => first.length >= 50 && second.length >= 50);
      const expected = Array.from({ length: 50 }, (_, i) => `${i}`);
      expect(first).toEqual(expected);
      expect(second).toEqual(expected);
      expect(elsewhere).toEqual([]);
      for (const stop of stops) await stop();
    });

    it('stops telling a listener that left, and keeps telling the one that stays', async () => {
      const left: string[] = [];
      const stays: string[] = [];
      const listener = (message: string) => left.push(message);
      const stop = await cache.subscribe('door', listener);
      const stopOther = await cache.subscribe('door', (message) => stays.push(message));
      await stop();
      await stop();
      await cache.publish('door', 'knock');
      await until(() => stays.length === 1);
      expect(left).toEqual([]);
      await stopOther();
      await cache.publish('door', 'again');
      const back = await cache.subscribe('door', listener);
      await cache.publish('door', 'third');
      await until(() => left.length === 1);
      expect(left).toEqual(['third']);
      expect(stays).toEqual(['knock']);
      await back();
    });
  });
}
