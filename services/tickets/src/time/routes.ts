import { Closed, IdParams, listQuery, Many, One, Uuid } from '@psa/contracts/common';
import { CreateTimeEntryRequest, TimeEntry, UpdateTimeEntryRequest } from '@psa/contracts/tickets';
import { type App, contextOf } from '@psa/service-kit/app';
import type { ListSpec } from '@psa/service-kit/list';
import { checkIfMatch, etag, write } from '@psa/service-kit/write';
import Type from 'typebox';
import type { TicketsDeps } from '../deps.ts';
import { withLookups } from '../people/lookup.ts';
import { listUnderTicket } from '../tickets/under-ticket.ts';
import { correctTime, deleteTime, logTime, timeView } from './service.ts';

const tags = ['tickets'];
const SPEC: ListSpec = {
  sortable: { started_at: { sql: 'e.started_at', type: 'timestamptz' } },
  defaultSort: [['started_at', 'asc']],
  fields: Object.keys(TimeEntry.properties),
  id: { sql: 'e.id', type: 'uuid' },
};
const EntryParams = Type.Object({ id: Uuid, entry_id: Uuid }, { additionalProperties: false });

/** Working time booked on a ticket. */
export function timeRoutes(app: App, deps: TicketsDeps): void {
  const { db } = deps;

  app.get(
    '/api/v1/tickets/:id/time-entries',
    {
      config: { permission: 'time:view', list: SPEC },
      schema: {
        summary: 'Working time booked on a ticket',
        operationId: 'listTicketTimeEntries',
        tags,
        params: IdParams,
        querystring: Closed(listQuery),
        response: { 200: Many(Type.Partial(TimeEntry)) },
      },
    },
    listUnderTicket(deps, {
      spec: SPEC,
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
        summary: 'Book working time, one’s own or with time:manage a colleague’s',
        operationId: 'createTicketTimeEntry',
        tags,
        params: IdParams,
        body: CreateTimeEntryRequest,
        response: { 201: One(TimeEntry) },
      },
    },
    async (request, reply) =>
      withLookups(deps, contextOf(request), () =>
        write(db, request, reply, async (tx, ctx) => {
          const data = await logTime(deps, tx, ctx, request.params.id, request.body, (version) =>
            checkIfMatch(request, version),
          );
          return { status: 201, body: { data }, headers: { etag: etag(data.version) } };
        }),
      ),
  );

  app.patch(
    '/api/v1/tickets/:id/time-entries/:entry_id',
    {
      config: { permission: 'time:create' },
      schema: {
        summary: 'Correct an entry of working time; If-Match is the entry’s',
        operationId: 'updateTicketTimeEntry',
        tags,
        params: EntryParams,
        body: UpdateTimeEntryRequest,
        response: { 200: One(TimeEntry) },
      },
    },
    async (request, reply) =>
      withLookups(deps, contextOf(request), () =>
        write(db, request, reply, async (tx, ctx) => {
          const ids = { ticket: request.params.id, entry: request.params.entry_id };
          const data = await correctTime(deps, tx, ctx, ids, request.body, (version) =>
            checkIfMatch(request, version),
          );
          return { status: 200, body: { data }, headers: { etag: etag(data.version) } };
        }),
      ),
  );

  app.delete(
    '/api/v1/tickets/:id/time-entries/:entry_id',
    {
      config: { permission: 'time:create' },
      schema: {
        summary: 'Take back an entry of working time; If-Match is the entry’s',
        operationId: 'deleteTicketTimeEntry',
        tags,
        params: EntryParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) =>
      write(db, request, reply, async (tx, ctx) => {
        const ids = { ticket: request.params.id, entry: request.params.entry_id };
        await deleteTime(deps, tx, ctx, ids, (version) => checkIfMatch(request, version));
        return { status: 204 };
      }),
  );
}
