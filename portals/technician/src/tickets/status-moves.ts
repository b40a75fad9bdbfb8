import type { Ticket, TicketChanges, TicketStatus } from '@psa/app/api/types';
import { type Me, may, useMe } from '@psa/app/session/session';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { STATUS_LOOK } from '@psa/ui/look';
import type { PickOption } from '../components/picker.tsx';
import { messages } from '../i18n/daily-messages.ts';
import { STATUSES } from './filter.ts';

/** Work on it can begin here and now: it is open, not in progress, and nobody else's. */
export const mayStart = (ticket: Ticket, me: Me): boolean =>
  may(me, 'ticket:update') &&
  (ticket.status === 'new' || ticket.status === 'assigned') &&
  (ticket.assigned_to === me.id || (ticket.assigned_to === null && may(me, 'ticket:assign')));

/**
 * The changes that move a ticket to a status. In progress is nobody's ticket: from the queue, whoever moves it there
 * takes it with the same step.
 */
export const changesTo = (ticket: Ticket, status: TicketStatus, me: Me): TicketChanges =>
  status === 'in_progress' && ticket.assigned_to === null ? { status, assigned_to: me.id } : { status };

/** Where a ticket may go from its status, in the order of the workflow. */
export const movesOf = (ticket: Ticket, me: Me): TicketStatus[] => {
  const allowed = new Set<TicketStatus>(ticket.allowed_transitions ?? []);
  if (mayStart(ticket, me)) allowed.add('in_progress');
  allowed.delete(ticket.status);
  return STATUSES.filter((status) => allowed.has(status));
};

/** The same with words and signs, for a choice. */
export function useStatusMoves(ticket: Ticket) {
  const d = messages.useT();
  const u = uiMessages.useT();
  const me = useMe();
  const label = (id: TicketStatus) =>
    id === 'in_progress' && ticket.assigned_to === null ? d('status.start') : u(`status.${id}`);
  return {
    options: movesOf(ticket, me).map(
      (id): PickOption => ({ id, label: label(id), icon: STATUS_LOOK[id].icon }),
    ),
    changesTo: (status: TicketStatus) => changesTo(ticket, status, me),
  };
}
