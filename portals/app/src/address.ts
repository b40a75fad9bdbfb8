import { api } from './api/browser.ts';
import { ApiError } from './api/error.ts';
import { redirect } from './router.tsx';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const NUMBER = /^\d{1,9}$/;

/**
 * Sees that an address names a ticket before what belongs to it is asked for: its id, or its number, as people type it,
 * which leads to its id. What is neither is no ticket, and nobody is asked.
 * @throws a redirect to the ticket of that number; ApiError 404 when there is none
 */
export async function mustNameTicket(named: string): Promise<void> {
  if (UUID.test(named)) return;
  if (NUMBER.test(named)) {
    const query = { search: named, limit: 1, fields: 'id,ticket_number', count: 'none' } as const;
    const { data } = await api.get('/tickets', { query });
    const [ticket] = data;
    if (ticket?.ticket_number === Number(named)) throw redirect(`/tickets/${ticket.id}`);
  }
  throw nothingThere();
}

/** @throws ApiError 404 where an address names nothing that could be there */
export function mustBeId(named: string): void {
  if (!UUID.test(named)) throw nothingThere();
}

const nothingThere = () =>
  new ApiError({ status: 404, code: 'RESOURCE_NOT_FOUND', message: 'This address leads to nothing.' });
