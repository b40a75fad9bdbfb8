import { OPEN_STATUSES, PRIORITIES } from '@psa/contracts/tickets';
import type { Tx } from '@psa/service-kit/database';
import type { Metrics } from '@psa/service-kit/metrics';
import type { ServiceDeps } from '@psa/service-kit/service';
import type { Worker } from '@psa/service-kit/worker';
import { Gauge } from 'prom-client';
import type { Fragment } from '../policies/ticket.ts';
import { atRisk } from './filters.ts';

const EVERY_MS = 60_000;

/**
 * Open tickets of all tenants, each minute: `active_tickets_total` (BDUF §9.1) by status and priority, and
 * `at_risk_tickets_total` by priority, by the condition of the list's filter and of the dashboard's figure. Every
 * replica counts all of them: the highest counts, never the sum.
 */
export function ticketGauges(
  { db, clock, log }: ServiceDeps,
  metrics: Metrics,
): Worker & { refresh(): Promise<void> } {
  const registers = [metrics.registry];
  const active = new Gauge({
    name: 'active_tickets_total',
    help: 'Open tickets',
    labelNames: ['status', 'priority'] as const,
    registers,
  });
  const risky = new Gauge({
    name: 'at_risk_tickets_total',
    help: 'Open tickets of which a clock is at risk',
    labelNames: ['priority'] as const,
    registers,
  });
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  async function refresh(): Promise<void> {
    const now = clock.now();
    const tenants = await db.system((tx) => tx.sql<{ tenant_id: string }[]>`select tenant_id from desks`);
    const [open, late] = [new Map<string, number>(), new Map<string, number>()];
    for (const { tenant_id } of tenants) {
      const [all, some] = await db.read({ tenant_id, customer_id: null }, (tx) =>
        Promise.all([counted(tx, tenant_id, tx.sql`true`), counted(tx, tenant_id, atRisk(tx, now))]),
      );
      for (const { status, priority, n } of all) add(open, `${status} ${priority}`, n);
      for (const { priority, n } of some) add(late, priority, n);
    }
    for (const priority of PRIORITIES) {
      for (const status of OPEN_STATUSES) {
        active.set({ status, priority }, open.get(`${status} ${priority}`) ?? 0);
      }
      risky.set({ priority }, late.get(priority) ?? 0);
    }
  }

  const run = () => {
    running = refresh().catch((error: unknown) => log.warn({ err: error }, 'tickets could not be counted'));
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

const add = (to: Map<string, number>, key: string, n: number) => to.set(key, (to.get(key) ?? 0) + n);

const counted = (tx: Tx, tenantId: string, which: Fragment) =>
  tx.sql<{ status: string; priority: string; n: number }[]>`
    select t.status, t.priority, count(*)::int as n from tickets t
    where t.tenant_id = ${tenantId} and t.deleted_at is null and ${which}
      and t.status in ('new', 'assigned', 'in_progress', 'waiting_customer')
    group by 1, 2`;
