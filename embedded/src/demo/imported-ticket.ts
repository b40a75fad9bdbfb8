import type { ImportTicketRequest } from '@psa/contracts/ticket-import';
import type { TicketStatus } from '@psa/contracts/tickets';
import { officeMinutesAfter, workdayMoment } from './office-time.ts';
import type { PastTicket } from './past-ticket.ts';

type ImportedTicket = ImportTicketRequest['tickets'][number];
type ImportedChange = ImportedTicket['history'][number];

/** Who and what a past ticket refers to, by the ids they have now. */
export interface PastReferences {
  readonly customerId: string;
  readonly contactId: string;
  readonly contactName: string;
  readonly technicianId: string;
  readonly technicianName: string;
}

/** Office minutes of a day. */
const OFFICE_DAY = 8 * 60;

/** A past ticket with its whole history at `now`, as the import takes it. */
export function importedTicket(
  ticket: PastTicket,
  index: number,
  refs: PastReferences,
  now: Date,
): ImportedTicket {
  const externalId = `demo-${String(index + 1).padStart(3, '0')}`;
  const opened = workdayMoment(now, ticket.daysAgo, ticket.minute);
  const at = (minutes: number) =>
    new Date(Math.min(officeMinutesAfter(opened, minutes).getTime(), now.getTime())).toISOString();
  const history: ImportedChange[] = [];
  let status: TicketStatus = 'new';
  const step = (
    minutes: number,
    actor: string,
    next: TicketStatus | null,
    extra: ImportedChange['changes'] = [],
  ) => {
    const changes = [...extra];
    if (next !== null && next !== status) {
      changes.push({ field: 'status', from: status, to: next });
      status = next;
    }
    history.push({
      occurred_at: at(minutes),
      actor_name: actor,
      kind: history.length === 0 ? 'created' : 'changed',
      changes,
      row_id: `${externalId}/${history.length + 1}`,
    });
  };

  const { taken, solved } = ticket;
  step(0, refs.contactName, null, [{ field: 'status', from: null, to: 'new' }]);
  step(Math.round(taken / 2), 'Holger Wiese', 'assigned', [
    { field: 'assigned_to', from: null, to: refs.technicianName },
  ]);
  step(taken, refs.technicianName, 'in_progress');
  if (ticket.waited) {
    step(taken + Math.round((solved - taken) * 0.2), refs.technicianName, 'waiting_customer');
    step(taken + Math.round((solved - taken) * 0.7), refs.contactName, 'in_progress');
  }
  step(solved, refs.technicianName, 'resolved');
  let end = solved;
  if (ticket.reopened) {
    step(solved + 55, refs.contactName, 'in_progress');
    end = solved + 140;
    step(end, refs.technicianName, 'resolved');
  }
  const closedAfter = end + 2 * OFFICE_DAY;
  const isClosed = officeMinutesAfter(opened, closedAfter) < now;
  if (isClosed) step(closedAfter, refs.contactName, 'closed');

  return {
    external_id: externalId,
    title: ticket.title,
    description: ticket.text,
    status: isClosed ? 'closed' : 'resolved',
    priority: ticket.priority,
    category: ticket.category,
    customer_id: refs.customerId,
    contact_id: refs.contactId,
    assigned_to: refs.technicianId,
    team_external_id: null,
    tags: [...ticket.tags],
    created_at: at(0),
    // Its working time is booked then: what is imported again after a start that was cut off is the same.
    updated_at: at(end),
    first_response_at: at(taken),
    resolved_at: at(end),
    closed_at: isClosed ? at(closedAfter) : null,
    reopen_count: ticket.reopened ? 1 : 0,
    sla_breached: ticket.breached === true,
    history,
  };
}
