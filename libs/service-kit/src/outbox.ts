import type { EventType } from '@psa/contracts/events/catalog';
import { EVENT_CATALOG } from '@psa/contracts/events/catalog';
import type { EventEnvelope } from '@psa/contracts/events/envelope';
import type { EventBus } from '@psa/contracts/ports/bus';
import type { Clock } from '@psa/contracts/ports/clock';
import type { Static } from 'typebox';
import { eventActor, type RequestContext } from './context.ts';
import type { Database, Tx } from './database.ts';
import type { Ids } from './ids.ts';
import type { Logger } from './log.ts';

export type EventData<T extends EventType> = Static<(typeof EVENT_CATALOG)[T]['data']>;

/** An event about to be committed with its change. */
export interface NewEvent<T extends EventType> {
  readonly type: T;
  readonly aggregate: { readonly type: string; readonly id: string };
  readonly data: EventData<T>;
  /** The customer whose portal users may learn that it happened; null: staff only. */
  readonly customer_id?: string | null;
  /** False hides it from portal users although it concerns their customer (internal notes). */
  readonly public?: boolean;
  readonly causation_id?: string | null;
  readonly occurred_at?: Date;
}

/** An event of whatever type, with that type's data. */
export type AnyNewEvent = { [T in EventType]: NewEvent<T> }[EventType];

/** Gives a typed event its envelope. */
export function envelope<T extends EventType>(
  ctx: RequestContext,
  event: NewEvent<T>,
  ids: Ids,
  now: Date,
): EventEnvelope {
  return {
    id: ids.uuid(),
    type: event.type,
    version: Number(/\.v(\d+)$/.exec(event.type)![1]),
    tenant_id: ctx.scope.tenant_id,
    customer_id: event.customer_id ?? null,
    aggregate: event.aggregate,
    occurred_at: (event.occurred_at ?? now).toISOString(),
    correlation_id: ctx.request_id,
    causation_id: event.causation_id ?? null,
    actor: eventActor(ctx.actor),
    public: event.public ?? true,
    data: event.data as Record<string, unknown>,
  };
}

/** What telling of a change needs. */
export interface EmitDeps {
  readonly relay: Kick;
  readonly ids: Ids;
  readonly clock: Clock;
}

/**
 * Writes events into the outbox of the current transaction: they are published if and only if it commits.
 * Call it after the row of the aggregate is written or locked, so that their order is the order of changes.
 * @param now when they occurred, where the clock has gone on since
 * @returns them as they will be published
 */
export async function emit(
  deps: EmitDeps,
  tx: Tx,
  ctx: RequestContext,
  events: readonly AnyNewEvent[],
  now = deps.clock.now(),
): Promise<EventEnvelope[]> {
  const envelopes = events.map((event) => envelope(ctx, event, deps.ids, now));
  if (envelopes.length === 0) return envelopes;
  for (const { type } of envelopes) {
    if (!(type in EVENT_CATALOG)) throw new Error(`Event ${type} is not in the catalog.`);
  }
  const payload = JSON.stringify(envelopes);
  tx.send(tx.sql`
    insert into outbox (tenant_id, event)
    select (e->>'tenant_id')::uuid, e from jsonb_array_elements(${payload}::jsonb) with ordinality as t(e, n) order by n`);
  tx.afterCommit(() => deps.relay.kick());
  return envelopes;
}

/** Whatever wants to know that the outbox has something new. */
export interface Kick {
  kick(): void;
}

const BATCH = 500;
/**
 * After a batch the relay waits so long for more, while writers are at it: a batch is a transaction, whatever it holds.
 * The first event after a pause goes out at once.
 */
const GATHER_MS = 25;

/**
 * Moves committed events from a service's outbox to the bus, in order. Any number of replicas may run one:
 * an advisory lock lets one work at a time. A crash between publish and delete sends events twice, which
 * the consumers' inbox makes harmless; none is lost.
 */
export class OutboxRelay implements Kick {
  readonly #db: Database;
  readonly #bus: EventBus;
  readonly #log: Logger;
  readonly #schema: string;
  readonly #idleMs: number;
  #wake: (() => void) | null = null;
  #pending = false;
  #stopped = false;
  #loop: Promise<void> | null = null;

  constructor(options: { db: Database; bus: EventBus; log: Logger; schema: string; idleMs?: number }) {
    this.#db = options.db;
    this.#bus = options.bus;
    this.#log = options.log;
    this.#schema = options.schema;
    this.#idleMs = options.idleMs ?? 1000;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Says that there is something to send now; cheap, may be called often. */
  kick(): void {
    this.#pending = true;
    this.#wake?.();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake?.();
    await this.#loop;
  }

  /** Sends one batch; returns how many events went out, or -1 when another replica is at it. */
  async flush(): Promise<number> {
    const work = async (tx: Tx) => {
      // Sent in one go; the second looks when the first has the lock, so what another replica sent is gone by then.
      const [[lock], rows] = await Promise.all([
        tx.sql<{ mine: boolean }[]>`
          select pg_try_advisory_xact_lock(hashtext(${`outbox.${this.#schema}`})) as mine`,
        tx.sql<{ seq: string; event: EventEnvelope }[]>`
          select seq, event from outbox order by seq limit ${BATCH}`,
      ]);
      if (!lock?.mine) return -1;
      if (rows.length === 0) return 0;
      await this.#bus.publish(rows.map((row) => parse(row.event)));
      await tx.sql`delete from outbox where seq = any(${rows.map((row) => row.seq)}::bigint[])`;
      return rows.length;
    };
    // It need not wait for the disk: should the database lose it, events go out a second time.
    return this.#db.system(work, { durable: false });
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stopped) {
      this.#pending = false;
      let pauseMs = this.#idleMs;
      try {
        const sent = await this.flush();
        failures = 0;
        if (sent > 0 && sent < BATCH) await this.#sleep(GATHER_MS, false);
        if (sent === BATCH) pauseMs = 0;
        // Another replica holds the lock, and it may have looked before our commit: look again soon.
        else if (sent === -1) pauseMs = 25;
      } catch (error) {
        failures++;
        pauseMs = Math.min(100 * 2 ** failures, 5_000);
        if (!this.#stopped)
          this.#log.warn({ err: error, failures }, 'outbox relay: could not publish, will try again');
        await this.#sleep(pauseMs, false);
        continue;
      }
      if (pauseMs > 0) await this.#sleep(pauseMs, true);
    }
  }

  #sleep(ms: number, wakeable: boolean): Promise<void> {
    if (this.#stopped || (wakeable && this.#pending)) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(done, ms);
      timer.unref?.();
      this.#wake = () => {
        if (wakeable || this.#stopped) done();
      };
    });
  }
}

/** jsonb arrives parsed or as text, depending on the driver's settings. */
const parse = (event: EventEnvelope | string): EventEnvelope =>
  typeof event === 'string' ? JSON.parse(event) : event;
