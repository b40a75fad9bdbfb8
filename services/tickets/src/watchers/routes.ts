import { IdParams, One, Uuid } from '@psa/contracts/common';
import { CreateWatcherRequest, Watcher } from '@psa/contracts/tickets';
import { type App, contextOf } from '@psa/service-kit/app';
import { checkIfMatch, write } from '@psa/service-kit/write';
import Type from 'typebox';
import type { TicketsDeps } from '../deps.ts';
import { loadTicket } from '../tickets/repository.ts';
import { listWatchers } from './repository.ts';
import { unwatch, watch } from './service.ts';

const tags = ['tickets'];

/** Who watches a ticket. */
export function watcherRoutes(app: App, deps: TicketsDeps): void {
  const { db } = deps;

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
        return { data: await listWatchers(tx, ctx, request.params.id) };
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
        const check = (version: number) => checkIfMatch(request, version);
        const data = await watch(deps, tx, ctx, request.params.id, request.body.user_id, check);
        return { status: 201, body: { data } };
      }),
  );

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
        const check = (version: number) => checkIfMatch(request, version);
        await unwatch(deps, tx, ctx, request.params.id, ctx.actor.id!, check);
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
        await unwatch(deps, tx, ctx, id, user_id, (version) => checkIfMatch(request, version));
        return { status: 204 };
      }),
  );
}
