import { Redis, type RedisOptions } from 'ioredis';
import type { AdapterLog } from '../log.ts';

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

/** Milliseconds; tests shorten them. */
export interface RedisTimes {
  /** How long a connection may take to come about, and a command or a Sentinel to answer. */
  readonly patienceMs: number;
  /** A client that has not got ready by then is thrown away for a new one, whatever it is at. */
  readonly stuckMs: number;
  /** Between two messages that a subscription must hear of itself. */
  readonly beatMs: number;
}

export const REDIS_TIMES: RedisTimes = { patienceMs: 2_000, stuckMs: 15_000, beatMs: 5_000 };

export interface RedisConnectionOptions {
  readonly source: RedisSource;
  readonly times: RedisTimes;
  /** For the log: "Redis". */
  readonly name: string;
  readonly log: AdapterLog;
  /** What is special about this connection. */
  readonly settings: RedisOptions;
  /** Called with each client that has just got ready, also when it found its way back by itself. */
  readonly ready?: (client: Redis) => void;
}

/**
 * A connection to Redis that never ends for good. The client (ioredis) connects again by itself after most losses, but
 * not after all: its `failoverDetector` ends it when the Sentinels tell of a new master while it is just asking one of
 * them (status `end`, every command fails with "Connection is closed"), and nothing brings it back. So a client is
 * worth nothing here: one that has ended, or is not ready in time, or is not trusted any more, is replaced.
 */
export class RedisConnection {
  readonly #options: RedisConnectionOptions;
  #client: Redis;
  #closed = false;
  /** Since when there has been no connection to a server that answers; null while there is one. */
  #awaySince: number | null = performance.now();
  #stuck: NodeJS.Timeout | undefined;
  #again: NodeJS.Timeout | undefined;
  #ends = 0;

  constructor(options: RedisConnectionOptions) {
    this.#options = options;
    this.#client = this.#open();
  }

  /** The client of the moment; not to be kept. */
  get client(): Redis {
    return this.#client;
  }

  get isReady(): boolean {
    return this.#client.status === 'ready';
  }

  /** Milliseconds without a server that answers; 0 while there is one. */
  get awayMs(): number {
    return this.#awaySince === null ? 0 : performance.now() - this.#awaySince;
  }

  /** Throws the client away and makes a new one. What is under way on the old one fails. */
  renew(reason: string): void {
    if (this.#closed) return;
    this.#options.log.warn(`${this.#options.name}: connecting anew: ${reason}.`);
    const old = this.#client;
    this.#client = this.#open();
    discard(old);
  }

  /** As {@link renew} where the server took a command and said nothing: it counts as away until one answers. */
  distrust(reason: string): void {
    this.#awaySince = performance.now() - this.#options.times.patienceMs;
    this.renew(reason);
  }

  /** Lets commands under way finish; while Redis is away there is nothing to wait for. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#stuck);
    clearTimeout(this.#again);
    if (this.isReady) await this.#client.quit().catch(() => {});
    discard(this.#client);
  }

  #open(): Redis {
    const { name, log, ready } = this.#options;
    const client = clientTo(this.#options);
    clearTimeout(this.#again);
    this.#isAway();
    const isCurrent = () => this.#client === client && !this.#closed;
    client.on('error', (error: Error) => isCurrent() && log.warn(`${name}: ${error.message}`));
    client.on('close', () => isCurrent() && this.#isAway());
    client.on('ready', () => {
      if (!isCurrent()) return;
      clearTimeout(this.#stuck);
      this.#awaySince = null;
      this.#ends = 0;
      ready?.(client);
    });
    client.on('end', () => {
      if (!isCurrent()) return;
      this.#again = setTimeout(() => this.renew('the client had ended'), backoff(++this.#ends));
    });
    return client;
  }

  #isAway(): void {
    this.#awaySince ??= performance.now();
    clearTimeout(this.#stuck);
    const { stuckMs } = this.#options.times;
    this.#stuck = setTimeout(() => this.renew(`not connected for ${stuckMs / 1_000} s`), stuckMs);
  }
}

function discard(client: Redis): void {
  // A connection that comes about after all would make new watchers of the Sentinels.
  client.on('connect', () => client.disconnect());
  client.disconnect();
}

function clientTo({ source, times: { patienceMs }, settings }: RedisConnectionOptions): Redis {
  const common: RedisOptions = {
    connectTimeout: patienceMs,
    // A half-open connection is silent: what is not answered in time makes its user doubt it.
    commandTimeout: patienceMs,
    keepAlive: 10_000,
    retryStrategy: backoff,
    // A master that has become a replica: connect again, to its successor, and send the command there.
    reconnectOnError: (error) => (/^(READONLY|NOREPLICAS|MASTERDOWN)/.test(error.message) ? 2 : false),
    ...settings,
  };
  if ('url' in source) return new Redis(source.url, common);
  return new Redis({
    ...common,
    sentinels: source.sentinels.map(({ host, port }) => ({ host, port })),
    name: source.master,
    role: 'master',
    ...(source.password && { password: source.password }),
    sentinelRetryStrategy: backoff,
    sentinelCommandTimeout: patienceMs,
    // Told by the Sentinels of a new master: the old one may be silent rather than gone.
    failoverDetector: true,
    // By default a Sentinel that was away is listened to again after a minute.
    sentinelReconnectStrategy: () => 5_000,
  });
}

function backoff(attempt: number): number {
  return Math.min(attempt * 50, 1_000);
}
