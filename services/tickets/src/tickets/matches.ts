import { MOST_IDS } from '@psa/contracts/limits';
import {
  MOST_MATCHES,
  type SearchMarksResponse,
  type SearchMatchesRequest,
  type SearchMatchesResponse,
} from '@psa/contracts/search';
import type { Ticket } from '@psa/contracts/tickets';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { AppError } from '@psa/service-kit/errors';
import { peerRefusal } from '@psa/service-kit/peers';
import type { ServiceDeps } from '@psa/service-kit/service';
import type { Static } from 'typebox';
import type { Fragment } from '../policies/ticket.ts';
import { allOf } from './filters.ts';

/**
 * The tickets that match a text, of all that the asker's tenant and company have: 32 hexadecimal digits each, best tier
 * first. Filters, rights, order and count are the list's, in one query with these; so none is lost, and the count is true.
 */
interface Found {
  readonly tiers: readonly string[];
  /** The ticket of the number that was typed. */
  readonly number: number | null;
  /** There are more matches than can be named, and the newest are: the count is "at least". */
  readonly incomplete: boolean;
}

/** Matches that are worth more than looking whether the filters leave fewer tickets. */
const FEW_MATCHES = 20_000;
const DIGITS = /^#?(\d{1,9})$/;

/**
 * Asks the search service in the caller's name. The smaller side travels: all matches of the text, or, where these are
 * many and the filters leave few tickets, the ids of those.
 */
export async function findMatches(
  deps: ServiceDeps,
  ctx: RequestContext,
  text: string,
  customerId: string | undefined,
  where: (tx: Tx) => readonly Fragment[],
): Promise<Found> {
  const typed = DIGITS.exec(text)?.[1];
  const number = typed === undefined ? null : Number(typed);
  const ask = (more: Partial<Static<typeof SearchMatchesRequest>>) =>
    askSearch<Static<typeof SearchMatchesResponse>>(deps, ctx, 'matches', {
      q: text,
      type: 'ticket',
      ...(customerId === undefined ? {} : { customer_id: customerId }),
      most: FEW_MATCHES,
      ...more,
    });
  try {
    let answer = await ask({});
    if (answer.more) {
      const ids = await filtered(deps, ctx, where);
      answer = await ask(ids.length <= MOST_IDS ? { ids } : { most: MOST_MATCHES, newest: true });
    }
    return { tiers: answer.tiers.map(hexOf), number, incomplete: answer.more };
  } catch (error) {
    // A ticket number is found without the index.
    if (number !== null && error instanceof AppError && error.status >= 500)
      return { tiers: [], number, incomplete: false };
    throw error;
  }
}

/** Tickets that the filters leave, one more than are sent at most. */
function filtered(deps: ServiceDeps, ctx: RequestContext, where: (tx: Tx) => readonly Fragment[]) {
  return deps.db.read(ctx.scope, async (tx) => {
    const all = allOf(tx, where(tx));
    const rows = await tx.sql<
      { id: string }[]
    >`select t.id from tickets t where ${all} limit ${MOST_IDS + 1}`;
    return rows.map((row) => row.id);
  });
}

/** `from` of the list: the matches as `hit` beside their tickets as `t`. */
export function matchingTickets(tx: Tx, found: Found): Fragment {
  const { sql } = tx;
  // Ids are digits of this process's own making.
  const tiers = found.tiers.map(
    (hex, i) => sql`select unnest(${arrayOf(hex)}::uuid[]) as id, ${i + 1}::int as tier`,
  );
  const byNumber = sql`select id, 0 as tier from tickets
    where tenant_id = psa.tenant_id() and ticket_number = ${found.number}`;
  const all = tiers.reduce<Fragment>((sum, one) => sql`${sum} union all ${one}`, byNumber);
  return sql`(select id, min(tier) as tier from (${all}) as each group by id) as hit
    join tickets t on t.tenant_id = psa.tenant_id() and t.id = hit.id`;
}

const hexOf = (base64: string) => Buffer.from(base64, 'base64').toString('hex');
const arrayOf = (hex: string) => `{${hex.replace(/.{32}(?=.)/g, '$&,')}}`;

/** Puts the marks of their matches on the tickets of a page. */
export async function addHighlights(
  deps: ServiceDeps,
  ctx: RequestContext,
  text: string,
  tickets: Ticket[],
): Promise<void> {
  if (tickets.length === 0) return;
  try {
    const ids = tickets.map((ticket) => ticket.id);
    const { data } = await askSearch<Static<typeof SearchMarksResponse>>(deps, ctx, 'marks', {
      q: text,
      type: 'ticket',
      ids,
    });
    const byId = new Map(data.map((one) => [one.id, one.highlights]));
    for (const ticket of tickets) {
      const marks = byId.get(ticket.id);
      if (marks) ticket.highlight = marks;
    }
  } catch (error) {
    // The page stands without its marks.
    if (!(error instanceof AppError) || error.status < 500) throw error;
    deps.log.warn({ err: error }, 'matches are not marked');
  }
}

/** @throws 400, 401, 403, 502, 503, 504 */
async function askSearch<T>(
  deps: ServiceDeps,
  ctx: RequestContext,
  what: 'matches' | 'marks',
  body: object,
): Promise<T> {
  const answer = await deps.peers.request('search', {
    method: 'POST',
    path: `/internal/search/${what}`,
    token: ctx.token,
    requestId: ctx.request_id,
    body,
  });
  if (answer.status === 200) return answer.body as T;
  if (answer.status === 400) {
    const message = 'cannot be searched for; try other or fewer words';
    throw new AppError(400, 'VALIDATION_ERROR', `search: ${message}`, {
      details: [{ field: 'search', code: 'not_valid', message }],
    });
  }
  if (answer.status === 403)
    throw new AppError(403, 'PERMISSION_DENIED', 'This needs the permission search:query.');
  throw peerRefusal('search', answer);
}
