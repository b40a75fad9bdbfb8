import type { ServiceDeps } from '@psa/service-kit/service';
import type { Worker } from '@psa/service-kit/worker';

/** Months made ahead of time, the present one not counted. */
export const MONTHS_AHEAD = 2;
const EVERY_MS = 60 * 60 * 1000;

/** `YYYY-MM` of an instant, in UTC as the partitions are. */
export const monthOf = (instant: string | Date) => new Date(instant).toISOString().slice(0, 7);

/** The first instants of the present month and the `ahead` next ones. */
export function monthsFrom(now: Date, ahead: number): string[] {
  const first = Temporal.PlainYearMonth.from(monthOf(now));
  return Array.from({ length: ahead + 1 }, (_, i) => `${first.add({ months: i })}-01T00:00:00Z`);
}

/** Keeps partitions of the log ready. */
export interface Months extends Worker {
  /** Makes the present month and the next ones. */
  ahead(): Promise<void>;
  /** Makes the months of these instants; free of charge for those seen before. */
  ensure(instants: readonly string[]): Promise<void>;
}

/** Looks every hour, so that a month begins with its partition there; imports of old events ask by `ensure`. */
export function monthWorker(deps: Pick<ServiceDeps, 'db' | 'clock' | 'log'>): Months {
  const known = new Set<string>();
  let interval: NodeJS.Timeout | undefined;
  let running: Promise<unknown> = Promise.resolve();

  async function ensure(instants: readonly string[]): Promise<void> {
    const missing = new Map(
      instants.map((instant) => [monthOf(instant), instant] as const).filter(([month]) => !known.has(month)),
    );
    for (const [month, instant] of [...missing].sort(([a], [b]) => (a < b ? -1 : 1))) {
      // A transaction each, apart from the one that stores: the lock on the log is held for a moment only.
      const [row] = await deps.db.system(
        (tx) => tx.sql<{ made: boolean }[]>`select events.ensure_month(${instant}::timestamptz) as made`,
      );
      if (row!.made) deps.log.info({ month }, 'event log: partition made');
      known.add(month);
    }
  }
  const ahead = () => ensure(monthsFrom(deps.clock.now(), MONTHS_AHEAD));

  return {
    ahead,
    ensure,
    async start() {
      await ahead();
      interval = setInterval(() => {
        running = ahead().catch((error: unknown) =>
          deps.log.warn({ err: error }, 'event log: could not make partitions, will try again'),
        );
      }, EVERY_MS);
      interval.unref();
    },
    async stop() {
      clearInterval(interval);
      await running;
    },
  };
}
