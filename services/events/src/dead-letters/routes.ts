import { One } from '@psa/contracts/common';
import {
  DeadLetterInfo,
  DeadLettersQuery,
  ReplayDeadLettersRequest,
  ReplayDeadLettersResponse,
} from '@psa/contracts/event-api';
import { type App, contextOf } from '@psa/service-kit/app';
import type { RequestContext } from '@psa/service-kit/context';
import { forbidden } from '@psa/service-kit/errors';
import { enqueue, envelope } from '@psa/service-kit/outbox';
import type { ServiceDeps } from '@psa/service-kit/service';
import Type from 'typebox';

const path = '/api/v1/events/dead-letters';
/** Parked events looked through for those of one consumer. */
const MOST = 10_000;

/** Events that a consumer failed at until the last retry: only those of the asker's tenant. */
export function deadLetterRoutes(app: App, deps: ServiceDeps): void {
  app.get(
    path,
    {
      config: { permission: 'event:test' },
      schema: {
        operationId: 'listDeadLetters',
        summary: 'Events that a consumer could not deal with',
        querystring: DeadLettersQuery,
        response: { 200: Type.Object({ data: Type.Array(DeadLetterInfo) }) },
      },
    },
    async (request) => {
      const { scope } = contextOf(request);
      if (scope.customer_id !== null) throw forbidden();
      const { consumer, limit = 100 } = request.query;
      return { data: await ofTenant(deps, scope.tenant_id, limit, consumer) };
    },
  );

  app.post(
    `${path}/replay`,
    {
      config: { permission: 'event:test' },
      schema: {
        operationId: 'replayDeadLetters',
        summary: 'Hand parked events to their consumer again',
        body: ReplayDeadLettersRequest,
        response: { 200: One(ReplayDeadLettersResponse) },
      },
    },
    async (request) => {
      const ctx = contextOf(request);
      if (ctx.scope.customer_id !== null) throw forbidden();
      const { consumer, limit = 1_000 } = request.body;
      // A consumer that nobody knows has no queue to ask; it has no letters either.
      const [any] = await ofTenant(deps, ctx.scope.tenant_id, 1, consumer);
      const replayed = any ? await deps.bus.replayDeadLetters(consumer, limit, ctx.scope.tenant_id) : 0;
      if (replayed > 0) await audit(deps, ctx, { consumer, replayed });
      return { data: { consumer, replayed } };
    },
  );
}

/** Parked events of one tenant, of a consumer or of all. */
async function ofTenant(deps: ServiceDeps, tenantId: string, limit: number, consumer?: string) {
  const letters = await deps.bus.deadLetters(undefined, consumer ? MOST : limit, tenantId);
  return letters
    .filter((letter) => letter.event.tenant_id === tenantId && (!consumer || letter.consumer === consumer))
    .slice(0, limit);
}

async function audit(deps: ServiceDeps, ctx: RequestContext, detail: Record<string, unknown>): Promise<void> {
  const event = envelope(
    ctx,
    {
      type: 'audit.recorded.v1',
      aggregate: { type: 'user', id: ctx.actor.id ?? 'system' },
      public: false,
      data: { action: 'dead_letters.replayed', detail },
    },
    deps.ids,
    deps.clock.now(),
  );
  await deps.db.tx(ctx.scope, (tx) => enqueue(tx, deps.relay, [event]));
}
