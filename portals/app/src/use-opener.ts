import { useQuery } from '@tanstack/react-query';
import type { Ticket } from './api/types.ts';
import { contactThen, type Opener, openerOf } from './opener.ts';
import { may, useMe } from './session/session.ts';
import { contactNameQuery, openingQuery } from './tickets.ts';

/**
 * Who entered a ticket and for whom it was then: the contact may have been changed since, which the first entry of its
 * history knows. Whoever may not look that person up is told nobody rather than the present one.
 */
export function useOpener(ticket: Ticket): Opener {
  const me = useMe();
  // A ticket that nobody changed has its first contact, and one without an entrant another history.
  const mayDiffer = ticket.version > 1 && ticket.requester_id === null && ticket.created_by !== null;
  const opening = useQuery({ ...openingQuery(ticket.id), enabled: mayDiffer });
  const then = mayDiffer ? contactThen(opening.data ?? null) : ticket.contact_id;
  const isOther = then !== null && then !== ticket.contact_id;
  const { data: name } = useQuery({
    ...contactNameQuery(then ?? ''),
    enabled: isOther && may(me, 'contact:view'),
  });
  if (!isOther) return openerOf({ ...ticket, ...(then === null ? { contact: null } : {}) });
  return openerOf({ ...ticket, contact: name ? { id: then, name } : null });
}
