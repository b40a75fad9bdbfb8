import type { Watcher } from '@psa/contracts/tickets';
import { isPortal, type RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { invalid } from '@psa/service-kit/errors';
import { emit } from '@psa/service-kit/outbox';
import type { Static } from 'typebox';
import type { TicketsDeps } from '../deps.ts';
import { checkMayUnwatchFor, checkMayWatchFor, possibleWatchers } from '../policies/watcher.ts';
import { loadTicket } from '../tickets/repository.ts';
import { type TicketRow, ticketFacts } from '../tickets/row.ts';
import { ticketEvent } from '../tickets/service.ts';
import { deleteWatcher, insertWatcher, isTechnician } from './repository.ts';

type View = Static<typeof Watcher>;

/** Has the asker, or whom staff names, watch a ticket. `check` sees its version first (If-Match). */
export async function watch(
  deps: TicketsDeps,
  tx: Tx,
  ctx: RequestContext,
  ticketId: string,
  wanted: string | undefined,
  check: (version: number) => void,
): Promise<View> {
  const ticket = await loadTicket(tx, ctx, ticketId, true);
  check(ticket.version);
  const watcher = await watcherOf(tx, ctx, ticket, wanted);
  const now = deps.clock.now();
  if (await insertWatcher(tx, ctx, ticket, watcher, now.toISOString())) {
    const data = { ticket: ticketFacts(ticket), user_id: watcher.user_id };
    const shown = await concernsCustomer(tx, ctx, watcher.user_id);
    await emit(deps, tx, ctx, [ticketEvent('ticket.watched.v1', ticket, data, shown)], now);
  }
  return watcher;
}

/** Takes a watcher off a ticket; nothing, where they do not watch it. */
export async function unwatch(
  deps: TicketsDeps,
  tx: Tx,
  ctx: RequestContext,
  ticketId: string,
  userId: string,
  check: (version: number) => void,
): Promise<void> {
  checkMayUnwatchFor(ctx, userId);
  const ticket = await loadTicket(tx, ctx, ticketId, true);
  check(ticket.version);
  if (!(await deleteWatcher(tx, ctx, ticketId, userId))) return;
  const data = { ticket: ticketFacts(ticket), user_id: userId, taken_from: [userId] };
  const shown = await concernsCustomer(tx, ctx, userId);
  await emit(deps, tx, ctx, [ticketEvent('ticket.unwatched.v1', ticket, data, shown)]);
}

/** Portal users hear of watchers of their customer alone: who of the technicians watches is not theirs to know. */
const concernsCustomer = async (tx: Tx, ctx: RequestContext, userId: string) =>
  isPortal(ctx) || !(await isTechnician(tx, ctx, userId));

/** The asker, or whom staff names: a technician, or a portal user of the ticket's customer. */
async function watcherOf(
  tx: Tx,
  ctx: RequestContext,
  ticket: TicketRow,
  wanted: string | undefined,
): Promise<View> {
  if (wanted === undefined || wanted === ctx.actor.id) {
    return { user_id: ctx.actor.id!, name: ctx.actor.name ?? ctx.actor.email ?? '' };
  }
  checkMayWatchFor(ctx, wanted);
  const [row] = await tx.sql<{ name: string }[]>`
    select name from (${possibleWatchers(tx, ctx, ticket)}) as p where id = ${wanted}`;
  if (!row)
    throw invalid({
      field: 'user_id',
      code: 'not_found',
      message: 'there is nobody of that id who may see this ticket',
    });
  return { user_id: wanted, name: row.name };
}
