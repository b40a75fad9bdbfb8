import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { AdapterLog } from '../log.ts';
import { callListener } from './memory-cache.ts';
import { RedisConnection, type RedisSource, type RedisTimes } from './redis-connection.ts';

export interface RedisSubscriptionsOptions {
  readonly source: RedisSource;
  readonly times: RedisTimes;
  readonly prefix: string;
  readonly log: AdapterLog;
  /** Publishes as everybody does, over the connection for commands. */
  readonly publish: (channel: string, message: string) => Promise<unknown>;
}

type Listener = (message: string) => void;

/**
 * Channels listened to, on a connection of their own: Redis allows a subscribed connection no other commands. Such a
 * connection says nothing for hours, so nobody sees that its server is gone, or is a master that the others have given
 * up. Therefore it has to hear a message of its own every few seconds, which goes the way of all messages.
 */
export class RedisSubscriptions {
  readonly #options: RedisSubscriptionsOptions;
  readonly #listeners = new Map<string, Set<Listener>>();
  /** Those who wait for the first confirmation of a channel. */
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>();
  readonly #beatChannel: string;
  #connection: RedisConnection | null = null;
  /** The client on which everything is subscribed. */
  #complete: Redis | null = null;
  #timer: NodeJS.Timeout | undefined;
  /** The message that was published, and not heard yet. */
  #awaited: string | null = null;
  #heard = '';
  #closed = false;

  constructor(options: RedisSubscriptionsOptions) {
    this.#options = options;
    this.#beatChannel = `${options.prefix}beat:${randomUUID()}`;
  }

  /** Resolves once the server has confirmed it; while Redis is away that waits. */
  async subscribe(channel: string, listener: Listener): Promise<() => Promise<void>> {
    const own = (message: string) => listener(message);
    const listeners = this.#listeners.get(channel) ?? new Set();
    const isNew = listeners.size === 0;
    this.#listeners.set(channel, listeners.add(own));
    if (isNew) {
      const waiting = Promise.withResolvers<void>();
      // Nobody may be waiting when it is given up.
      waiting.promise.catch(() => {});
      this.#waiting.set(channel, waiting);
      const connection = this.#open();
      if (connection.isReady) void this.#ask(connection.client, [channel]);
    }
    await this.#waiting.get(channel)?.promise;
    return async () => {
      listeners.delete(own);
      if (listeners.size > 0 || this.#listeners.get(channel) !== listeners) return;
      this.#listeners.delete(channel);
      // Whoever connects anew asks for what is left only.
      if (this.#connection?.isReady) await this.#connection.client.unsubscribe(channel).catch(() => {});
    };
  }

  /** @throws when somebody listens and would hear nothing */
  check(): void {
    const { client } = this.#connection ?? {};
    if (client && (this.#complete !== client || client.status !== 'ready'))
      throw new Error('The subscription to Redis is away.');
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#listeners.clear();
    for (const waiting of this.#waiting.values()) waiting.reject(new Error('The cache is closed.'));
    this.#waiting.clear();
    await this.#connection?.close();
  }

  #open(): RedisConnection {
    if (this.#closed) throw new Error('The cache is closed.');
    if (this.#connection) return this.#connection;
    const { source, times, log } = this.#options;
    this.#connection = new RedisConnection({
      ...{ source, times, log },
      name: 'Redis subscription',
      settings: { maxRetriesPerRequest: null, autoResubscribe: false },
      ready: (client) => {
        this.#complete = null;
        client.removeAllListeners('message');
        client.on('message', (channel: string, message: string) => this.#tell(channel, message));
        void this.#ask(client, [this.#beatChannel, ...this.#listeners.keys()]).then((confirmed) => {
          // The failure of a client that was thrown away may come after its successor's success.
          if (!confirmed || this.#connection?.client !== client) return;
          this.#awaited = null;
          this.#complete = client;
        });
      },
    });
    this.#timer = setInterval(() => void this.#beat(), times.beatMs);
    this.#timer.unref();
    return this.#connection;
  }

  /** Asking again for a channel already subscribed to is harmless. False: the client is given up. */
  async #ask(client: Redis, channels: readonly string[]): Promise<boolean> {
    try {
      await client.subscribe(...channels);
    } catch (error) {
      this.#doubt(client, `subscribing failed: ${(error as Error).message}`);
      return false;
    }
    for (const channel of channels) {
      this.#waiting.get(channel)?.resolve();
      this.#waiting.delete(channel);
    }
    return true;
  }

  async #beat(): Promise<void> {
    const { client } = this.#connection ?? {};
    if (!client || this.#complete !== client || client.status !== 'ready') return;
    if (this.#awaited !== null) {
      this.#awaited = null;
      this.#doubt(client, 'a message of its own did not come back');
      return;
    }
    const message = randomUUID();
    const published = await this.#options.publish(this.#beatChannel, message).then(
      () => true,
      () => false,
    );
    if (published && this.#heard !== message && this.#complete === client) this.#awaited = message;
  }

  /** Renews the connection, unless it has been renewed since. */
  #doubt(client: Redis, reason: string): void {
    if (this.#connection?.client === client) this.#connection.distrust(reason);
  }

  #tell(channel: string, message: string): void {
    if (channel === this.#beatChannel) {
      this.#heard = message;
      if (this.#awaited === message) this.#awaited = null;
      return;
    }
    for (const listener of this.#listeners.get(channel) ?? []) callListener(listener, message);
  }
}
