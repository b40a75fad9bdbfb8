import type { EventEnvelope } from '@psa/contracts/events/envelope';
import type { DeadLetter, EventBus, Subscription } from '@psa/contracts/ports/bus';
import postgres, { type Sql } from 'postgres';
import { type AdapterLog, silentLog } from '../log.ts';
import { clientOf, type PostgresSource } from '../postgres-client.ts';
import { Dispatcher, type Taken } from './dispatcher.ts';
import { aggregateKey, topicMatcher } from './topics.ts';

/**
 * The client's role may create and use the schema `bus`. While there are consumers one more connection, for
 * locks, is opened to the same database.
 */
export type PostgresBusOptions = PostgresSource & {
  /** Pause between two looks for events that other processes published; default 1,000 ms. */
  readonly pollMs?: number;
  readonly log?: AdapterLog;
};

/** Events of a consumer held in memory at most; later ones wait in the table. */
const WINDOW = 500;

interface Row {
  readonly seq: string;
  readonly event: EventEnvelope;
  readonly failures: number;
  readonly not_before: Date | null;
}

interface Consumer {
  readonly subscription: Subscription;
  readonly dispatcher: Dispatcher<string>;
  /** `seq` of every row held in memory. */
  readonly held: Set<string>;
  readonly matches: (type: string) => boolean;
  /** True from a wake-up until the next look. */
  due: boolean;
  /** The last look found more than there was room for. */
  more: boolean;
}

/**
 * The bus of the embedded target: a table of events per consumer. One process at a time serves a consumer;
 * it is chosen by an advisory lock of one session, so when it is killed another takes over at once, and the
 * order per aggregate holds with any number of processes. Nothing is locked while a handler runs.
 */
export class PostgresBus implements EventBus {
  readonly #sql: Sql;
  readonly #pollMs: number;
  readonly #log: AdapterLog;
  readonly #end: () => Promise<void>;
  readonly #consumers = new Map<string, Consumer>();
  /** The one connection whose session holds the locks. A client of its own and not a reserved connection of
   * the pool: the pool's book-keeping does not survive the loss of a reserved one. */
  #session: Sql | null = null;
  /** Backend of that session; another one means that the locks are gone. */
  #backend = 0;
  /** Consumers whose lock this process holds. */
  readonly #serving = new Set<string>();
  #loop: Promise<void> | null = null;
  #wake: () => void = () => {};
  #closed = false;

  constructor(options: PostgresBusOptions) {
    const { sql, end } = clientOf(options, 5);
    this.#sql = sql;
    this.#end = end;
    this.#pollMs = options.pollMs ?? 1_000;
    this.#log = options.log ?? silentLog;
  }

