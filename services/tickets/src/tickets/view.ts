import type { Ticket, TicketStatus } from '@psa/contracts/tickets';
import { TICKET_STATUSES } from '@psa/contracts/tickets';
import { allowedTransitions, isDone, reopenStatus } from '@psa/domain/ticket-status';
import { can } from '@psa/service-kit/app';
import { isPortal, type RequestContext } from '@psa/service-kit/context';
import { toIso } from '@psa/service-kit/database';
import type { DeskSettings } from '../desk/settings.ts';
import { slaView } from '../sla/view.ts';
import type { TicketRow } from './row.ts';

/** A ticket as the asker may see it: portal users learn nothing of internal notes or working time. */
export function ticketView(ctx: RequestContext, settings: DeskSettings, row: TicketRow, now: Date): Ticket {
  const portal = isPortal(ctx);
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
    created_by: row.created_by,
    contact_id: row.contact_id,
    assigned_to: row.assigned_to,
    team_id: row.team_id,
    sla_policy_id: row.sla_policy_id,
    sla: slaView(settings, row, now),
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

/** The answer to a request about one ticket. */
export const fullView = (ctx: RequestContext, settings: DeskSettings, row: TicketRow, now: Date): Ticket => ({
  ...ticketView(ctx, settings, row, now),
  allowed_transitions: can(ctx, 'ticket:update') ? transitionsFor(row, ctx) : [],
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
