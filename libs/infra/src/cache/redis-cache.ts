import type { Cache } from '@psa/contracts/ports/cache';
import { Redis } from 'ioredis';
import { type AdapterLog, silentLog } from '../log.ts';
import { callListener, milliseconds } from './memory-cache.ts';

export interface RedisCacheOptions {
  /** `redis://[:password@]host:port[/db]`. */
  readonly url: string;
  /** Before every key and channel; default `psa:`. */
  readonly prefix?: string;
  /** Told of lost connections; they are mended without help. */
  readonly log?: AdapterLog;
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

interface WithIncrement extends Redis {
  psaIncrement(key: string, by: number, ttlMs: number): Promise<[number, number]>;
}

/**
 * The cache on Redis, shared by all processes. While Redis is away, calls fail within about two seconds
 * instead of waiting, so that callers can do without; subscriptions come back by themselves.
 */
export class RedisCache implements Cache {
  readonly #redis: WithIncrement;
  readonly #prefix: string;
  readonly #log: AdapterLog;
  readonly #listeners = new Map<string, Set<(message: string) => void>>();
  #subscriber: Redis | null = null;
  readonly #url: string;

  constructor(options: RedisCacheOptions) {
    this.#url = options.url;
    this.#prefix = options.prefix ?? 'psa:';
    this.#log = options.log ?? silentLog;
    const redis = new Redis(options.url, {
      lazyConnect: true,
      maxRetriesPerRequest: 2,
      connectTimeout: 2_000,
      commandTimeout: 2_000,
      retryStrategy: backoff,
      scripts: { psaIncrement: { lua: INCREMENT, numberOfKeys: 1 } },
    });
    redis.on('error', (error: Error) => this.#log.warn(`Redis: ${error.message}`));
    this.#redis = redis as WithIncrement;
  }

  get(key: string): Promise<string | null> {
    return this.#redis.get(this.#prefix + key);
  }

  async getMany(keys: readonly string[]): Promise<(string | null)[]> {
    if (keys.length === 0) return [];
    return this.#redis.mget(keys.map((key) => this.#prefix + key));
  }

  async set(key: string, value: string, ttlSeconds: number): Promise<void> {
    await this.#redis.set(this.#prefix + key, value, 'PX', milliseconds(ttlSeconds));
  }

  async setIfAbsent(key: string, value: string, ttlSeconds: number): Promise<boolean> {
    return (await this.#redis.set(this.#prefix + key, value, 'PX', milliseconds(ttlSeconds), 'NX')) === 'OK';
  }

  async delete(...keys: string[]): Promise<void> {
    if (keys.length > 0) await this.#redis.del(keys.map((key) => this.#prefix + key));
  }

  async increment(key: string, ttlSeconds: number, by = 1): Promise<{ value: number; ttlSeconds: number }> {
    const [value, ttl] = await this.#redis.psaIncrement(this.#prefix + key, by, milliseconds(ttlSeconds));
    return { value, ttlSeconds: Math.ceil(ttl / 1_000) };
  }

  async publish(channel: string, message: string): Promise<void> {
    await this.#redis.publish(this.#prefix + channel, message);
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
    await this.#redis.ping();
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    this.#subscriber?.disconnect();
    // QUIT lets commands under way finish; when Redis is away there is nothing to wait for.
    if (this.#redis.status === 'ready') await this.#redis.quit().catch(() => {});
    this.#redis.disconnect();
  }

  /** A connection of its own: Redis allows a subscribed connection no other commands. */
  #subscription(): Redis {
    if (this.#subscriber) return this.#subscriber;
    const subscriber = new Redis(this.#url, {
      connectTimeout: 2_000,
      maxRetriesPerRequest: null,
      retryStrategy: backoff,
      autoResubscribe: true,
    });
    subscriber.on('error', (error: Error) => this.#log.warn(`Redis subscription: ${error.message}`));
    subscriber.on('message', (name: string, message: string) => {
      for (const listener of this.#listeners.get(name) ?? []) callListener(listener, message);
    });
    this.#subscriber = subscriber;
    return subscriber;
  }
}

function backoff(attempt: number): number {
  return Math.min(attempt * 50, 1_000);
}
