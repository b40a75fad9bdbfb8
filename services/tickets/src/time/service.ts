import type { CreateTimeEntryRequest, TimeEntry, UpdateTimeEntryRequest } from '@psa/contracts/tickets';
import type { RequestContext } from '@psa/service-kit/context';
import { type Tx, toIso } from '@psa/service-kit/database';
import { invalid } from '@psa/service-kit/errors';
import type { Static } from 'typebox';
import type { TicketsDeps } from '../deps.ts';
import { NO_SETTINGS } from '../desk/settings.ts';
import { UnknownReference } from '../people/lookup.ts';
import { findTechnician } from '../people/repository.ts';
import { checkMayBookFor } from '../policies/time-entry.ts';
import type { Change } from '../tickets/domain.ts';
import { loadTicket } from '../tickets/repository.ts';
import { type TicketRow, ticketFacts } from '../tickets/row.ts';
import { decideAndSave, ticketEvent } from '../tickets/service.ts';
import { periodProblems } from './domain.ts';
import { insertEntry, lockEntry, removeEntry, type TimeRow, updateEntry } from './repository.ts';

type View = Static<typeof TimeEntry>;

export const timeView = (row: TimeRow): View => ({
  id: row.id,
  ticket_id: row.ticket_id,
  user: { id: row.user_id, name: row.user_name },
  entered_by: { id: row.entered_by ?? row.user_id, name: row.entered_by_name ?? row.user_name },
  minutes: row.minutes,
  note: row.note,
  billable: row.billable,
  started_at: toIso(row.started_at),
  version: row.version,
  created_at: toIso(row.created_at),
  updated_at: toIso(row.updated_at),
});

const me = (ctx: RequestContext) => ({
  id: ctx.actor.id ?? '',
  name: ctx.actor.name ?? ctx.actor.email ?? '',
});

/** Whose time it is: the asker's, or a colleague's whom the asker may book for. @throws 400, 403 */
async function workerOf(tx: Tx, ctx: RequestContext, userId: string | undefined) {
  checkMayBookFor(ctx, userId ?? ctx.actor.id ?? '');
  if (userId === undefined || userId === ctx.actor.id) return me(ctx);
  const worker = await findTechnician(tx, ctx, userId);
  if (!worker) throw new UnknownReference([{ kind: 'technician', id: userId, field: 'user_id' }]);
  return worker;
}

function checkPeriod(ticket: TicketRow, startedAt: string, now: Date): void {
  const problems = periodProblems(new Date(startedAt), new Date(toIso(ticket.created_at)), now);
  if (problems.length > 0) throw invalid(...problems);
}

/** Books working time; without a start it ended just now. `check` sees the ticket's version (If-Match). */
export async function logTime(
  deps: TicketsDeps,
  tx: Tx,
  ctx: RequestContext,
  ticketId: string,
  body: Static<typeof CreateTimeEntryRequest>,
  check: (version: number) => void,
): Promise<View> {
  const ticket = await loadTicket(tx, ctx, ticketId, true);
  check(ticket.version);
  const at = deps.clock.now();
  const now = at.toISOString();
  const worker = await workerOf(tx, ctx, body.user_id);
  if (body.started_at !== undefined) checkPeriod(ticket, body.started_at, at);
  const row: TimeRow = {
    id: deps.ids.uuid(),
    ticket_id: ticket.id,
    user_id: worker.id,
    user_name: worker.name,
    minutes: body.minutes,
    note: body.note ?? null,
    billable: body.billable ?? true,
    started_at: body.started_at ?? new Date(at.getTime() - body.minutes * 60_000).toISOString(),
    entered_by: me(ctx).id,
    entered_by_name: me(ctx).name,
    version: 1,
    created_at: now,
    updated_at: now,
  };
  await insertEntry(tx, ctx, row);
  const changes = [{ field: 'minutes', from: null, to: row.minutes }];
  await save(deps, tx, ctx, ticket, row, 'logged', row.minutes, changes);
  return timeView(row);
}

/** Corrects an entry: length, date, note, whether it is billed, and whose it is. */
export async function correctTime(
  deps: TicketsDeps,
  tx: Tx,
  ctx: RequestContext,
  ids: { ticket: string; entry: string },
  body: Static<typeof UpdateTimeEntryRequest>,
  check: (version: number) => void,
): Promise<View> {
  const ticket = await loadTicket(tx, ctx, ids.ticket, true);
  const before = await lockEntry(tx, ctx, ids.ticket, ids.entry);
  checkMayBookFor(ctx, before.user_id);
  check(before.version);
  const at = deps.clock.now();
  const worker =
    body.user_id === undefined
      ? { id: before.user_id, name: before.user_name }
      : await workerOf(tx, ctx, body.user_id);
  const row: TimeRow = {
    ...before,
    user_id: worker.id,
    user_name: worker.name,
    minutes: body.minutes ?? before.minutes,
    note: body.note === undefined ? before.note : body.note,
    billable: body.billable ?? before.billable,
    started_at: body.started_at ?? toIso(before.started_at),
    version: before.version + 1,
    updated_at: at.toISOString(),
  };
  // What was booked before there was this rule may keep its date.
  if (body.started_at !== undefined) checkPeriod(ticket, body.started_at, at);
  const compared = (one: TimeRow): Record<string, unknown> => ({
    minutes: one.minutes,
    started_at: new Date(toIso(one.started_at)).toISOString(),
    billable: one.billable,
    note: one.note,
    user: one.user_name,
  });
  const [old, next] = [compared(before), compared(row)];
  const changes = Object.keys(next).flatMap((field) =>
    old[field] === next[field] ? [] : [{ field, from: old[field], to: next[field] }],
  );
  if (changes.length === 0 && row.user_id === before.user_id) return timeView(before);
  await updateEntry(tx, ctx, row);
  await save(deps, tx, ctx, ticket, row, 'changed', row.minutes - before.minutes, changes);
  return timeView(row);
}

/** Takes an entry back; the history keeps what it said. */
export async function deleteTime(
  deps: TicketsDeps,
  tx: Tx,
  ctx: RequestContext,
  ids: { ticket: string; entry: string },
  check: (version: number) => void,
): Promise<void> {
  const ticket = await loadTicket(tx, ctx, ids.ticket, true);
  const row = await lockEntry(tx, ctx, ids.ticket, ids.entry);
  checkMayBookFor(ctx, row.user_id);
  check(row.version);
  await removeEntry(tx, ctx, row, deps.clock.now().toISOString());
  const changes = [
    { field: 'minutes', from: row.minutes, to: null },
    { field: 'user', from: row.user_name, to: null },
  ];
  await save(deps, tx, ctx, ticket, row, 'deleted', -row.minutes, changes);
}

/** The ticket's sum, history and event of what happened to one of its entries. */
async function save(
  deps: TicketsDeps,
  tx: Tx,
  ctx: RequestContext,
  ticket: TicketRow,
  entry: TimeRow,
  what: 'logged' | 'changed' | 'deleted',
  more: number,
  changes: readonly Change[],
): Promise<void> {
  await decideAndSave(
    deps,
    tx,
    ctx,
    ticket,
    {},
    {
      settings: NO_SETTINGS,
      columns: { minutes_spent: ticket.minutes_spent + more },
      history: [{ kind: `time_${what}`, changes }],
      events: (row) => [
        ticketEvent(
          `ticket.time_${what}.v1`,
          row,
          {
            ticket: ticketFacts(row),
            time_entry_id: entry.id,
            user_id: entry.user_id,
            minutes: entry.minutes,
            billable: entry.billable,
          },
          false,
        ),
      ],
    },
  );
}
