import type { Priority, Ticket, TicketStatus } from '@psa/contracts/tickets';
import { TICKET_STATUSES } from '@psa/contracts/tickets';
import { allowedTransitions, isDone, reopenStatus } from '@psa/domain/ticket-status';
import type { RequestContext } from '@psa/service-kit/context';
import { toIso } from '@psa/service-kit/database';
import type { EventData } from '@psa/service-kit/outbox';

export type SlaState = Ticket['sla_response_state'];

/** A stretch in which both clocks stood still; `until` null: they still do. RFC 3339. */
export interface StoredPause {
  from: string;
  until: string | null;
  reason: string;
}

/** A row of tickets.tickets. Times as PostgreSQL's text or RFC 3339; see toIso. */
export interface TicketRow {
  id: string;
  ticket_number: number;
  title: string;
  description: string;
  status: TicketStatus;
  priority: Priority;
  category: string | null;
  tags: string[];
  source: Ticket['source'];
  customer_id: string;
  requester_id: string | null;
  contact_id: string | null;
  created_by: string | null;
  assigned_to: string | null;
  team_id: string | null;
  sla_policy_id: string | null;
  sla_response_due: string | null;
  sla_resolution_due: string | null;
  sla_response_state: SlaState;
  sla_resolution_state: SlaState;
  sla_breached: boolean;
  sla_pauses: StoredPause[];
  first_response_at: string | null;
  resolved_at: string | null;
  closed_at: string | null;
  reopen_count: number;
  comment_count: number;
  public_comment_count: number;
  minutes_spent: number;
  external_id: string | null;
  version: number;
  created_at: string;
  updated_at: string;
}

/** Its columns, in the order of {@link TicketRow}, of the table under the alias `t`. */
export const TICKET_COLUMNS = [
  'id',
  'ticket_number',
  'title',
  'description',
  'status',
  'priority',
  'category',
  'tags',
  'source',
  'customer_id',
  'requester_id',
  'contact_id',
  'created_by',
  'assigned_to',
  'team_id',
  'sla_policy_id',
  'sla_response_due',
  'sla_resolution_due',
  'sla_response_state',
  'sla_resolution_state',
  'sla_breached',
  'sla_pauses',
  'first_response_at',
  'resolved_at',
  'closed_at',
  'reopen_count',
  'comment_count',
  'public_comment_count',
  'minutes_spent',
  'external_id',
  'version',
  'created_at',
  'updated_at',
] as const satisfies readonly (keyof TicketRow)[];

/** `t.id, t.ticket_number, …` without the columns named. */
export const ticketColumns = (without: readonly string[] = []) =>
  TICKET_COLUMNS.filter((name) => !without.includes(name))
    .map((name) => `t.${name}`)
    .join(', ');

/** A ticket as the asker may see it: portal users learn nothing of internal notes or working time. */
export function ticketView(row: TicketRow, ctx: RequestContext): Ticket {
  const portal = ctx.scope.customer_id !== null;
  const paused = row.sla_pauses?.at(-1);
  return {
    id: row.id,
    ticket_number: row.ticket_number,
    title: row.title,
    description: row.description,
    status: row.status,
    priority: row.priority,
    category: row.category,
    tags: row.tags,
    source: row.source,
    customer_id: row.customer_id,
    requester_id: row.requester_id,
    contact_id: row.contact_id,
    assigned_to: row.assigned_to,
    team_id: row.team_id,
    sla_policy_id: row.sla_policy_id,
    sla_response_due: toIso(row.sla_response_due),
    sla_resolution_due: toIso(row.sla_resolution_due),
    sla_response_state: row.sla_response_state,
    sla_resolution_state: row.sla_resolution_state,
    sla_breached: row.sla_breached,
    sla_paused_since: paused?.until === null && !isDone(row.status) ? paused.from : null,
    first_response_at: toIso(row.first_response_at),
    resolved_at: toIso(row.resolved_at),
    closed_at: toIso(row.closed_at),
    reopen_count: row.reopen_count,
    comment_count: portal ? row.public_comment_count : row.comment_count,
    minutes_spent: portal ? 0 : row.minutes_spent,
    external_id: row.external_id,
    version: row.version,
    created_at: toIso(row.created_at),
    updated_at: toIso(row.updated_at),
  };
}

/** What events say of a ticket. */
export const ticketFacts = (row: TicketRow): EventData<'ticket.opened.v1'>['ticket'] => ({
  ticket_id: row.id,
  ticket_number: row.ticket_number,
  title: row.title,
  description: row.description,
  status: row.status,
  priority: row.priority,
  category: row.category,
  tags: row.tags,
  customer_id: row.customer_id,
  requester_id: row.requester_id,
  assigned_to: row.assigned_to,
  team_id: row.team_id,
  version: row.version,
});

/**
 * Where the asker may move the ticket. Customers close and reopen; going on from waiting_customer is done by
 * replying.
 */
export function transitionsFor(
  row: { status: TicketStatus; assigned_to: string | null },
  ctx: RequestContext,
): TicketStatus[] {
  const hasAssignee = row.assigned_to !== null;
  if (ctx.actor.kind !== 'customer') {
    // With an assignment in the same request more is possible, which the decision itself sees.
    return allowedTransitions(row.status, { actorKind: ctx.actor.kind, hasAssignee });
  }
  const closes = allowedTransitions(row.status, { actorKind: 'customer' }).includes('closed');
  const reopen = isDone(row.status) ? reopenStatus(hasAssignee) : null;
  return TICKET_STATUSES.filter((to) => (to === 'closed' && closes) || to === reopen);
}
