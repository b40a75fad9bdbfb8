import type { ImportTicketRequest } from '@psa/contracts/ticket-import';
import type { TicketStatus } from '@psa/contracts/tickets';
import type { PastTicket } from './history.ts';

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

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const OPENING_MINUTE = 7 * 60 + 30;

/** A moment some days ago in office hours (UTC is near enough for a demo); weekends move to the Friday before. */
export function workdayMoment(now: Date, daysAgo: number, minute: number): Date {
  const day = new Date(now.getTime() - daysAgo * DAY);
  const weekday = day.getUTCDay();
  const back = weekday === 0 ? 2 : weekday === 6 ? 1 : 0;
  const midnight = Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate() - back);
  return new Date(midnight + (OPENING_MINUTE + minute) * MINUTE);
}

/** A past ticket with its whole history, as the import takes it. */
export function importedTicket(
  ticket: PastTicket,
  index: number,
  refs: PastReferences,
  now: Date,
): ImportedTicket {
  const externalId = `demo-${String(index + 1).padStart(3, '0')}`;
  const opened = workdayMoment(now, ticket.daysAgo, ticket.minute);
  const at = (minutes: number) =>
    new Date(Math.min(opened.getTime() + minutes * MINUTE, now.getTime())).toISOString();
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
  const closedAfter = end + 2 * 24 * 60;
  const isClosed = opened.getTime() + closedAfter * MINUTE < now.getTime();
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
    updated_at: history.at(-1)!.occurred_at,
    first_response_at: at(taken),
    resolved_at: at(end),
    closed_at: isClosed ? at(closedAfter) : null,
    reopen_count: ticket.reopened ? 1 : 0,
    sla_breached: ticket.breached === true,
    history,
  };
}
