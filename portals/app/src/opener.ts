import type { Ticket } from './api/types.ts';

interface Person {
  id: string;
  name: string;
}

/**
 * Who entered a ticket, and for whom where that is somebody else: the person who asked, the contact, or the company
 * of staff that names nobody. `entrant` is null where nobody is known, as with imported tickets. Needs the ticket with
 * `include=creator,requester,contact,customer`; what is left out of it is unknown.
 */
export function openerOf(
  ticket: Pick<Ticket, 'created_by' | 'creator' | 'requester' | 'contact' | 'customer' | 'source'>,
): { entrant: Person | null; beneficiary: Person | null } {
  const entrant = ticket.creator ?? null;
  const asker = ticket.requester ?? ticket.contact ?? null;
  if (ticket.created_by !== null && asker?.id === ticket.created_by) {
    return { entrant: entrant ?? asker, beneficiary: null };
  }
  const company = ticket.source === 'portal' ? null : (ticket.customer ?? null);
  return { entrant, beneficiary: asker ?? company };
}
