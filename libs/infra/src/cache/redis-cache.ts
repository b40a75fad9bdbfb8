import type { Cache } from '@psa/contracts/ports/cache';
import { Redis, type RedisOptions } from 'ioredis';
import { type AdapterLog, silentLog } from '../log.ts';
import { callListener, milliseconds } from './memory-cache.ts';

/** Where Redis is: one server, or the Sentinels that know which of several is the master. */
export type RedisSource =
  | {
      /** `redis://[:password@]host:port[/db]`. */
      readonly url: string;
    }
  | {
      readonly sentinels: readonly { readonly host: string; readonly port: number }[];
      /** What the Sentinels call the master. */
      readonly master: string;
      readonly password?: string;
    };

export type RedisCacheOptions = RedisSource & {
  /** Before every key and channel; default `psa:`. */
  readonly prefix?: string;
  /** Told of lost connections; they are mended without help. */
  readonly log?: AdapterLog;
};

/** Redis has not answered for a while; nobody waits for it until it does. */
class CacheAway extends Error {
  constructor() {
    super('Redis does not answer.');
    this.name = 'CacheAway';
  }
}

/** How long a command may take, and how long a lost connection is waited for before commands fail at once. */
const PATIENCE_MS = 2_000;

// The expiry is set with the first increment only, and in the same step: a counter never stays for ever.
const INCREMENT = `
local value = redis.call('INCRBY', KEYS[1], ARGV[1])
local ttl = redis.call('PTTL', KEYS[1])
if ttl < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  ttl = tonumber(ARGV[2])
end
return {value, ttl}`;

interface WithIncrement extends Redis {
  psaIncrement(key: string, by: number, ttlMs: number): Promise<[number, number]>;
}

/**
 * The cache on Redis, shared by all processes. While Redis is away, calls fail within about two seconds, and at once
 * when that has been known for longer, so that callers can do without; subscriptions come back by themselves. With
 * Sentinels it follows the master.
 */
export class RedisCache implements Cache {
  readonly #redis: WithIncrement;
  readonly #prefix: string;
  readonly #log: AdapterLog;
  readonly #listeners = new Map<string, Set<(message: string) => void>>();
  #subscriber: Redis | null = null;
  readonly #source: RedisSource;
  /** Since when there is no connection to a server that answers; null while there is one. */
  #awaySince: number | null = null;

  constructor(options: RedisCacheOptions) {
    this.#source = options;
    this.#prefix = options.prefix ?? 'psa:';
    this.#log = options.log ?? silentLog;
    const redis = connectionTo(options, {
      lazyConnect: true,
      maxRetriesPerRequest: 2,
      commandTimeout: PATIENCE_MS,
      scripts: { psaIncrement: { lua: INCREMENT, numberOfKeys: 1 } },
    });
    redis.on('error', (error: Error) => this.#log.warn(`Redis: ${error.message}`));
    redis.on('ready', () => (this.#awaySince = null));
    redis.on('close', () => (this.#awaySince ??= performance.now()));
    this.#redis = redis as WithIncrement;
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

  async publish(channel: string, message: string): Promise<void> {
    await this.#ask((redis) => redis.publish(this.#prefix + channel, message));
  }

  async subscribe(channel: string, listener: (message: string) => void): Promise<() => Promise<void>> {
    const name = this.#prefix + channel;
    const own = (message: string) => listener(message);
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(own));
    // Asking again for a channel already subscribed to is harmless, and waits until the first asking is done.
    await this.#subscription().subscribe(name);
    return async () => {
      listeners.delete(own);
      if (listeners.size > 0 || this.#listeners.get(name) !== listeners) return;
      this.#listeners.delete(name);
      await this.#subscriber?.unsubscribe(name);
    };
  }

  async ping(): Promise<void> {
    await this.#ask((redis) => redis.ping());
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    this.#subscriber?.disconnect();
    // QUIT lets commands under way finish; when Redis is away there is nothing to wait for.
    if (this.#redis.status === 'ready') await this.#redis.quit().catch(() => {});
    this.#redis.disconnect();
  }

  async #ask<T>(command: (redis: WithIncrement) => Promise<T>): Promise<T> {
    if (this.#awaySince !== null && performance.now() - this.#awaySince > PATIENCE_MS) throw new CacheAway();
    try {
      return await command(this.#redis);
    } catch (error) {
      // A server whose power is gone says nothing, not even that it has closed: asked anew, the Sentinels know better.
      if (isTimeout(error) && this.#redis.status === 'ready') {
        this.#awaySince = performance.now() - PATIENCE_MS;
        this.#redis.disconnect(true);
      }
      throw error;
    }
  }

  /** A connection of its own: Redis allows a subscribed connection no other commands. */
  #subscription(): Redis {
    if (this.#subscriber) return this.#subscriber;
    const subscriber = connectionTo(this.#source, { maxRetriesPerRequest: null, autoResubscribe: true });
    subscriber.on('error', (error: Error) => this.#log.warn(`Redis subscription: ${error.message}`));
    subscriber.on('message', (name: string, message: string) => {
      for (const listener of this.#listeners.get(name) ?? []) callListener(listener, message);
    });
    this.#subscriber = subscriber;
    return subscriber;
  }
}

function connectionTo(source: RedisSource, options: RedisOptions): Redis {
  const common: RedisOptions = {
    connectTimeout: PATIENCE_MS,
    keepAlive: 10_000,
    retryStrategy: backoff,
    // A master that has become a replica: connect again, to its successor, and send the command there.
    reconnectOnError: (error) => (/^(READONLY|NOREPLICAS|MASTERDOWN)/.test(error.message) ? 2 : false),
    ...options,
  };
  if ('url' in source) return new Redis(source.url, common);
  return new Redis({
    ...common,
    sentinels: source.sentinels.map(({ host, port }) => ({ host, port })),
    name: source.master,
    role: 'master',
    ...(source.password && { password: source.password }),
    sentinelRetryStrategy: backoff,
    sentinelCommandTimeout: PATIENCE_MS,
    // Told by the Sentinels of a new master: the old one may be silent rather than gone.
    failoverDetector: true,
  });
}

const isTimeout = (error: unknown) => error instanceof Error && error.message === 'Command timed out';

function backoff(attempt: number): number {
  return Math.min(attempt * 50, 1_000);
}

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
