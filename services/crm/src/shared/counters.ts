import type { Database, Tx } from '@psa/service-kit/database';

/**
 * Takes `count` customer numbers of a tenant and returns the first. It runs in a transaction of its own,
 * **before** the one that uses the numbers: the counter's row is locked for one statement, not for as long as
 * the creator needs to commit. A creator that fails leaves a gap, which customer numbers may have.
 *
 * The commit need not wait for the disk: the log is written in order, so whoever durably stores a customer
 * under this number has stored the counter before it.
 */
export async function takeCustomerNumbers(db: Database, tenantId: string, count: number): Promise<number> {
  const scope = { tenant_id: tenantId, customer_id: null };
  const raise = async ({ sql }: Tx) => {
    const [row] = await sql<{ value: string }[]>`
      insert into crm.counters as c (tenant_id, name, value) values (${tenantId}, 'customer', ${FIRST - 1 + count})
      on conflict (tenant_id, name) do update set value = c.value + ${count} returning value`;
    return Number(row!.value) - count + 1;
  };
  return db.tx(scope, raise, { durable: false });
}

/** Numbers start here: five digits from the first customer on sort and read alike. */
const FIRST = 10_001;
