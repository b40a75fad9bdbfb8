import type { Tx } from '@psa/service-kit/database';

export interface CustomerState {
  readonly customer_id: string;
  readonly blocked: boolean;
  readonly version: number;
}

/** Stores what an event says of a customer; false when a later one was here before. */
export async function save(tx: Tx, tenantId: string, customer: CustomerState): Promise<boolean> {
  const rows = await tx.sql`
    insert into customers as c (tenant_id, customer_id, blocked, version)
    values (${tenantId}, ${customer.customer_id}, ${customer.blocked}, ${customer.version})
    on conflict (tenant_id, customer_id) do update set blocked = excluded.blocked, version = excluded.version
      where c.version < excluded.version
    returning 1`;
  return rows.length > 0;
}

/** People of a customer, whatever their status. */
export async function usersOf(tx: Tx, tenantId: string, customerId: string): Promise<string[]> {
  const rows = await tx.sql<{ id: string }[]>`
    select id from users where tenant_id = ${tenantId} and customer_id = ${customerId} and deleted_at is null`;
  return rows.map((row) => row.id);
}
