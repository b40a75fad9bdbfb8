import { can } from '@psa/service-kit/app';
import { isPortal, type RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { invalid } from '@psa/service-kit/errors';
import { visibleTickets } from '../policies/ticket.ts';

const MOST = 1000;

/** Categories that stand on tickets, read by hopping through the index rather than over every row. */
export async function usedCategories(tx: Tx, ctx: RequestContext): Promise<string[]> {
  const tenantId = ctx.scope.tenant_id;
  const rows = await tx.sql<{ value: string }[]>`
    with recursive hop as (
      (select t.category as value from tickets t where t.tenant_id = ${tenantId}
        and t.deleted_at is null and t.category is not null order by t.category limit 1)
      union all
      select (select t.category from tickets t where t.tenant_id = ${tenantId} and t.deleted_at is null
        and t.category > hop.value order by t.category limit 1)
      from hop where hop.value is not null)
    select value from hop where value is not null limit ${MOST}`;
  return rows.map((row) => row.value);
}

/** Categories on tickets that the asker may see. Who sees only some tickets has few: they are read, as for tags. */
async function seenCategories(tx: Tx, ctx: RequestContext): Promise<string[]> {
  if (can(ctx, 'ticket:view:all')) return usedCategories(tx, ctx);
  const rows = await tx.sql<{ value: string }[]>`
    select distinct t.category as value from tickets t
    where t.tenant_id = ${ctx.scope.tenant_id} and t.deleted_at is null and t.category is not null
      and ${visibleTickets(tx, ctx)}
    order by 1 limit ${MOST}`;
  return rows.map((row) => row.value);
}

/**
 * What a category may be. Customers choose from the desk's own list: what somebody typed on a ticket is nobody else's
 * choice. Staff see that too, of tickets that they may see.
 */
export async function ticketCategories(tx: Tx, ctx: RequestContext): Promise<string[]> {
  const [listed, used] = await Promise.all([
    tx.sql<{ value: string }[]>`
      select name as value from categories where tenant_id = ${ctx.scope.tenant_id} and deleted_at is null
      order by lower(name) limit ${MOST}`,
    isPortal(ctx) ? [] : seenCategories(tx, ctx),
  ]);
  const known = new Set(listed.map((row) => row.value.toLowerCase()));
  const typed = used.filter((value) => !known.has(value.toLowerCase()));
  return [...listed.map((row) => row.value), ...typed];
}

/**
 * The category of a new ticket as the desk writes it. Staff write what they like; a portal user chooses from the desk's
 * list, whose row is held so that a rename meanwhile waits. @throws 400 naming `category`
 */
export async function listedCategory(
  tx: Tx,
  ctx: RequestContext,
  category: string | null,
): Promise<string | null> {
  if (!isPortal(ctx) || category === null) return category;
  const [listed] = await tx.sql<{ name: string }[]>`
    select name from categories
    where tenant_id = ${ctx.scope.tenant_id} and deleted_at is null and lower(name) = lower(${category.trim()}) for share`;
  if (listed) return listed.name;
  throw invalid({
    field: 'category',
    code: 'no_category',
    message: 'must be one of the service desk’s categories (GET /api/v1/tickets/categories), or be left out',
  });
}

/** Tags in use on tickets that the asker may see. Who sees only some tickets has few: they are read. */
export async function ticketTags(tx: Tx, ctx: RequestContext): Promise<string[]> {
  const { sql } = tx;
  const tenantId = ctx.scope.tenant_id;
  const rows = can(ctx, 'ticket:view:all')
    ? await sql<{ value: string }[]>`
        with recursive hop as (
          (select g.tag as value from ticket_tags g where g.tenant_id = ${tenantId} order by g.tag limit 1)
          union all
          select (select g.tag from ticket_tags g where g.tenant_id = ${tenantId}
            and g.tag > hop.value order by g.tag limit 1)
          from hop where hop.value is not null)
        select value from hop where value is not null limit ${MOST}`
    : await sql<{ value: string }[]>`
        select distinct s.tag as value from tickets t, unnest(t.tags) as s(tag)
        where t.tenant_id = ${tenantId} and t.deleted_at is null and ${visibleTickets(tx, ctx)}
        order by 1 limit ${MOST}`;
  return rows.map((row) => row.value);
}
