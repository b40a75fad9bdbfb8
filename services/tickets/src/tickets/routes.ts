import { Closed, IdParams, Many, One } from '@psa/contracts/common';
import {
  BulkUpdateRequest,
  BulkUpdateResponse,
  CountTicketsQuery,
  CreateTicketRequest,
  ListTicketsQuery,
  Ticket,
  TicketCounts,
  TicketStats,
  TicketStatsQuery,
  UpdateTicketRequest,
  VisibleTicketsRequest,
  VisibleTicketsResponse,
} from '@psa/contracts/tickets';
import { type App, contextOf } from '@psa/service-kit/app';
import { isPortal } from '@psa/service-kit/context';
import { forbidden, invalid } from '@psa/service-kit/errors';
import { checkIfMatch, etag, refuseUncheckedIfMatch, write } from '@psa/service-kit/write';
import Type from 'typebox';
import type { TicketsDeps } from '../deps.ts';
import { settingsRevision } from '../desk/settings.ts';
import { withLookups } from '../people/lookup.ts';
import { bulkUpdate } from './bulk.ts';
import { ticketCategories, ticketTags } from './choices.ts';
import { countTickets } from './counts.ts';
import { addIncludes, TICKET_INCLUDES } from './includes.ts';
import { listTickets, SEARCH_SPEC, visibleIds } from './list.ts';
import { loadTicket } from './repository.ts';
import { changeTicket, deleteTicket, openTicket } from './service.ts';
import { ticketStats } from './stats.ts';
import { fullView } from './view.ts';

const tags = ['tickets'];
const IncludeQuery = Closed({
  include: Type.Optional(Type.String({ maxLength: 200, pattern: '^[a-z_]+(,[a-z_]+)*$' })),
});