  /** Creates the schema `bus` and its tables; safe to call again and from several processes at once. */
  async prepare(): Promise<void> {
    await this.#sql.begin(async (sql) => {
      await sql`SELECT pg_advisory_xact_lock(hashtextextended('psa.bus.prepare', 0))`;
      const [found] = await sql`SELECT to_regclass('bus.events') IS NOT NULL AS done`;
      if (found?.done) return;
      await sql`CREATE SCHEMA IF NOT EXISTS bus`;
      await sql`CREATE TABLE bus.consumers (name text PRIMARY KEY, topics text[] NOT NULL)`;
      // Rows come and go fast, so the vacuum must not wait for a share of the table to be dead.
      await sql`
        CREATE TABLE bus.events (
          consumer text NOT NULL REFERENCES bus.consumers ON DELETE CASCADE,
          seq bigint GENERATED ALWAYS AS IDENTITY,
          aggregate text NOT NULL,
          event jsonb NOT NULL,
          failures int NOT NULL DEFAULT 0,
          not_before timestamptz,
          error text,
          parked_at timestamptz,
          PRIMARY KEY (consumer, seq)
        ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)`;
      await sql`CREATE INDEX events_waiting ON bus.events (consumer, seq) WHERE parked_at IS NULL`;
      await sql`CREATE INDEX events_parked ON bus.events (consumer, seq) WHERE parked_at IS NOT NULL`;
    });
  }

  async publish(events: readonly EventEnvelope[]): Promise<void> {
    if (events.length === 0) return;
    const known = await this.#sql<
      { name: string; topics: string[] }[]
    >`SELECT name, topics FROM bus.consumers`;
    const targets = known.map((it) => ({ name: it.name, matches: topicMatcher(it.topics) }));
    const consumers: string[] = [];
    const aggregates: string[] = [];
    const bodies: string[] = [];
    for (const event of events) {
      const body = JSON.stringify(event);
      for (const target of targets) {
        if (!target.matches(event.type)) continue;
        consumers.push(target.name);
        aggregates.push(aggregateKey(event));
        bodies.push(body);
      }
    }
    if (consumers.length === 0) return;
    // One statement: either every consumer gets all of these events or none does. The order of the arrays
    // becomes the order of `seq`.
    await this.#sql`
      INSERT INTO bus.events (consumer, aggregate, event)
      SELECT consumer, aggregate, event::jsonb
      FROM unnest(${consumers}::text[], ${aggregates}::text[], ${bodies}::text[])
        WITH ORDINALITY AS given (consumer, aggregate, event, place)
      ORDER BY place`;
    this.#notify(new Set(consumers));
  }

  async subscribe(subscription: Subscription): Promise<void> {
    if (this.#closed) throw new Error('The bus is closed.');
    const name = subscription.consumer;
    if (this.#consumers.has(name)) throw new Error(`Consumer ${name} is subscribed already.`);
    const topics = [...subscription.topics];
    await this.#sql`
      INSERT INTO bus.consumers (name, topics) VALUES (${name}, ${topics})
      ON CONFLICT (name) DO UPDATE SET topics = excluded.topics`;
    const held = new Set<string>();
    const consumer: Consumer = {
      subscription,
      held,
      due: true,
      more: false,
      matches: topicMatcher(topics),
      dispatcher: new Dispatcher<string>(
        subscription,
        {
          done: async (taken) => {
            try {
              await this.#remove(name, taken);
            } finally {
              // Where removing failed, the next look finds them again.
              for (const it of taken) held.delete(it.token);
            }
          },
          retrying: async (taken, error) => {
            await this.#sql`
              UPDATE bus.events SET failures = ${taken.failures}, not_before = ${new Date(taken.notBefore)}, error = ${error}
              WHERE consumer = ${name} AND seq = ${taken.token}`;
          },
          park: async (taken, error) => {
            await this.#sql`
              UPDATE bus.events SET failures = ${taken.failures}, error = ${error}, parked_at = now()
              WHERE consumer = ${name} AND seq = ${taken.token}`;
            held.delete(taken.token);
          },
        },
        () => {
          if (consumer.more && consumer.dispatcher.size <= WINDOW / 2) this.#notify(new Set([name]));
        },
      ),
    };
    this.#consumers.set(name, consumer);
    this.#loop ??= this.#run();
    this.#wake();
  }

  async deadLetters(consumer?: string, limit = 100, tenantId?: string): Promise<DeadLetter[]> {
    const only = consumer === undefined ? this.#sql`` : this.#sql`AND consumer = ${consumer}`;
    const rows = await this.#sql<
      { consumer: string; event: EventEnvelope; error: string; failures: number; parked_at: Date }[]
    >`
      SELECT consumer, event, error, failures, parked_at FROM bus.events
      WHERE parked_at IS NOT NULL ${only} ${this.#ofTenant(tenantId)} ORDER BY consumer, seq LIMIT ${limit}`;
    return rows.map(({ failures, parked_at, ...row }) => ({
      ...row,
      attempts: failures,
      parked_at: parked_at.toISOString(),
    }));
  }

  async replayDeadLetters(consumer: string, limit = 1_000, tenantId?: string): Promise<number> {
    const { count } = await this.#sql`
      UPDATE bus.events SET parked_at = NULL, failures = 0, not_before = NULL, error = NULL
      WHERE consumer = ${consumer} AND seq IN (
        SELECT seq FROM bus.events WHERE consumer = ${consumer} AND parked_at IS NOT NULL ${this.#ofTenant(tenantId)}
        ORDER BY seq LIMIT ${limit} FOR UPDATE SKIP LOCKED)`;
    this.#notify(new Set([consumer]));
    return count;
  }

  async ping(): Promise<void> {
    await this.#sql`SELECT 1`;
  }

  /** Waits for the handlers under way. A client given by the caller stays open. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#wake();
    await this.#loop;
    await Promise.all([...this.#consumers.values()].map((it) => it.dispatcher.stop()));
    await this.#leave();
    await this.#end();
  }

  #ofTenant(tenantId: string | undefined) {
    return tenantId === undefined ? this.#sql`` : this.#sql`AND event->>'tenant_id' = ${tenantId}`;
  }

  #notify(names: ReadonlySet<string>): void {
    for (const name of names) {
      const consumer = this.#consumers.get(name);
      if (consumer) consumer.due = true;
    }
    this.#wake();
  }

  async #remove(consumer: string, taken: readonly Taken<string>[]): Promise<void> {
    const seqs = taken.map((it) => it.token);
    await this.#sql`DELETE FROM bus.events WHERE consumer = ${consumer} AND seq = ANY(${seqs}::bigint[])`;
  }

  async #run(): Promise<void> {
    let nextPoll = 0;
    while (!this.#closed) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      try {
        if (Date.now() >= nextPoll) {
          await this.#join();
          for (const consumer of this.#consumers.values()) consumer.due = true;
          nextPoll = Date.now() + this.#pollMs;
        } else if ([...this.#consumers.keys()].some((name) => !this.#serving.has(name))) {
          await this.#join();
        }
        for (const consumer of this.#consumers.values()) if (consumer.due) await this.#fetch(consumer);
      } catch (error) {
        this.#log.warn(`Event bus: ${error instanceof Error ? error.message : String(error)}`);
        await this.#leave();
        await pause(this.#pollMs);
        continue;
      }
      const timer = setTimeout(() => this.#wake(), Math.max(0, nextPoll - Date.now()));
      await woken;
      clearTimeout(timer);
    }
  }

  /** Takes the lock of every consumer that no other process serves. */
  async #join(): Promise<void> {
    if (!this.#session) {
      // Without limits of time: the session lasts as long as it can.
      const options = { ...this.#sql.options, max: 1, idle_timeout: undefined, max_lifetime: null };
      this.#session = postgres(options as unknown as Parameters<typeof postgres>[0] & object);
      const [row] = await this.#session<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
      this.#backend = row!.pid;
    }
    for (const name of this.#consumers.keys()) {
      if (this.#serving.has(name)) continue;
      const [row] = await this.#session<{ pid: number; taken: boolean }[]>`
        SELECT pg_backend_pid() AS pid, pg_try_advisory_lock(hashtextextended(${`psa.bus/${name}`}, 0)) AS taken`;
      if (row!.pid !== this.#backend) throw new Error('the session of the locks was lost');
      if (row!.taken) this.#serving.add(name);
    }
  }

  /** Gives all locks back and forgets what is held; whoever takes them next finds it in the table. */
  async #leave(): Promise<void> {
    this.#serving.clear();
    for (const consumer of this.#consumers.values()) {
      consumer.dispatcher.forget();
      consumer.held.clear();
    }
    const session = this.#session;
    this.#session = null;
    if (!session) return;
    // Ending the session gives the locks back.
    await session.end({ timeout: 1 }).catch(() => {});
  }

  async #fetch(consumer: Consumer): Promise<void> {
    const { subscription, dispatcher, held } = consumer;
    consumer.due = false;
    if (!this.#serving.has(subscription.consumer)) return;
    const room = WINDOW - dispatcher.size;
    consumer.more = room <= 0;
    if (consumer.more) return;
    // Not `seq > last seen`: a slower publisher may commit a lower number later. Asked over the session of the
    // locks, so that a lost lock is noticed before anything is taken.
    const rows = await this.#session!<(Row & { pid: number })[]>`
      SELECT pg_backend_pid() AS pid, seq, event, failures, not_before FROM bus.events
      WHERE consumer = ${subscription.consumer} AND parked_at IS NULL AND seq <> ALL(${[...held]}::bigint[])
      ORDER BY seq LIMIT ${room}`;
    if (rows[0] && rows[0].pid !== this.#backend) throw new Error('the session of the locks was lost');
    const unwanted: Taken<string>[] = [];
    for (const row of rows) {
      const taken = {
        event: row.event,
        token: row.seq,
        failures: row.failures,
        notBefore: row.not_before?.getTime() ?? 0,
      };
      if (!consumer.matches(row.event.type)) {
        unwanted.push(taken);
        continue;
      }
      held.add(row.seq);
      dispatcher.add(taken);
    }
    // Published under topics that the consumer has given up since.
    if (unwanted.length > 0) await this.#remove(subscription.consumer, unwanted);
    consumer.more = rows.length === room;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
