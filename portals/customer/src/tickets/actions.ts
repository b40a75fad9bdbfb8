import type { Ticket, TicketStatus } from '@psa/app/api/types';

type ActionName = 'close' | 'confirm' | 'reopen' | 'reopen_resolved';

/** Something the customer may do with the ticket now, and the status it leads to. */
export interface TicketAction {
  name: ActionName;
  status: TicketStatus;
}

/**
 * What the customer is offered: closing what is open, saying yes or no to a solution, reopening what is closed.
 * Only what the server allows (`allowed_transitions`). A reopened ticket goes back to its technician, or into the
 * queue when it has none. Taking a waiting ticket on happens by replying.
 */
export function actionsOf(ticket: Pick<Ticket, 'status' | 'allowed_transitions'>): TicketAction[] {
  const allowed = ticket.allowed_transitions ?? [];
  const done = ticket.status === 'resolved' || ticket.status === 'closed';
  const actions: TicketAction[] = [];
  if (allowed.includes('closed')) {
    actions.push({ name: ticket.status === 'resolved' ? 'confirm' : 'close', status: 'closed' });
  }
  const reopened = (['in_progress', 'new'] as const).find((status) => allowed.includes(status));
  if (done && reopened) {
    actions.push({ name: ticket.status === 'resolved' ? 'reopen_resolved' : 'reopen', status: reopened });
  }
  return actions;
}
