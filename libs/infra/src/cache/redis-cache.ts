import type { Bucket, Cache } from '@psa/contracts/ports/cache';
import type { Redis } from 'ioredis';
import { type AdapterLog, silentLog } from '../log.ts';
import { milliseconds } from './memory-cache.ts';
import { REDIS_TIMES, RedisConnection, type RedisSource, type RedisTimes } from './redis-connection.ts';
import { RedisSubscriptions } from './redis-subscriptions.ts';

export type RedisCacheOptions = RedisSource & {
  /** Before every key and channel; default `psa:`. */
  readonly prefix?: string;
  /** Told of lost connections; they are mended without help. */
  readonly log?: AdapterLog;
  /** Over {@link REDIS_TIMES}. */
  readonly times?: Partial<RedisTimes>;
};

/** Redis has not answered for a while; nobody waits for it until it does. */
class CacheAway extends Error {
  constructor() {
    super('Redis does not answer.');
    this.name = 'CacheAway';
  }
}

// The expiry is set with the first increment only, and in the same step: a counter never stays for ever.
const INCREMENT = `
local value = redis.call('INCRBY', KEYS[1], ARGV[1])
local ttl = redis.call('PTTL', KEYS[1])
if ttl < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  ttl = tonumber(ARGV[2])
end
return {value, ttl}`;

// As in MemoryCache: kept is the time at which the bucket will be full again, by Redis' own clock.
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local fullAt = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
local left = ARGV[1] - (fullAt - now) / 1000 * ARGV[2]
if left < 1 then
  return {0, tostring(left)}
end
local next = fullAt + 1000 / ARGV[2]
redis.call('SET', KEYS[1], string.format('%.3f', next), 'PX', math.ceil(next - now))
return {1, tostring(left - 1)}`;

interface WithScripts extends Redis {
  psaTake(key: string, capacity: number, perSecond: number): Promise<[number, string]>;
  psaIncrement(key: string, by: number, ttlMs: number): Promise<[number, number]>;
}

/**
 * The cache on Redis, shared by all processes. While Redis is away, calls fail within about two seconds, and at once
 * when that has been known for longer, so that callers can do without; commands and subscriptions come back by
 * themselves, whatever happened. With Sentinels it follows the master.
 */
export class RedisCache implements Cache {
  readonly #connection: RedisConnection;
  readonly #subscriptions: RedisSubscriptions;
  readonly #prefix: string;
  readonly #times: RedisTimes;

  constructor(options: RedisCacheOptions) {
    const log = options.log ?? silentLog;
    const times = { ...REDIS_TIMES, ...options.times };
    this.#times = times;
    this.#prefix = options.prefix ?? 'psa:';
    this.#connection = new RedisConnection({
      ...{ source: options, times, log },
      name: 'Redis',
      settings: {
        maxRetriesPerRequest: 2,
        scripts: {
          psaIncrement: { lua: INCREMENT, numberOfKeys: 1 },
          psaTake: { lua: TAKE, numberOfKeys: 1 },
        },
      },
    });
    this.#subscriptions = new RedisSubscriptions({
      ...{ source: options, times, log, prefix: this.#prefix },
      publish: (channel, message) => this.#ask((redis) => redis.publish(channel, message)),
    });
  }

  get(key: string): Promise<string | null> {
    return this.#ask((redis) => redis.get(this.#prefix + key));
  }

  async getMany(keys: readonly string[]): Promise<(string | null)[]> {
    if (keys.length === 0) return [];
    return this.#ask((redis) => redis.mget(keys.map((key) => this.#prefix + key)));
  }

  async set(key: string, value: string, ttlSeconds: number): Promise<void> {
    const ms = milliseconds(ttlSeconds);
    await this.#ask((redis) => redis.set(this.#prefix + key, value, 'PX', ms));
  }

  async setIfAbsent(key: string, value: string, ttlSeconds: number): Promise<boolean> {
    const ms = milliseconds(ttlSeconds);
    return (await this.#ask((redis) => redis.set(this.#prefix + key, value, 'PX', ms, 'NX'))) === 'OK';
  }

  async delete(...keys: string[]): Promise<void> {
    if (keys.length > 0) await this.#ask((redis) => redis.del(keys.map((key) => this.#prefix + key)));
  }

  async increment(key: string, ttlSeconds: number, by = 1): Promise<{ value: number; ttlSeconds: number }> {
    const ms = milliseconds(ttlSeconds);
    const [value, ttl] = await this.#ask((redis) => redis.psaIncrement(this.#prefix + key, by, ms));
    return { value, ttlSeconds: Math.ceil(ttl / 1_000) };
  }

  async take(key: string, { capacity, perSecond }: Bucket): Promise<{ taken: boolean; left: number }> {
    const [taken, left] = await this.#ask((redis) => redis.psaTake(this.#prefix + key, capacity, perSecond));
    return { taken: taken === 1, left: Number(left) };
  }

  async publish(channel: string, message: string): Promise<void> {
    await this.#ask((redis) => redis.publish(this.#prefix + channel, message));
  }

  subscribe(channel: string, listener: (message: string) => void): Promise<() => Promise<void>> {
    return this.#subscriptions.subscribe(this.#prefix + channel, listener);
  }

  async ping(): Promise<void> {
    await this.#ask((redis) => redis.ping());
    this.#subscriptions.check();
  }

  async close(): Promise<void> {
    await Promise.all([this.#subscriptions.close(), this.#connection.close()]);
  }

  async #ask<T>(command: (redis: WithScripts) => Promise<T>): Promise<T> {
    if (this.#connection.awayMs > this.#times.patienceMs) throw new CacheAway();
    const client = this.#connection.client as WithScripts;
    sendTogether(client);
    try {
      return await command(client);
    } catch (error) {
      // A server whose power is gone says nothing, not even that it has closed: asked anew, the Sentinels know better.
      if (isTimeout(error) && client === this.#connection.client && client.status === 'ready')
        this.#connection.distrust('a command was not answered');
      throw error;
    }
  }
}

/**
 * What one turn of the event loop asks goes out in one piece: a write is a system call and wakes the server up, a fifth
 * of what a request costs the gateway.
 */
function sendTogether({ status, stream }: Redis): void {
  // Until then a client keeps commands to itself, and its connection is its own.
  if (status !== 'ready' || stream.writableCorked > 0) return;
  stream.cork();
  setImmediate(() => stream.uncork());
}

const isTimeout = (error: unknown) => error instanceof Error && error.message === 'Command timed out';

/** The settings that say where Redis is (a part of service-kit's `ServiceEnv` and of the gateway's). */
export interface RedisSettings {
  readonly REDIS_URL: string;
  readonly REDIS_SENTINELS: string;
  readonly REDIS_MASTER: string;
  readonly REDIS_PASSWORD: string;
}

/** Where Redis is, by the settings. @throws when neither an address nor Sentinels are named */
export function redisSource(env: RedisSettings): RedisSource {
  const sentinels = env.REDIS_SENTINELS.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const [, host, port] = /^([^\s:]+):(\d+)$/.exec(part) ?? [];
      if (!host || !port) throw new Error(`REDIS_SENTINELS: "${part}" is not of the form host:port.`);
      return { host, port: Number(port) };
    });
  if (sentinels.length > 0) return { sentinels, master: env.REDIS_MASTER, password: env.REDIS_PASSWORD };
  if (env.REDIS_URL) return { url: env.REDIS_URL };
  throw new Error('REDIS_URL or REDIS_SENTINELS is required.');
}
