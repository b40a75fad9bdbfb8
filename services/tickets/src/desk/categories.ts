import { Category, CreateCategoryRequest, UpdateCategoryRequest } from '@psa/contracts/desk';
import type { App } from '@psa/service-kit/app';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { conflict } from '@psa/service-kit/errors';
import type { TicketsDeps } from '../deps.ts';
import { usedCategories } from '../tickets/choices.ts';
import { type TicketRow, ticketColumns } from '../tickets/row.ts';
import { decideAndSave } from '../tickets/service.ts';
import { byName, deskResource, settings } from './crud.ts';
import { openTickets, refuseInUse, usedBy } from './in-use.ts';
import { NO_SETTINGS } from './settings.ts';

/** So many tickets at most are renamed with their category: each gets a line of history and an event, at once. */
const MOST_RENAMED = 1000;

/** What customers choose from. A category's name stands on tickets, in rules and in views, and is changed there too. */
export const categories = (app: App, deps: TicketsDeps): void =>
  deskResource({
    path: 'categories',
    table: 'categories',
    object: 'category',
    names: ['Category', 'Categories'],
    schemas: { one: Category, create: CreateCategoryRequest, update: UpdateCategoryRequest },
    list: byName,
    permissions: settings,
    async prepare(tx, ctx, body, before) {
      const to = body.name as string | undefined;
      if (before && to !== undefined && to !== before.name) {
        await rename(deps, tx, ctx, before.name as string, to);
      }
      return body;
    },
    async beforeDelete(tx, ctx, row) {
      const name = row.name as string;
      const rules = await tx.sql<{ name: string }[]>`
        select name from assignment_rules where tenant_id = ${ctx.scope.tenant_id} and deleted_at is null
          and lower(category) = lower(${name})`;
      const written = await writtenAs(tx, ctx, name);
      const open = await openTickets(tx, ctx, tx.sql`t.category = any(${written}::text[])`);
      refuseInUse(
        'category',
        [usedBy('assignment rules', rules), usedBy('open tickets', open)],
        'Give them another category first.',
      );
    },
  })(app, deps);

/** A category as it stands on tickets: in whichever case. */
async function writtenAs(tx: Tx, ctx: RequestContext, name: string): Promise<string[]> {
  const used = await usedCategories(tx, ctx);
  return used.filter((value) => value.toLowerCase() === name.toLowerCase());
}

/** Renames a category where it stands: on tickets, in assignment rules and in saved views. @throws 409 too many tickets */
async function rename(
  deps: TicketsDeps,
  tx: Tx,
  ctx: RequestContext,
  from: string,
  to: string,
): Promise<void> {
  const { sql } = tx;
  const tenantId = ctx.scope.tenant_id;
  const now = deps.clock.now().toISOString();
  const written = await writtenAs(tx, ctx, from);
  // In one order, so that two renames wait for each other rather than die of it.
  const tickets = await sql<TicketRow[]>`
    select ${sql.unsafe(ticketColumns())} from tickets t
    where t.tenant_id = ${tenantId} and t.deleted_at is null and t.category = any(${written}::text[])
    order by t.id limit ${MOST_RENAMED + 1} for update of t`;
  if (tickets.length > MOST_RENAMED) {
    const message = `stands on more than ${MOST_RENAMED} tickets, which are not renamed at once`;
    throw conflict(
      'too_many_tickets',
      `The category "${from}" ${message}. Make a new category and give new tickets that one; give the old ones it by bulk changes, then delete "${from}".`,
      [{ field: 'name', code: 'in_use', message }],
    );
  }
  for (const ticket of tickets) {
    await decideAndSave(deps, tx, ctx, ticket, { category: to }, { settings: NO_SETTINGS });
  }
  await sql`
    update assignment_rules set category = ${to}, version = version + 1, updated_at = ${now}
    where tenant_id = ${tenantId} and deleted_at is null and lower(category) = lower(${from})`;
  const views = await sql<{ id: string; query: string }[]>`
    select id, query from saved_views
    where tenant_id = ${tenantId} and deleted_at is null and query like '%category=%' for update`;
  for (const view of views) {
    const query = new URLSearchParams(view.query);
    if (query.get('category')?.toLowerCase() !== from.toLowerCase()) continue;
    query.set('category', to);
    await sql`
      update saved_views set query = ${query.toString()}, version = version + 1, updated_at = ${now}
      where tenant_id = ${tenantId} and id = ${view.id}`;
  }
}
