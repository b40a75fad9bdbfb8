import { IdParams, One } from '@psa/contracts/common';
import {
  EventHistory,
  EventHistoryQuery,
  EventStats,
  EventStatsQuery,
  EventTypeInfo,
  StoredEvent,
  TestEventRequest,
  TestEventResponse,
} from '@psa/contracts/event-api';
import { EVENT_CATALOG } from '@psa/contracts/events/catalog';
import { type App, contextOf } from '@psa/service-kit/app';
import { notFound } from '@psa/service-kit/errors';
import { parseList } from '@psa/service-kit/list';
import { emit } from '@psa/service-kit/outbox';
import type { ServiceDeps } from '@psa/service-kit/service';
import { write } from '@psa/service-kit/write';
import Type from 'typebox';
import { findEvent, HISTORY_LIST, listEvents, readStats, toStoredEvent } from './repository.ts';

const HOUR = 60 * 60 * 1000;
const TYPES = Object.entries(EVENT_CATALOG).map(([type, contract]) => ({
  type,
  description: contract.description,
  service: contract.service,
  schema: contract.data,
}));

export function logRoutes(app: App, deps: ServiceDeps): void {
  app.get(
    '/api/v1/events/history',
    {
      config: { permission: 'event:view' },
      schema: {
        operationId: 'listEventHistory',
        summary: 'Events, newest first',
        querystring: EventHistoryQuery,
        response: { 200: EventHistory },
      },
    },
    async (request) => {
      const ctx = contextOf(request);
      const { limit, cursor } = request.query;
      const list = parseList({ limit, cursor, count: 'none' }, HISTORY_LIST);
      const result = await deps.db.read(ctx.scope, (tx) =>
        listEvents(tx, ctx.scope.tenant_id, list, request.query),
      );
      return {
        data: result.rows.map(toStoredEvent),
        meta: { limit: list.limit, next_cursor: result.nextCursor },
        links: {
          self: request.url,
          next: result.nextCursor === null ? null : withCursor(request.url, result.nextCursor),
          first: withCursor(request.url, null),
        },
      };
    },
  );

  app.get(
    '/api/v1/events/stats',
    {
      config: { permission: 'event:view' },
      schema: {
        operationId: 'getEventStats',
        summary: 'How many events there were, by type and by hour',
        description: 'Counted from the full hour that lies `hours` back.',
        querystring: EventStatsQuery,
        response: { 200: One(EventStats) },
      },
    },
    async (request) => {
      const ctx = contextOf(request);
      const back = deps.clock.now().getTime() - (request.query.hours ?? 24) * HOUR;
      const since = new Date(Math.floor(back / HOUR) * HOUR).toISOString();
      return { data: await deps.db.read(ctx.scope, (tx) => readStats(tx, ctx.scope.tenant_id, since)) };
    },
  );

  app.get(
    '/api/v1/events/types',
    {
      config: { permission: 'event:view' },
      schema: {
        operationId: 'listEventTypes',
        summary: 'Every event of the platform with the schema of its data',
        response: { 200: Type.Object({ data: Type.Array(EventTypeInfo) }) },
      },
    },
    async () => ({ data: TYPES }),
  );

  app.post(
    '/api/v1/events/test',
    {
      config: { permission: 'event:test' },
      schema: {
        operationId: 'publishTestEvent',
        summary: 'Send an event through outbox and bus',
        body: TestEventRequest,
        response: { 202: One(TestEventResponse) },
      },
    },
    async (request, reply) =>
      write(deps.db, request, reply, async (tx, ctx) => {
        const [event] = await emit(deps, tx, ctx, [
          {
            type: 'system.test_published.v1',
            aggregate: { type: 'test', id: ctx.actor.id ?? 'system' },
            public: false,
            data: { message: request.body.message },
          },
        ]);
        return {
          status: 202,
          body: { data: { event_id: event!.id, correlation_id: event!.correlation_id } },
        };
      }),
  );

  app.get(
    '/api/v1/events/:id',
    {
      config: { permission: 'event:view' },
      schema: {
        operationId: 'getEvent',
        summary: 'One event of the history',
        params: IdParams,
        response: { 200: One(StoredEvent) },
      },
    },
    async (request) => {
      const ctx = contextOf(request);
      const row = await deps.db.read(ctx.scope, (tx) =>
        findEvent(tx, ctx.scope.tenant_id, request.params.id),
      );
      if (!row) throw notFound('event');
      return { data: toStoredEvent(row) };
    },
  );
}

/** The request's own address with another cursor. */
function withCursor(url: string, cursor: string | null): string {
  const [path, query = ''] = url.split('?', 2) as [string, string?];
  const params = new URLSearchParams(query);
  if (cursor === null) params.delete('cursor');
  else params.set('cursor', cursor);
  const text = params.toString();
  return text ? `${path}?${text}` : path;
}
