import type { Clock } from '@psa/contracts/ports/clock';
import type { Database, Tx } from './database.ts';
import type { Logger } from './log.ts';
import type { Worker } from './worker.ts';

/** Something to do at a time. At most one per (kind, key) and tenant. */
export interface Timer {
  readonly tenant_id: string;
  readonly kind: string;
  readonly key: string;
  readonly due_at: Date;
  readonly payload: Record<string, unknown>;
}

/** Sets or moves a timer within the transaction that decides it. */
export async function setTimer(tx: Tx, timer: Timer): Promise<void> {
  await tx.sql`
    insert into timers (tenant_id, kind, key, due_at, payload)
    values (${timer.tenant_id}, ${timer.kind}, ${timer.key}, ${timer.due_at.toISOString()}, ${JSON.stringify(timer.payload)}::jsonb)
    on conflict (tenant_id, kind, key) do update set due_at = excluded.due_at, payload = excluded.payload, attempts = 0`;
}

/** Removes timers of a key; those of `kinds`. */
export async function clearTimers(
  tx: Tx,
  tenantId: string,
  kinds: readonly string[],
  key: string,
): Promise<void> {
  await tx.sql`delete from timers where tenant_id = ${tenantId} and key = ${key} and kind = any(${kinds as string[]}::text[])`;
}

/** Replaces the timers of `key`: those in `wanted` are set, other `kinds` removed. Timers share tenant and key. */
export async function replaceTimers(
  tx: Tx,
  tenantId: string,
  kinds: readonly string[],
  key: string,
  wanted: readonly Timer[],
): Promise<void> {
  const kept = new Set(wanted.map((timer) => timer.kind));
  const gone = kinds.filter((kind) => !kept.has(kind));
  await Promise.all([
    ...(gone.length > 0 ? [clearTimers(tx, tenantId, gone, key)] : []),
    ...wanted.map((timer) => setTimer(tx, timer)),
  ]);
}

export type TimerHandler = (tx: Tx, timer: Timer) => Promise<void>;

/**
 * Fires due timers: each in a transaction of its tenant that removes the timer and does the work. A failing
 * timer is put off with growing delay. Replicas share the work through SKIP LOCKED.
 */
export function timerWorker(options: {
  db: Database;
  clock: Clock;
  log: Logger;
  handlers: Readonly<Record<string, TimerHandler>>;
  everyMs?: number;
}): Worker & { runDue(): Promise<number> } {
  const { db, clock, log, handlers } = options;
  const kinds = Object.keys(handlers);

  async function runDue(): Promise<number> {
    const due = await db.system(
      (tx) => tx.sql<{ tenant_id: string; kind: string; key: string }[]>`
        select tenant_id, kind, key from timers
        where due_at <= ${clock.now().toISOString()} and kind = any(${kinds}::text[]) order by due_at limit 200`,
    );
    let fired = 0;
    for (const { tenant_id, kind, key } of due) {
      try {
        const did = await db.tx({ tenant_id, customer_id: null }, async (tx) => {
          const [row] = await tx.sql<{ due_at: string; payload: Record<string, unknown> }[]>`
            delete from timers where (tenant_id, kind, key) = (
              select tenant_id, kind, key from timers
              where tenant_id = ${tenant_id} and kind = ${kind} and key = ${key} and due_at <= ${clock.now().toISOString()}
              for update skip locked)
            returning due_at, payload`;
          if (!row) return false;
          const payload = typeof row.payload === 'string' ? JSON.parse(row.payload) : row.payload;
          await handlers[kind]!(tx, { tenant_id, kind, key, due_at: new Date(row.due_at), payload });
          return true;
        });
        if (did) fired++;
      } catch (error) {
        log.error({ err: error, kind, key }, 'timer failed, put off');
        await db.system(
          (tx) => tx.sql`
          update timers set attempts = attempts + 1, due_at = ${clock.now().toISOString()}::timestamptz + make_interval(secs => least(3600, 10 * power(2, attempts)))
          where tenant_id = ${tenant_id} and kind = ${kind} and key = ${key}`,
        );
      }
    }
    return fired;
  }

  let running: Promise<unknown> = Promise.resolve();
  let interval: NodeJS.Timeout | undefined;
  let busy = false;
  return {
    runDue,
    async start() {
      interval = setInterval(() => {
        if (busy) return;
        busy = true;
        running = runDue()
          .catch((error: unknown) => log.warn({ err: error }, 'timers: could not look'))
          .finally(() => {
            busy = false;
          });
      }, options.everyMs ?? 1000);
      interval.unref();
    },
    async stop() {
      clearInterval(interval);
      await running;
    },
  };
}
