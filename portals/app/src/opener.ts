import type { HistoryEntry, Ticket } from './api/types.ts';

interface Person {
  id: string;
  name: string;
}

export interface Opener {
  entrant: Person | null;
  beneficiary: Person | null;
}

/** The contact's id when the ticket was opened, by the first entry of its history; null for none. */
export function contactThen(first: Pick<HistoryEntry, 'changes'> | null): string | null {
  const to = first?.changes.find(({ field }) => field === 'contact_id')?.to;
  return typeof to === 'string' ? to : null;
}

/**
 * Who entered a ticket, and for whom where that is somebody else: the person who asked, the contact, or the company
 * of staff that names nobody. `entrant` is null where nobody is known, as with imported tickets. Needs the ticket with
 * `include=creator,requester,contact,customer`; what is left out of it is unknown.
 */
export function openerOf(
  ticket: Pick<Ticket, 'created_by' | 'creator' | 'requester' | 'contact' | 'customer' | 'source'>,
): Opener {
  const entrant = ticket.creator ?? null;
  const asker = ticket.requester ?? ticket.contact ?? null;
  if (ticket.created_by !== null && asker?.id === ticket.created_by) {
    return { entrant: entrant ?? asker, beneficiary: null };
  }
  const company = ticket.source === 'portal' ? null : (ticket.customer ?? null);
  return { entrant, beneficiary: asker ?? company };
}
