import type { Ticket, TicketChanges } from '@psa/app/api/types';

/** Fields people change; the rest of a ticket is bookkeeping. */
export const CHANGEABLE = [
  'title',
  'description',
  'status',
  'priority',
  'category',
  'tags',
  'assigned_to',
  'team_id',
  'contact_id',
] as const satisfies readonly (keyof TicketChanges)[];
export type Changeable = (typeof CHANGEABLE)[number];

export interface Difference {
  field: Changeable;
  before: Ticket[Changeable];
  now: Ticket[Changeable];
}

/** What somebody else changed between two states of a ticket. */
export function differences(before: Ticket, now: Ticket): Difference[] {
  return CHANGEABLE.filter((field) => JSON.stringify(before[field]) !== JSON.stringify(now[field])).map(
    (field) => ({ field, before: before[field], now: now[field] }),
  );
}
