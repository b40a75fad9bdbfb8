import type { Database, Tx } from '@psa/service-kit/database';

/**
 * Ticket numbers of a tenant. The counter is raised in a short transaction of its own that does not wait for
 * the disk: creators never queue behind each other's commit. Nothing can be lost by that: the log is written
 * in order, so a ticket that is durable has its counter durable before it. Requests that come while a draw
 * is under way share the next one. A create that fails afterwards leaves a gap; numbers are never given twice
 * (and a unique index holds that).
 */
export class TicketNumbers {
  readonly #db: Database;
  readonly #draws = new Map<string, Draw>();

  constructor(db: Database) {
    this.#db = db;
  }

  /** Takes `count` numbers in a row; returns the first. Call outside any transaction, or the pool may run dry. */
  take(tenantId: string, count = 1): Promise<number> {
    let draw = this.#draws.get(tenantId);
    if (!draw) this.#draws.set(tenantId, (draw = { waiting: [], busy: false }));
    const mine = draw;
    return new Promise((resolve, reject) => {
      mine.waiting.push({ count, resolve, reject });
      if (!mine.busy) void this.#run(tenantId, mine);
    });
  }

  async #run(tenantId: string, draw: Draw): Promise<void> {
    draw.busy = true;
    while (draw.waiting.length > 0) {
      const group = draw.waiting.splice(0);
      const total = group.reduce((sum, one) => sum + one.count, 0);
      try {
        let next = (await this.#draw(tenantId, total)) - total + 1;
        for (const one of group) {
          one.resolve(next);
          next += one.count;
        }
      } catch (error) {
        for (const one of group) one.reject(error);
      }
    }
    draw.busy = false;
    this.#draws.delete(tenantId);
  }

  #draw(tenantId: string, count: number): Promise<number> {
    const scope = { tenant_id: tenantId, customer_id: null };
    const raise = async ({ sql }: Tx) => {
      const [row] = await sql<{ last: number }[]>`
        insert into ticket_counters as c (tenant_id, last) values (${tenantId}, ${count})
        on conflict (tenant_id) do update set last = c.last + excluded.last returning last`;
      return row!.last;
    };
    return this.#db.tx(scope, raise, { durable: false });
  }
}

interface Draw {
  waiting: { count: number; resolve: (first: number) => void; reject: (error: unknown) => void }[];
  busy: boolean;
}
