import { type RedisCluster, startRedisCluster } from '@psa/test-kit/redis-sentinels';
import { tcpLine } from '@psa/test-kit/tcp-line';
import { until } from '@psa/test-kit/until';
import { Redis } from 'ioredis';
import { describe, expect, it, type TestContext } from 'vitest';
import { RedisCache, redisSource } from './redis-cache.ts';
import type { RedisSource } from './redis-connection.ts';

type Finished = TestContext['onTestFinished'];

/** Three servers and three Sentinels that have found each other, and caches on them. */
async function rig(finished: Finished) {
  const cluster = await startRedisCluster();
  finished(() => cluster.stop());
  await until(async () => {
    const info = await asked(cluster, (sentinel) => sentinel.info('sentinel'));
    return /status=ok,.*slaves=2,sentinels=3/.test(info);
  });
  const open = (source: RedisSource = cluster) => {
    const cache = new RedisCache({ ...source, times: { beatMs: 300 } });
    finished(() => cache.close());
    return cache;
  };
  return { cluster, open };
}

async function asked<T>(cluster: RedisCluster, question: (sentinel: Redis) => Promise<T>): Promise<T> {
  const { host, port } = cluster.sentinels[0]!;
  const sentinel = new Redis({ host, port, lazyConnect: true });
  return await question(sentinel).finally(() => sentinel.disconnect());
}

const works = (cache: RedisCache) =>
  cache.set('probe', '1', 60).then(
    () => true,
    () => false,
  );

/** Listens, and gives what waits until something that `by` publishes from now on is heard. */
async function listener(cache: RedisCache) {
  const heard: string[] = [];
  await cache.subscribe('news', (message) => heard.push(message));
  return (by: RedisCache) =>
    until(
      async () => {
        await by.publish('news', 'again').catch(() => {});
        return heard.includes('again');
      },
      20_000,
      'the subscription to be back',
    );
}

// They wait for Sentinels nearly all of the time.
describe.concurrent('three servers with Sentinels', { timeout: 60_000 }, () => {
  it.for(['kill9', 'freeze'] as const)(
    'goes on with the new master when the old one is gone (%s), with subscriptions and without ever waiting long',
    async (how, { onTestFinished }) => {
      const { cluster, open } = await rig(onTestFinished);
      const [cache, other] = [open(), open()];
      const hears = await listener(other);
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
      await hears(cache);
      const rate = await cache.increment('count', 60);
      // Counted, and twice at most: what a connection was lost with is asked again.
      expect(rate.value).toBeGreaterThanOrEqual(1);
      expect(rate.value).toBeLessThanOrEqual(2);
    },
  );

  it('comes back when the Sentinels tell of a new master while it is asking who that is', async ({
    onTestFinished,
  }) => {
    const { cluster, open } = await rig(onTestFinished);
    // Answers of this Sentinel take so long that a client without a connection is nearly always waiting for one. The
    // news comes by the others, which the client has heard of.
    const line = await tcpLine(cluster.sentinels[0]!.port);
    onTestFinished(() => line.close());
    const cache = open({ ...cluster, sentinels: [{ host: '127.0.0.1', port: line.port }] });
    const hears = await listener(cache);
    await cache.set('key', 'before', 600);
    line.delay(700);
    await cluster.kill9(cluster.ports[0]!);
    await until(() => works(cache), 20_000, 'Redis to be used again');
    await hears(cache);
    await cache.ping();
  });

  it('follows a master that has become a replica and goes on answering', async ({ onTestFinished }) => {
    const { cluster, open } = await rig(onTestFinished);
    const cache = open();
    const hears = await listener(cache);
    await cache.set('key', 'before', 600);
    await asked(cluster, (sentinel) => sentinel.call('SENTINEL', 'FAILOVER', cluster.master));
    await until(async () => {
      const question = ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', cluster.master] as const;
      const [, port] = (await asked(cluster, (sentinel) => sentinel.call(...question))) as string[];
      return port !== String(cluster.ports[0]);
    });
    await until(() => works(cache), 20_000);
    await hears(cache);
  });

  it('fails at once while nobody has been there for a while, and works again after that', async ({
    onTestFinished,
  }) => {
    const { cluster, open } = await rig(onTestFinished);
    const cache = open();
    const hears = await listener(cache);
    await cache.set('key', '1', 60);
    await cluster.stopSentinels();
    await Promise.all(cluster.ports.map((port) => cluster.kill9(port)));
    await until(async () => !(await works(cache)), 20_000);
    await until(async () => {
      const began = performance.now();
      await cache.get('key').catch(() => {});
      return performance.now() - began < 50;
    }, 20_000);
    for (const port of cluster.ports) await cluster.start(port);
    await cluster.startSentinels();
    await until(() => works(cache), 40_000);
    await hears(cache);
  });
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
