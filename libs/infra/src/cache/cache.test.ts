import { cacheContract } from '@psa/test-kit/cache.contract';
import type { TestServer } from '@psa/test-kit/redis';
import { startRedis } from '@psa/test-kit/redis';
import { tcpLine } from '@psa/test-kit/tcp-line';
import { until } from '@psa/test-kit/until';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MemoryCache } from './memory-cache.ts';
import { RedisCache } from './redis-cache.ts';

let redis: TestServer;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

const memory = new MemoryCache();
cacheContract('memory', { open: async () => memory });
cacheContract('Redis', { open: async () => new RedisCache({ url: redis.url }) });

it('Redis: two prefixes do not see each other', async () => {
  const one = new RedisCache({ url: redis.url, prefix: 'one:' });
  const two = new RedisCache({ url: redis.url, prefix: 'two:' });
  await one.set('key', '1', 60);
  expect(await two.get('key')).toBeNull();
  await one.close();
  await two.close();
});

it('Redis: what is asked in one turn of the event loop comes in one piece', async () => {
  const observer = new Redis(redis.url);
  const cache = new RedisCache({ url: redis.url });
  await cache.ping();
  const reads = async () => Number(/total_reads_processed:(\d+)/.exec(await observer.info('stats'))![1]);
  const before = await reads();
  for (let turn = 0; turn < 10; turn++)
    await Promise.all(Array.from({ length: 50 }, (_, i) => cache.set(`turn:${i}`, 'x', 60)));
  // Ten, and what the observer and the cache's heartbeats say meanwhile.
  expect((await reads()) - before).toBeLessThan(16);
  await cache.close();
  observer.disconnect();
});

it('Redis killed: calls fail soon, then work again, and subscriptions come back', async () => {
  const cache = new RedisCache({ url: redis.url });
  const heard: string[] = [];
  await cache.subscribe('news', (message) => heard.push(message));
  await cache.ping();
  await redis.kill9();
  await expect(cache.ping()).rejects.toThrow();
  await expect(cache.get('key')).rejects.toThrow();
  await redis.start();
  await until(() =>
    cache.ping().then(
      () => true,
      () => false,
    ),
  );
  await cache.set('key', 'back', 60);
  expect(await cache.get('key')).toBe('back');
  await until(async () => {
    await cache.publish('news', 'again');
    return heard.length > 0;
  });
  await cache.close();
});

const works = (cache: RedisCache) =>
  cache.ping().then(
    () => true,
    () => false,
  );

it('Redis on connections that have fallen silent for good: others are made, for commands and subscriptions', async () => {
  const line = await tcpLine(redis.port);
  const cache = new RedisCache({
    url: `redis://127.0.0.1:${line.port}`,
    times: { patienceMs: 300, beatMs: 200 },
  });
  const heard: string[] = [];
  await cache.subscribe('silence', (message) => heard.push(message));
  await cache.ping();
  line.strand();
  // The one for commands says so by a command that is not answered, the other one by nothing at all.
  await expect(cache.ping()).rejects.toThrow('timed out');
  await until(() => works(cache), 5_000);
  await until(async () => {
    await cache.publish('silence', 'again');
    return heard.length > 0;
  }, 5_000);
  await cache.close();
  await line.close();
});

it('Redis that refuses the password, and does not exist at first: works once it is right and there', async () => {
  const line = await tcpLine(redis.port);
  line.set('closing');
  const url = `redis://:later@127.0.0.1:${line.port}`;
  const cache = new RedisCache({ url, times: { patienceMs: 300, stuckMs: 500, beatMs: 200 } });
  const subscribed = cache.subscribe('late', () => {});
  await expect(cache.ping()).rejects.toThrow();
  const client = new Redis(redis.url);
  await client.config('SET', 'requirepass', 'another');
  line.set('open');
  await expect(cache.ping()).rejects.toThrow();
  await client.config('SET', 'requirepass', 'later');
  await until(() => works(cache), 5_000);
  await subscribed;
  await client.config('SET', 'requirepass', '');
  client.disconnect();
  await cache.close();
  await line.close();
});
