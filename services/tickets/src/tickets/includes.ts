import type { Ticket } from '@psa/contracts/tickets';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';

/** `include=` of tickets: the name beside each id. */
export const TICKET_INCLUDES = ['customer', 'assignee', 'requester', 'contact', 'creator', 'team'] as const;
type Include = (typeof TICKET_INCLUDES)[number];

const ID_OF = {
  customer: 'customer_id',
  assignee: 'assigned_to',
  requester: 'requester_id',
  contact: 'contact_id',
  creator: 'created_by',
  team: 'team_id',
} as const satisfies Record<Include, keyof Ticket>;

/**
 * Puts the names beside the ids, one query for a whole page. A batch after the page rather than joins in it:
 * joins would have the planner weigh the whole table against names that 20 rows need.
 */
export async function addIncludes(
  tx: Tx,
  ctx: RequestContext,
  tickets: Ticket[],
  include: ReadonlySet<string>,
): Promise<void> {
  const wanted = TICKET_INCLUDES.filter((name) => include.has(name));
  if (wanted.length === 0 || tickets.length === 0) return;
  const ids = (names: readonly Include[]) => [
    ...new Set(
      names
        .filter((name) => include.has(name))
        .flatMap((name) => tickets.map((ticket) => ticket[ID_OF[name]]))
        .filter((id) => id !== null),
    ),
  ];
  const tenantId = ctx.scope.tenant_id;
  const rows = await tx.sql<{ id: string; name: string }[]>`
    select customer_id as id, name from customers
    where tenant_id = ${tenantId} and customer_id = any(${ids(['customer'])}::uuid[])
    union all
    select id, name from technicians where tenant_id = ${tenantId} and id = any(${ids(['assignee', 'creator'])}::uuid[])
    union all
    select id, name from people
    where tenant_id = ${tenantId} and id = any(${ids(['requester', 'contact', 'creator'])}::uuid[])
    union all
    select id, name from teams where tenant_id = ${tenantId} and id = any(${ids(['team'])}::uuid[])`;
  const names = new Map(rows.map((row) => [row.id, row]));
  for (const ticket of tickets) {
    for (const name of wanted) {
      const id = ticket[ID_OF[name]];
      ticket[name] = id === null ? null : (names.get(id) ?? null);
    }
  }
}
