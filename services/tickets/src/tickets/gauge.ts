import { OPEN_STATUSES, PRIORITIES } from '@psa/contracts/tickets';
import type { Metrics } from '@psa/service-kit/metrics';
import type { ServiceDeps } from '@psa/service-kit/service';
import type { Worker } from '@psa/service-kit/worker';
import { Gauge } from 'prom-client';

const EVERY_MS = 60_000;

/** `active_tickets_total` (BDUF §9.1): open tickets of all tenants by status and priority, each minute. */
export function activeTicketsGauge(
  { db, log }: ServiceDeps,
  metrics: Metrics,
): Worker & { refresh(): Promise<void> } {
  const gauge = new Gauge({
    name: 'active_tickets_total',
    help: 'Open tickets',
    labelNames: ['status', 'priority'] as const,
    registers: [metrics.registry],
  });
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  async function refresh(): Promise<void> {
    const tenants = await db.system((tx) => tx.sql<{ tenant_id: string }[]>`select tenant_id from desks`);
    const totals = new Map<string, number>();
    for (const { tenant_id } of tenants) {
      const rows = await db.read(
        { tenant_id, customer_id: null },
        (tx) => tx.sql<{ status: string; priority: string; n: number }[]>`
          select t.status, t.priority, count(*)::int as n from tickets t
          where t.tenant_id = ${tenant_id} and t.deleted_at is null
            and t.status in ('new', 'assigned', 'in_progress', 'waiting_customer')
          group by 1, 2`,
      );
      for (const row of rows) {
        const key = `${row.status} ${row.priority}`;
        totals.set(key, (totals.get(key) ?? 0) + row.n);
      }
    }
    for (const status of OPEN_STATUSES) {
      for (const priority of PRIORITIES) {
        gauge.set({ status, priority }, totals.get(`${status} ${priority}`) ?? 0);
      }
    }
  }

  const run = () => {
    running = refresh().catch((error: unknown) =>
      log.warn({ err: error }, 'active_tickets_total: could not count'),
    );
  };
  return {
    refresh,
    async start() {
      run();
      timer = setInterval(run, EVERY_MS);
      timer.unref();
    },
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
