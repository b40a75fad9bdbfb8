import type { EventType } from '@psa/contracts/events/catalog';
import { EVENT_CATALOG } from '@psa/contracts/events/catalog';
import type { EventEnvelope } from '@psa/contracts/events/envelope';
import type { EventBus } from '@psa/contracts/ports/bus';
import type { Static } from 'typebox';
import { eventActor, type RequestContext } from './context.ts';
import type { Database, Tx } from './database.ts';
import type { Ids } from './ids.ts';
import type { Logger } from './log.ts';

export type EventData<T extends EventType> = Static<(typeof EVENT_CATALOG)[T]['data']>;

/** An event about to be committed with its change. */
export interface NewEvent<T extends EventType = EventType> {
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

/**
 * Writes events into the outbox of the current transaction: they are published if and only if it commits.
 * Call it after the row of the aggregate is written or locked, so that their order is the order of changes.
 */
export async function enqueue(tx: Tx, relay: Kick, events: readonly EventEnvelope[]): Promise<void> {
  if (events.length === 0) return;
  for (const event of events) {
    if (!(event.type in EVENT_CATALOG)) throw new Error(`Event ${event.type} is not in the catalog.`);
  }
  const payload = JSON.stringify(events);
  await tx.sql`
    insert into outbox (tenant_id, event)
    select (e->>'tenant_id')::uuid, e from jsonb_array_elements(${payload}::jsonb) with ordinality as t(e, n) order by n`;
  tx.afterCommit(() => relay.kick());
}

/** Whatever wants to know that the outbox has something new. */
export interface Kick {
  kick(): void;
}

const BATCH = 500;

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
    return this.#db.system(async (tx) => {
      // This transaction need not wait for the disk: should the database lose it, events go out a second time.
      const [, [lock]] = await Promise.all([
        tx.sql`set local synchronous_commit = off`,
        tx.sql<{ mine: boolean }[]>`
          select pg_try_advisory_xact_lock(hashtext(${`outbox.${this.#schema}`})) as mine`,
      ]);
      if (!lock?.mine) return -1;
      const rows = await tx.sql<{ seq: string; event: EventEnvelope }[]>`
        select seq, event from outbox order by seq limit ${BATCH}`;
      if (rows.length === 0) return 0;
      await this.#bus.publish(rows.map((row) => parse(row.event)));
      await tx.sql`delete from outbox where seq = any(${rows.map((row) => row.seq)}::bigint[])`;
      return rows.length;
    });
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stopped) {
      this.#pending = false;
      let pauseMs = this.#idleMs;
      try {
        const sent = await this.flush();
        failures = 0;
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
