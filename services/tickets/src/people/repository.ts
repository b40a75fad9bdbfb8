import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { touchSettings } from '../desk/settings.ts';

/** What the desk knows of a customer. */
export interface CustomerFacts {
  readonly customer_id: string;
  readonly name: string;
  readonly preferred_technician_id: string | null;
  readonly sla_policy_id: string | null;
}

const CUSTOMER = `c.customer_id, c.name, c.preferred_technician_id, c.sla_policy_id, c.deleted_at is not null as deleted`;

/** The customer, or null when it is not known here (yet) or deleted; `deleted` tells which. */
export async function findCustomer(
  tx: Tx,
  ctx: RequestContext,
  id: string,
): Promise<(CustomerFacts & { deleted: boolean }) | null> {
  const [row] = await tx.sql<(CustomerFacts & { deleted: boolean })[]>`
    select ${tx.sql.unsafe(CUSTOMER)} from customers c
    where c.tenant_id = ${ctx.scope.tenant_id} and c.customer_id = ${id}`;
  return row ?? null;
}

interface DeskAndCustomer {
  /** Of the desk's settings; null when it has none. */
  readonly revision: string | null;
  /** As {@link findCustomer}; null, too, where nobody was asked for. */
  readonly customer: (CustomerFacts & { readonly deleted: boolean }) | null;
}

/**
 * What every new ticket needs to know, in one statement: the revision of the desk's settings (as `settingsRevision`)
 * and the customer. Each statement costs 40 µs of a processor, here and in the server together.
 */
export async function deskAndCustomer(
  tx: Tx,
  ctx: RequestContext,
  customerId: string | null,
): Promise<DeskAndCustomer> {
  const tenantId = ctx.scope.tenant_id;
  const [row] = await tx.sql<
    ({ revision: string | null; deleted: boolean } & (CustomerFacts | { customer_id: null }))[]
  >`
    select d.revision::text as revision, ${tx.sql.unsafe(CUSTOMER)}
    from (select 1) as one
    left join desks d on d.tenant_id = ${tenantId}
    left join customers c on c.tenant_id = ${tenantId} and c.customer_id = ${customerId}`;
  const { revision, ...customer } = row!;
  return { revision, customer: customer.customer_id === null ? null : customer };
}

/**
 * A technician by id, held until the end of the transaction, so that nobody is given work while being disabled. Null
 * when it is not known here, or not known whether it was disabled. `usable`: may be given work.
 */
export async function findTechnician(
  tx: Tx,
  ctx: RequestContext,
  id: string,
): Promise<{ id: string; name: string; usable: boolean } | null> {
  const [row] = await tx.sql<{ id: string; name: string; usable: boolean }[]>`
    select id, name, deleted_at is null and not disabled as usable from technicians
    where tenant_id = ${ctx.scope.tenant_id} and id = ${id} and (disabled is not null or deleted_at is not null)
    for share`;
  return row ?? null;
}

export async function findContact(
  tx: Tx,
  ctx: RequestContext,
  id: string,
): Promise<{ id: string; customer_id: string; deleted: boolean } | null> {
  const [row] = await tx.sql<{ id: string; customer_id: string; deleted: boolean }[]>`
    select id, customer_id, deleted_at is not null as deleted from people
    where tenant_id = ${ctx.scope.tenant_id} and id = ${id} and kind = 'contact'`;
  return row ?? null;
}

/** Whether a team may be used; it cannot be deleted before the end of the transaction. */
export async function teamExists(tx: Tx, ctx: RequestContext, id: string): Promise<boolean> {
  const rows = await tx.sql`
    select 1 from teams where tenant_id = ${ctx.scope.tenant_id} and id = ${id} and deleted_at is null for share`;
  return rows.length > 0;
}

/** Takes over a customer unless a newer version is known. */
export async function putCustomer(
  tx: Tx,
  tenantId: string,
  customer: CustomerFacts & { version: number },
  deleted = false,
): Promise<void> {
  await tx.sql`
    insert into customers as c (tenant_id, customer_id, name, preferred_technician_id, sla_policy_id, version, deleted_at)
    values (${tenantId}, ${customer.customer_id}, ${customer.name}, ${customer.preferred_technician_id},
      ${customer.sla_policy_id}, ${customer.version}, ${deleted ? new Date().toISOString() : null})
    on conflict (tenant_id, customer_id) do update set name = excluded.name,
      preferred_technician_id = excluded.preferred_technician_id, sla_policy_id = excluded.sla_policy_id,
      version = excluded.version, deleted_at = excluded.deleted_at
    where c.version <= excluded.version`;
}

/** Takes over a portal user or contact unless a newer version is known. */
export async function putPerson(
  tx: Tx,
  tenantId: string,
  person: { id: string; kind: 'user' | 'contact'; customer_id: string; name: string; version: number },
  deleted = false,
): Promise<void> {
  await tx.sql`
    insert into people as p (tenant_id, id, kind, customer_id, name, version, deleted_at)
    values (${tenantId}, ${person.id}, ${person.kind}, ${person.customer_id}, ${person.name}, ${person.version},
      ${deleted ? new Date().toISOString() : null})
    on conflict (tenant_id, id) do update set kind = excluded.kind, customer_id = excluded.customer_id,
      name = excluded.name, version = excluded.version, deleted_at = excluded.deleted_at
    where p.version <= excluded.version`;
}

/** Takes over a staff user unless a newer version is known. Who leaves, leaves its teams. */
export async function putTechnician(
  tx: Tx,
  tenantId: string,
  user: { id: string; name: string; status: string; version: number },
  deleted = false,
): Promise<void> {
  await tx.sql`
    insert into technicians as t (tenant_id, id, name, active, disabled, user_version, deleted_at)
    values (${tenantId}, ${user.id}, ${user.name}, ${user.status === 'active'}, ${user.status === 'disabled'},
      ${user.version}, ${deleted ? new Date().toISOString() : null})
    on conflict (tenant_id, id) do update set name = excluded.name, active = excluded.active, disabled = excluded.disabled,
      user_version = excluded.user_version, deleted_at = excluded.deleted_at, version = t.version + 1, updated_at = now()
    where t.user_version <= excluded.user_version`;
  if (deleted) {
    const left = await tx.sql`
      delete from team_members where tenant_id = ${tenantId} and user_id = ${user.id} returning 1`;
    if (left.length > 0) await touchSettings(tx, tenantId);
  }
}
