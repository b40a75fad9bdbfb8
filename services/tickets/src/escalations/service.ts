import type { EscalateTicketRequest } from '@psa/contracts/ticket-work';
import { PRIORITIES, type Ticket } from '@psa/contracts/tickets';
import { isDone } from '@psa/domain/ticket-status';
import { isPortal, type RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { forbidden, invalid } from '@psa/service-kit/errors';
import { addComment } from '../comments/service.ts';
import type { TicketsDeps } from '../deps.ts';
import { transitionForbidden } from '../tickets/domain.ts';
import { loadTicket } from '../tickets/repository.ts';
import { type TicketRow, ticketFacts } from '../tickets/row.ts';
import { changeTicket, ticketEvent } from '../tickets/service.ts';
import { transitionsFor } from '../tickets/view.ts';
import { watch } from '../watchers/service.ts';

/**
 * Calls for help with a ticket, in one step: priority up, another colleague or team, the reason as an internal note.
 * Whoever calls watches the ticket from then on, and the colleagues whom it is for are named in the event, so that
 * they learn of it wherever they are. `check` sees the ticket's version first (If-Match).
 */
export async function escalate(
  deps: TicketsDeps,
  tx: Tx,
  ctx: RequestContext,
  id: string,
  { reason, ...wanted }: EscalateTicketRequest,
  check: (version: number) => void,
): Promise<Ticket> {
  if (isPortal(ctx)) throw forbidden();
  if (reason.trim() === '') throw invalid({ field: 'reason', code: 'empty', message: 'must not be empty' });
  const ticket = await loadTicket(tx, ctx, id, true);
  check(ticket.version);
  if (isDone(ticket.status)) {
    throw transitionForbidden('A ticket that is done cannot be escalated.', transitionsFor(ticket, ctx));
  }
  const { priority } = wanted;
  if (priority !== undefined && PRIORITIES.indexOf(priority) < PRIORITIES.indexOf(ticket.priority)) {
    throw invalid({
      field: 'priority',
      code: 'contradicts',
      message: `must be ${ticket.priority} or higher: escalating never lowers it`,
    });
  }
  await watch(deps, tx, ctx, id, undefined, () => {});
  await addComment(deps, tx, ctx, id, { body: reason, visibility: 'internal' }, () => {});
  const team = wanted.team_id ?? ticket.team_id;
  const told = await colleagues(tx, ctx, ticket, wanted.assigned_to, team);
  return changeTicket(deps, tx, ctx, id, wanted, undefined, {
    history: [{ kind: 'escalated', reason: reason.trim() }],
    events: (row) => [
      ticketEvent(
        'ticket.escalated.v1',
        row,
        { ticket: ticketFacts(row), reason: reason.trim(), told },
        false,
      ),
    ],
  });
}

/** Whom it is for: the colleague named, else who has the ticket, else the team. Never whoever calls. */
async function colleagues(
  tx: Tx,
  ctx: RequestContext,
  ticket: TicketRow,
  named: string | undefined,
  team: string | null,
): Promise<string[]> {
  const one = named ?? (team === ticket.team_id ? ticket.assigned_to : null);
  const members =
    (one === null || one === ctx.actor.id) && team !== null
      ? await tx.sql<{ user_id: string }[]>`
          select user_id from team_members where tenant_id = ${ctx.scope.tenant_id} and team_id = ${team}`
      : [];
  const all = [...(one === null ? [] : [one]), ...members.map(({ user_id }) => user_id)];
  return [...new Set(all)].filter((id) => id !== ctx.actor.id);
}
