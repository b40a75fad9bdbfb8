import { type ChannelModel, connect } from 'amqplib';
import type { AdapterLog } from '../log.ts';
import { afterPatience } from '../patience.ts';

export interface ConnectionOptions {
  /** `amqp://user:password@host:port/vhost`; several for a cluster, tried in turn. */
  readonly urls: readonly string[];
  /** Shown in the broker's list of connections. */
  readonly name: string;
  /** Called with each new connection: declare and consume. A throw counts as a failed attempt. */
  readonly setup: (connection: ChannelModel) => Promise<void>;
  /** Called when a connection is lost, or its setup has failed. */
  readonly lost: (reason: string) => void;
  /** Time for `setup`: a broker may be there and still not answer. */
  readonly setupTimeoutMs: number;
  readonly log: AdapterLog;
}

const CONNECT_TIMEOUT_MS = 3_000;
/** A broker that does not even say good-bye is left without one. */
const CLOSE_TIMEOUT_MS = 2_000;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;

/** A connection to RabbitMQ that is made again, with growing pauses, whenever it breaks. */
export class RabbitConnection {
  readonly #options: ConnectionOptions;
  #current: ChannelModel | null = null;
  #blocked: string | null = null;
  #closed = false;
  #attempts = 0;
  #retry: NodeJS.Timeout | null = null;
  #connecting: Promise<void> | null = null;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Why the broker takes nothing from publishers just now (it is short of memory or disk); null while it does. */
  get blocked(): string | null {
    return this.#blocked;
  }

  /** Makes the first attempt; later ones follow by themselves. */
  start(): void {
    this.#connecting = this.#connect();
  }

  /** Breaks the connection, one that is being set up, too, so that it is made anew; everything under way on it fails. */
  reset(): void {
    if (this.#current) destroy(this.#current);
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#retry) clearTimeout(this.#retry);
    const connection = this.#current;
    this.#current = null;
    if (connection) await end(connection);
    await this.#connecting;
  }

  async #connect(): Promise<void> {
    const { urls, name, setup } = this.#options;
    const url = urls[this.#attempts % urls.length]!;
    let connection: ChannelModel | null = null;
    try {
      connection = await connect(withHeartbeat(url), {
        timeout: CONNECT_TIMEOUT_MS,
        noDelay: true,
        keepAlive: true,
        keepAliveDelay: 10_000,
        clientProperties: { connection_name: name },
      });
      if (this.#closed) throw new Error('closed');
      const ended = this.#follow(connection);
      this.#current = connection;
      await within(this.#options.setupTimeoutMs, Promise.race([setup(connection), ended]));
      this.#attempts = 0;
      ended.catch((error) => this.#lose(connection, `connection ${name} lost: ${messageOf(error)}`));
    } catch (error) {
      this.#lose(connection, `unable to connect ${name}: ${messageOf(error)}`);
    }
  }

  /** Rejects with the reason when the connection has ended. */
  #follow(connection: ChannelModel): Promise<never> {
    const { name, log } = this.#options;
    const ended = Promise.withResolvers<never>();
    let reason = 'closed by the broker';
    this.#blocked = null;
    connection.on('error', (error) => {
      reason = error.message;
    });
    connection.on('blocked', (why) => {
      this.#blocked = why;
      log.warn(`RabbitMQ: the broker takes nothing from ${name}: ${why}`);
    });
    connection.on('unblocked', () => {
      this.#blocked = null;
    });
    connection.on('close', (error) => ended.reject(new Error(error?.message ?? reason)));
    return ended.promise;
  }

  #lose(connection: ChannelModel | null, what: string): void {
    // One that was half open has only been said good-bye to.
    if (connection) destroy(connection);
    if (this.#closed) return;
    if (connection) {
      this.#current = null;
      this.#options.lost(what);
    }
    this.#options.log.warn(`RabbitMQ: ${what}`);
    this.#again();
  }

  #again(): void {
    const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(this.#attempts, 10));
    this.#attempts++;
    // Spread out, so that all services do not come at the same instant when the broker is back.
    this.#retry = setTimeout(
      () => {
        this.#connecting = this.#connect();
      },
      longest * (0.5 + Math.random() / 2),
    );
  }
}

/** @throws when the promise has not settled by then; what it does goes on */
export async function within<T>(ms: number, promise: Promise<T>, late = 'the broker does not answer') {
  const expired = Promise.withResolvers<never>();
  const stopWaiting = afterPatience(ms, () => expired.reject(new Error(late)));
  try {
    return await Promise.race([promise, expired.promise]);
  } finally {
    stopWaiting();
  }
}

/** Ends in order, so that what was sent arrives; but not at any price. */
async function end(connection: ChannelModel): Promise<void> {
  await within(CLOSE_TIMEOUT_MS, connection.close()).catch(() => {});
  destroy(connection);
}

function destroy(connection: ChannelModel): void {
  // One that came about after `close` has nobody listening yet, and an error that nobody hears ends the process.
  connection.on('error', () => {});
  // With an error, because amqplib does not notice a socket that merely closes.
  const { stream } = connection.connection as unknown as { stream: { destroy(error: Error): void } };
  stream.destroy(new Error('given up to start afresh'));
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** A dead peer (power, cable) is noticed after two missed heartbeats of 5 s instead of the default 60 s. */
function withHeartbeat(url: string): string {
  const parsed = new URL(url);
  if (!parsed.searchParams.has('heartbeat')) parsed.searchParams.set('heartbeat', '5');
  return parsed.href;
}
