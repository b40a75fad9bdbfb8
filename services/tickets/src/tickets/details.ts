import { Closed, IdParams, listQuery, Many, One, Uuid } from '@psa/contracts/common';
import {
  CreateTimeEntryRequest,
  CreateWatcherRequest,
  HistoryEntry,
  SlaExplanation,
  TimeEntry,
  Watcher,
} from '@psa/contracts/tickets';
import { type App, contextOf } from '@psa/service-kit/app';
import type { RequestContext } from '@psa/service-kit/context';
import { type Tx, toIso } from '@psa/service-kit/database';
import { forbidden, invalid } from '@psa/service-kit/errors';
import type { ListSpec } from '@psa/service-kit/list';
import { write } from '@psa/service-kit/write';
import Type, { type Static } from 'typebox';
import { NO_DESK } from '../desk/desk.ts';
import { findCustomer } from '../people/repository.ts';
import { explainSla } from '../sla/explain.ts';
import { loadTicket } from './repository.ts';
import { type TicketRow, ticketFacts } from './row.ts';
import { decideAndSave, type TicketDesk, ticketEvent } from './service.ts';
import { listUnderTicket } from './under-ticket.ts';

const tags = ['tickets'];
const ListQuery = Closed(listQuery);

const HISTORY: ListSpec = {
  sortable: { occurred_at: { sql: 'h.occurred_at', type: 'timestamptz' } },
  defaultSort: [['occurred_at', 'asc']],
  fields: Object.keys(HistoryEntry.properties),
  id: { sql: 'h.seq', type: 'bigint' },
};
const TIME: ListSpec = {
  sortable: { started_at: { sql: 'e.started_at', type: 'timestamptz' } },
  defaultSort: [['started_at', 'asc']],
  fields: Object.keys(TimeEntry.properties),
  id: { sql: 'e.id', type: 'uuid' },
};

interface HistoryRow extends Record<string, unknown> {
  id: string;
  occurred_at: string;
  actor_kind: string;
  actor_id: string | null;
  actor_name: string | null;
  kind: string;
  changes: Static<typeof HistoryEntry>['changes'];
  reason: string | null;
}
interface TimeRow extends Record<string, unknown> {
  id: string;
  ticket_id: string;
  user_id: string;
  user_name: string;
  minutes: number;
  note: string | null;
  billable: boolean;
  started_at: string;
  created_at: string;
}

const historyView = (row: HistoryRow) => ({
  id: row.id,
  occurred_at: toIso(row.occurred_at),
  actor: { kind: row.actor_kind, id: row.actor_id, name: row.actor_name },
  kind: row.kind,
  changes: row.changes,
  reason: row.reason,
});
const timeView = (row: TimeRow): Static<typeof TimeEntry> => ({
  id: row.id,
  ticket_id: row.ticket_id,
  user: { id: row.user_id, name: row.user_name },
  minutes: row.minutes,
  note: row.note,
  billable: row.billable,
  started_at: toIso(row.started_at),
  created_at: toIso(row.created_at),
});

