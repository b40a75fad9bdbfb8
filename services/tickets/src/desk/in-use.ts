import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { conflict } from '@psa/service-kit/errors';
import type { Fragment } from '../policies/ticket.ts';

/** So many users of a thing are named; the rest is "and more". */
export const NAMED = 5;

/** Up to one more open ticket than is named, by number. */
export const openTickets = (tx: Tx, ctx: RequestContext, which: Fragment) =>
  tx.sql<{ name: string }[]>`
    select '#' || t.ticket_number as name from tickets t
    where t.tenant_id = ${ctx.scope.tenant_id} and t.deleted_at is null
      and t.status in ('new', 'assigned', 'in_progress', 'waiting_customer') and ${which}
    order by t.created_at desc limit ${NAMED + 1}`;

interface Use {
  /** `open tickets: #12, #13 and more`. */
  readonly text: string;
  /** `#12, #13 …`: the names as they are in every language. */
  readonly names: string;
}

/** What uses a thing, or null when nothing does. */
export function usedBy(kind: string, users: readonly { name: string }[]): Use | null {
  if (users.length === 0) return null;
  const names = users
    .slice(0, NAMED)
    .map((user) => user.name)
    .join(', ');
  const more = users.length > NAMED;
  return { text: `${kind}: ${names}${more ? ' and more' : ''}`, names: `${names}${more ? ' …' : ''}` };
}

/** A setting that something still needs is not deleted. @throws 409 that names what uses it and what to do */
export function refuseInUse(noun: string, uses: readonly (Use | null)[], todo: string): void {
  const found = uses.filter((use) => use !== null);
  if (found.length === 0) return;
  throw conflict(
    'in_use',
    `This ${noun} is in use (${found.map((use) => use.text).join('; ')}). ${todo}`,
    found.map(({ text, names }) => ({
      field: 'id',
      code: 'in_use',
      message: `is used by ${text}`,
      values: { by: names },
    })),
  );
}
