import { type ChannelModel, connect } from 'amqplib';
import type { AdapterLog } from '../log.ts';

export interface ConnectionOptions {
  /** `amqp://user:password@host:port/vhost`; several for a cluster, tried in turn. */
  readonly urls: readonly string[];
  /** Shown in the broker's list of connections. */
  readonly name: string;
  /** Called with each new connection: declare and consume. A throw counts as a failed attempt. */
  readonly setup: (connection: ChannelModel) => Promise<void>;
  /** Called once when a connection that had been set up is lost. */
  readonly lost: (reason: string) => void;
  readonly log: AdapterLog;
}

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;

/** A connection to RabbitMQ that is made again, with growing pauses, whenever it breaks. */
export class RabbitConnection {
  readonly #options: ConnectionOptions;
  #current: ChannelModel | null = null;
  #closed = false;
  #attempts = 0;
  #retry: NodeJS.Timeout | null = null;
  #connecting: Promise<void> | null = null;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Makes the first attempt; later ones follow by themselves. */
  start(): void {
    this.#connecting = this.#connect();
  }

  /** Breaks the connection so that it is made anew, and everything under way on it fails. */
  reset(): void {
    // With an error, because amqplib does not notice a socket that merely closes.
    const inner = this.#current?.connection as { stream?: { destroy(error: Error): void } } | undefined;
    inner?.stream?.destroy(new Error('given up to start afresh'));
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#retry) clearTimeout(this.#retry);
    await this.#connecting;
    const connection = this.#current;
    this.#current = null;
    await connection?.close().catch(() => {});
  }

  async #connect(): Promise<void> {
    const { urls, name, setup, lost, log } = this.#options;
    const url = urls[this.#attempts % urls.length]!;
    let connection: ChannelModel | null = null;
    try {
      connection = await connect(withHeartbeat(url), {
        timeout: 3_000,
        noDelay: true,
        clientProperties: { connection_name: name },
      });
      let reason = 'closed by the broker';
      let ready = false;
      let broken = false;
      connection.on('error', (error) => {
        reason = error.message;
      });
      connection.on('close', (error) => {
        broken = true;
        if (error) reason = error.message;
        if (!ready || this.#current !== connection) return;
        this.#current = null;
        lost(reason);
        log.warn(`RabbitMQ: connection ${name} lost: ${reason}`);
        this.#again();
      });
      await setup(connection);
      if (broken) throw new Error(reason);
      ready = true;
      this.#current = connection;
      this.#attempts = 0;
    } catch (error) {
      log.warn(
        `RabbitMQ: unable to connect ${name}: ${error instanceof Error ? error.message : String(error)}`,
      );
      await connection?.close().catch(() => {});
      this.#again();
    }
  }

  #again(): void {
    if (this.#closed) return;
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

/** A dead peer (power, cable) is noticed after two missed heartbeats of 5 s instead of the default 60 s. */
function withHeartbeat(url: string): string {
  const parsed = new URL(url);
  if (!parsed.searchParams.has('heartbeat')) parsed.searchParams.set('heartbeat', '5');
  return parsed.href;
}