/** History, working time, watchers and the SLA explanation of a ticket. */
export function detailRoutes(app: App, desk: TicketDesk): void {
  const { deps } = desk;
  const { db } = deps;

  app.get(
    '/api/v1/tickets/:id/sla',
    {
      config: { permission: 'ticket:view:own' },
      schema: {
        summary: 'Both deadlines, explained step by step',
        operationId: 'explainTicketSla',
        tags,
        params: IdParams,
        response: { 200: One(SlaExplanation) },
      },
    },
    async (request) => {
      const ctx = contextOf(request);
      return db.read(ctx.scope, async (tx) => {
        const ticket = await loadTicket(tx, ctx, request.params.id);
        const customer = await findCustomer(tx, ctx, ticket.customer_id);
        const settings = await desk.desks.current(tx, ctx);
        return { data: explainSla(settings, ticket, customer?.sla_policy_id ?? null, deps.clock.now()) };
      });
    },
  );

  app.get(
    '/api/v1/tickets/:id/history',
    {
      config: { permission: 'ticket:view:own' },
      schema: {
        summary: 'What happened to a ticket, oldest first',
        operationId: 'listTicketHistory',
        tags,
        params: IdParams,
        querystring: ListQuery,
        response: { 200: Many(Type.Partial(HistoryEntry)) },
      },
    },
    listUnderTicket(desk, {
      spec: HISTORY,
      table: 'history h',
      columns: 'h.id, h.occurred_at, h.actor_kind, h.actor_id, h.actor_name, h.kind, h.changes, h.reason',
      deletable: false,
      view: historyView,
    }),
  );

  app.get(
    '/api/v1/tickets/:id/time-entries',
    {
      config: { permission: 'time:view' },
      schema: {
        summary: 'Working time booked on a ticket',
        operationId: 'listTicketTimeEntries',
        tags,
        params: IdParams,
        querystring: ListQuery,
        response: { 200: Many(Type.Partial(TimeEntry)) },
      },
    },
    listUnderTicket(desk, {
      spec: TIME,
      table: 'time_entries e',
      columns: 'e.*',
      deletable: true,
      view: timeView,
    }),
  );

  app.post(
    '/api/v1/tickets/:id/time-entries',
    {
      config: { permission: 'time:create' },
      schema: {
        summary: 'Book working time',
        operationId: 'createTicketTimeEntry',
        tags,
        params: IdParams,
        body: CreateTimeEntryRequest,
        response: { 201: One(TimeEntry) },
      },
    },
    async (request, reply) =>
      write(db, request, reply, async (tx, ctx) => {
        if (ctx.actor.kind === 'customer' || ctx.actor.id === null) throw forbidden();
        const entry = await logTime(
          desk,
          tx,
          ctx,
          await loadTicket(tx, ctx, request.params.id, true),
          request.body,
        );
        return { status: 201, body: { data: timeView(entry) } };
      }),
  );

  app.get(
    '/api/v1/tickets/:id/watchers',
    {
      config: { permission: 'ticket:view:own' },
      schema: {
        summary: 'Who watches a ticket; portal users see themselves only',
        operationId: 'listTicketWatchers',
        tags,
        params: IdParams,
        response: { 200: Type.Object({ data: Type.Array(Watcher) }) },
      },
    },
    async (request) => {
      const ctx = contextOf(request);
      return db.read(ctx.scope, async (tx) => {
        await loadTicket(tx, ctx, request.params.id);
        const rows = await tx.sql<Static<typeof Watcher>[]>`
          select user_id, name from watchers
          where tenant_id = ${ctx.scope.tenant_id} and ticket_id = ${request.params.id} order by name, user_id`;
        return { data: [...rows] };
      });
    },
  );

  app.post(
    '/api/v1/tickets/:id/watchers',
    {
      config: { permission: 'ticket:view:own' },
      schema: {
        summary: 'Watch a ticket, or have somebody watch it',
        operationId: 'addTicketWatcher',
        tags,
        params: IdParams,
        body: CreateWatcherRequest,
        response: { 201: One(Watcher) },
      },
    },
    async (request, reply) =>
      write(db, request, reply, async (tx, ctx) => {
        const ticket = await loadTicket(tx, ctx, request.params.id);
        const watcher = await watcherOf(tx, ctx, ticket, request.body.user_id);
        await tx.sql`
          insert into watchers (tenant_id, ticket_id, user_id, customer_id, name, created_at)
          values (${ctx.scope.tenant_id}, ${ticket.id}, ${watcher.user_id}, ${ticket.customer_id}, ${watcher.name},
            ${deps.clock.now().toISOString()})
          on conflict do nothing`;
        return { status: 201, body: { data: watcher } };
      }),
  );

  const remove = (tx: Tx, ctx: RequestContext, ticketId: string, userId: string | null) =>
    tx.sql`delete from watchers
      where tenant_id = ${ctx.scope.tenant_id} and ticket_id = ${ticketId} and user_id = ${userId}`;

  app.delete(
    '/api/v1/tickets/:id/watchers',
    {
      config: { permission: 'ticket:view:own' },
      schema: {
        summary: 'Stop watching a ticket',
        operationId: 'stopWatchingTicket',
        tags,
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) =>
      write(db, request, reply, async (tx, ctx) => {
        await loadTicket(tx, ctx, request.params.id);
        await remove(tx, ctx, request.params.id, ctx.actor.id);
        return { status: 204 };
      }),
  );

  app.delete(
    '/api/v1/tickets/:id/watchers/:user_id',
    {
      config: { permission: 'ticket:update' },
      schema: {
        summary: 'Take a watcher off a ticket',
        operationId: 'removeTicketWatcher',
        tags,
        params: Type.Object({ id: Uuid, user_id: Uuid }, { additionalProperties: false }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) =>
      write(db, request, reply, async (tx, ctx) => {
        const { id, user_id } = request.params;
        if (ctx.actor.kind === 'customer' && user_id !== ctx.actor.id) throw forbidden();
        await loadTicket(tx, ctx, id);
        await remove(tx, ctx, id, user_id);
        return { status: 204 };
      }),
  );
}

/** The asker, or whom staff names: a technician, or a portal user of the ticket's customer. */
async function watcherOf(
  tx: Tx,
  ctx: RequestContext,
  ticket: TicketRow,
  wanted: string | undefined,
): Promise<Static<typeof Watcher>> {
  if (wanted === undefined || wanted === ctx.actor.id) {
    return { user_id: ctx.actor.id!, name: ctx.actor.name ?? ctx.actor.email ?? '' };
  }
  if (ctx.actor.kind === 'customer') throw forbidden('You may watch a ticket yourself only.');
  const [row] = await tx.sql<{ name: string }[]>`
    select name from technicians
    where tenant_id = ${ctx.scope.tenant_id} and id = ${wanted} and deleted_at is null
    union all
    select name from people where tenant_id = ${ctx.scope.tenant_id} and id = ${wanted} and kind = 'user'
      and customer_id = ${ticket.customer_id} and deleted_at is null`;
  if (!row)
    throw invalid({ field: 'user_id', message: 'there is nobody of that id who may see this ticket' });
  return { user_id: wanted, name: row.name };
}

/** Books working time of the asker; without a start it ended just now. */
async function logTime(
  desk: TicketDesk,
  tx: Tx,
  ctx: RequestContext,
  ticket: TicketRow,
  body: Static<typeof CreateTimeEntryRequest>,
): Promise<TimeRow> {
  const at = desk.deps.clock.now();
  const now = at.toISOString();
  const entry: TimeRow = {
    id: desk.deps.ids.uuid(),
    ticket_id: ticket.id,
    user_id: ctx.actor.id!,
    user_name: ctx.actor.name ?? ctx.actor.email ?? '',
    minutes: body.minutes,
    note: body.note ?? null,
    billable: body.billable ?? true,
    started_at: body.started_at ?? new Date(at.getTime() - body.minutes * 60_000).toISOString(),
    created_at: now,
  };
  await tx.sql`
    insert into time_entries (tenant_id, id, ticket_id, user_id, user_name, minutes, note, billable, started_at, created_at, updated_at)
    values (${ctx.scope.tenant_id}, ${entry.id}, ${ticket.id}, ${entry.user_id}, ${entry.user_name}, ${entry.minutes},
      ${entry.note}, ${entry.billable}, ${entry.started_at}, ${now}, ${now})`;
  await decideAndSave(
    desk,
    tx,
    ctx,
    ticket,
    {},
    {
      settings: NO_DESK,
      columns: { minutes_spent: ticket.minutes_spent + entry.minutes },
      history: [
        {
          kind: 'time_logged',
          changes: [{ field: 'minutes', from: null, to: entry.minutes }],
          public: false,
        },
      ],
      events: (row) => [
        ticketEvent(
          'ticket.time_logged.v1',
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
  return entry;
}