export function ticketRoutes(app: App, deps: TicketsDeps): void {
  const { db } = deps;

  app.get(
    '/api/v1/tickets',
    {
      config: { permission: 'ticket:view:own', list: SEARCH_SPEC },
      schema: {
        summary: 'List tickets',
        operationId: 'listTickets',
        tags,
        querystring: ListTicketsQuery,
        response: { 200: Many(Type.Partial(Ticket)) },
      },
    },
    (request) => listTickets(deps, contextOf(request), request.query, request.url),
  );

  app.post(
    '/api/v1/tickets',
    {
      config: { permission: 'ticket:create' },
      schema: {
        summary: 'Open a ticket',
        operationId: 'createTicket',
        tags,
        body: CreateTicketRequest,
        response: { 201: One(Ticket) },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(request);
      if (request.body.title.trim() === '')
        throw invalid({ field: 'title', code: 'empty', message: 'must not be empty' });
      return withLookups(deps, ctx, () =>
        write(db, request, reply, async (tx) => {
          const data = await openTicket(deps, tx, ctx, request.body);
          return {
            status: 201,
            body: { data },
            headers: { etag: etag(data.version), location: `/api/v1/tickets/${data.id}` },
          };
        }),
      );
    },
  );

  app.post(
    '/api/v1/tickets/bulk',
    {
      config: { permission: 'ticket:update' },
      schema: {
        summary: 'Change up to 200 tickets; each is decided by itself',
        operationId: 'bulkUpdateTickets',
        tags,
        body: BulkUpdateRequest,
        response: { 200: BulkUpdateResponse },
      },
    },
    async (request) => {
      const ctx = contextOf(request);
      if (isPortal(ctx)) throw forbidden();
      // One version cannot stand for many tickets: `versions` names each.
      refuseUncheckedIfMatch(request);
      return bulkUpdate(deps, ctx, request.body);
    },
  );

  app.get(
    '/api/v1/tickets/stats',
    {
      config: { permission: 'ticket:view:own' },
      schema: {
        summary: 'Figures of the dashboard',
        operationId: 'getTicketStats',
        tags,
        querystring: TicketStatsQuery,
        response: { 200: One(TicketStats) },
      },
    },
    async (request) => {
      const ctx = contextOf(request);
      const { of } = request.query;
      if (of !== undefined && of !== 'all' && isPortal(ctx))
        throw invalid({ field: 'of', code: 'not_for_you', message: 'is for staff' });
      return { data: await db.read(ctx.scope, (tx) => ticketStats(tx, ctx, deps.clock.now(), of)) };
    },
  );

  app.get(
    '/api/v1/tickets/counts',
    {
      config: { permission: 'ticket:view:own' },
      schema: {
        summary: 'How many tickets several lists have, counted up to 1,000 each',
        operationId: 'countTickets',
        tags,
        querystring: CountTicketsQuery,
        response: { 200: TicketCounts },
      },
    },
    async (request) => ({
      data: await countTickets(deps, contextOf(request), request.query.lists.split(';')),
    }),
  );

  for (const [name, read] of [
    ['categories', ticketCategories],
    ['tags', ticketTags],
  ] as const) {
    app.get(
      `/api/v1/tickets/${name}`,
      {
        config: { permission: 'ticket:view:own' },
        schema: {
          summary:
            name === 'tags'
              ? 'Tags in use on tickets that the asker may see'
              : 'Categories to choose from; staff see those in use too',
          operationId: name === 'tags' ? 'listTicketTags' : 'listTicketCategories',
          tags,
          response: { 200: Type.Object({ data: Type.Array(Type.String()) }) },
        },
      },
      async (request) => {
        const ctx = contextOf(request);
        return { data: await db.read(ctx.scope, (tx) => read(tx, ctx)) };
      },
    );
  }

  app.post(
    '/internal/tickets/visible',
    {
      config: { permission: 'ticket:view:own' },
      schema: {
        summary: 'Which tickets the list would show, for search and live stream',
        operationId: 'visibleTickets',
        hide: true,
        body: VisibleTicketsRequest,
        response: { 200: VisibleTicketsResponse },
      },
    },
    (request) => visibleIds(deps, contextOf(request), request.body),
  );

  app.get(
    '/api/v1/tickets/:id',
    {
      config: { permission: 'ticket:view:own' },
      schema: {
        summary: 'One ticket, with the statuses it may go to',
        operationId: 'getTicket',
        tags,
        params: IdParams,
        querystring: IncludeQuery,
        response: { 200: One(Ticket) },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(request);
      const include = new Set(request.query.include?.split(',') ?? []);
      for (const name of include) {
        if (!(TICKET_INCLUDES as readonly string[]).includes(name)) {
          throw invalid({
            field: 'include',
            code: 'unknown_value',
            message: `"${name}" must be one of: ${TICKET_INCLUDES.join(', ')}`,
          });
        }
      }
      const ticket = await db.read(ctx.scope, async (tx) => {
        const [row, revision] = await Promise.all([
          loadTicket(tx, ctx, request.params.id),
          settingsRevision(tx, ctx.scope.tenant_id),
        ]);
        const view = fullView(ctx, await deps.settings.at(tx, ctx, revision), row, deps.clock.now());
        await addIncludes(tx, ctx, [view], include);
        return view;
      });
      reply.header('etag', etag(ticket.version));
      return { data: ticket };
    },
  );

  app.patch(
    '/api/v1/tickets/:id',
    {
      config: { permission: 'ticket:update' },
      schema: {
        summary: 'Change a ticket; portal users may close and reopen',
        operationId: 'updateTicket',
        tags,
        params: IdParams,
        body: UpdateTicketRequest,
        response: { 200: One(Ticket) },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(request);
      if (ctx.actor.kind === 'customer' && Object.keys(request.body).some((name) => name !== 'status')) {
        throw forbidden('You may close and reopen a ticket, and reply to it.');
      }
      return withLookups(deps, ctx, () =>
        write(db, request, reply, async (tx) => {
          const data = await changeTicket(deps, tx, ctx, request.params.id, request.body, (version) =>
            checkIfMatch(request, version),
          );
          return { status: 200, body: { data }, headers: { etag: etag(data.version) } };
        }),
      );
    },
  );

  app.delete(
    '/api/v1/tickets/:id',
    {
      config: { permission: 'ticket:delete' },
      schema: {
        summary: 'Delete a ticket',
        operationId: 'deleteTicket',
        tags,
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) =>
      write(db, request, reply, async (tx, ctx) => {
        await deleteTicket(deps, tx, ctx, request.params.id, (version) => checkIfMatch(request, version));
        return { status: 204 };
      }),
  );
}
