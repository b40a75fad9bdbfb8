import { type RedisCluster, startRedisCluster } from '@psa/test-kit/redis-sentinels';
import { until } from '@psa/test-kit/until';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RedisCache, redisSource } from './redis-cache.ts';

let cluster: RedisCluster;
let caches: RedisCache[];

beforeEach(async () => {
  cluster = await startRedisCluster();
  caches = [];
  // The Sentinels have found each other and the replicas.
  await until(async () => {
    const { host, port } = cluster.sentinels[0]!;
    const sentinel = new Redis({ host, port, lazyConnect: true });
    const info = await sentinel.info('sentinel').finally(() => sentinel.disconnect());
    return /status=ok,.*slaves=2,sentinels=3/.test(info);
  }, 30_000);
});
afterEach(async () => {
  await Promise.all(caches.map((cache) => cache.close()));
  await cluster.stop();
});

const open = () => {
  const cache = new RedisCache(cluster);
  caches.push(cache);
  return cache;
};
const works = (cache: RedisCache) =>
  cache.set('probe', '1', 60).then(
    () => true,
    () => false,
  );

it.each(['kill9', 'freeze'] as const)(
  'goes on with the new master when the old one is gone (%s), with subscriptions and without ever waiting long',
  async (how) => {
    const [cache, other] = [open(), open()];
    const heard: string[] = [];
    await other.subscribe('news', (message) => heard.push(message));
    await cache.set('key', 'before', 600);
    await cluster[how](cluster.ports[0]!);
    let longest = 0;
    await until(async () => {
      const began = performance.now();
      const ok = await works(cache);
      longest = Math.max(longest, performance.now() - began);
      return ok;
    }, 40_000);
    // The patience of one command, its second try and a slow machine's share; not the time of the whole failover.
    expect(longest).toBeLessThan(8_000);
    await until(async () => {
      await cache.publish('news', 'again').catch(() => {});
      return heard.includes('again');
    }, 30_000);
    const rate = await cache.increment('count', 60);
    expect(rate.value).toBe(1);
  },
);

it('fails at once while nobody has been there for a while, and works again after that', async () => {
  const cache = open();
  await cache.set('key', '1', 60);
  await Promise.all(cluster.ports.map((port) => cluster.kill9(port)));
  await until(async () => !(await works(cache)), 20_000);
  await until(async () => {
    const began = performance.now();
    await cache.get('key').catch(() => {});
    return performance.now() - began < 50;
  }, 20_000);
  for (const port of cluster.ports) await cluster.start(port);
  await until(() => works(cache), 40_000);
});

it('reads where Redis is from the settings', () => {
  const settings = { REDIS_URL: '', REDIS_SENTINELS: '', REDIS_MASTER: 'psa', REDIS_PASSWORD: 'x' };
  expect(redisSource({ ...settings, REDIS_SENTINELS: '10.0.30.30:26379, 10.0.30.31:26379' })).toEqual({
    sentinels: [
      { host: '10.0.30.30', port: 26_379 },
      { host: '10.0.30.31', port: 26_379 },
    ],
    master: 'psa',
    password: 'x',
  });
  expect(redisSource({ ...settings, REDIS_URL: 'redis://127.0.0.1' })).toEqual({ url: 'redis://127.0.0.1' });
  expect(() => redisSource(settings)).toThrow('REDIS_URL or REDIS_SENTINELS is required');
  expect(() => redisSource({ ...settings, REDIS_SENTINELS: 'redis-1' })).toThrow('host:port');
});
