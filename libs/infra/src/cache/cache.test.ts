import { cacheContract } from '@psa/test-kit/cache.contract';
import type { TestServer } from '@psa/test-kit/redis';
import { startRedis } from '@psa/test-kit/redis';
import { until } from '@psa/test-kit/until';
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
