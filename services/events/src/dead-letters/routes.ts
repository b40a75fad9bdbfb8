import { One } from '@psa/contracts/common';
import {
  DeadLetterInfo,
  DeadLettersQuery,
  ReplayDeadLettersRequest,
  ReplayDeadLettersResponse,
} from '@psa/contracts/event-api';
import { type App, contextOf } from '@psa/service-kit/app';
import { isPortal, type RequestContext } from '@psa/service-kit/context';
import { forbidden } from '@psa/service-kit/errors';
import { emit } from '@psa/service-kit/outbox';
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
      const ctx = contextOf(request);
      if (isPortal(ctx)) throw forbidden();
      const { consumer, limit = 100 } = request.query;
      return { data: await ofTenant(deps, ctx.scope.tenant_id, limit, consumer) };
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
      if (isPortal(ctx)) throw forbidden();
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
  await deps.db.tx(ctx.scope, (tx) =>
    emit(deps, tx, ctx, [
      {
        type: 'audit.recorded.v1',
        aggregate: { type: 'user', id: ctx.actor.id ?? 'system' },
        public: false,
        data: { action: 'dead_letters.replayed', detail },
      },
    ]),
  );
}
