import { KeySet, RotatedKey } from '@psa/contracts/auth';
import { One } from '@psa/contracts/common';
import { type App, contextOf } from '@psa/service-kit/app';
import { forbidden } from '@psa/service-kit/errors';
import { emit } from '@psa/service-kit/outbox';
import type { AuthDeps } from '../deps.ts';

export function keyRoutes(app: App, deps: AuthDeps): void {
  app.get(
    '/api/v1/auth/jwks',
    {
      schema: {
        operationId: 'getKeySet',
        summary: 'The public keys of access tokens',
        response: { 200: KeySet },
      },
    },
    async (_request, reply) => {
      // Shorter than the time between a key's publication and its first use.
      reply.header('cache-control', 'public, max-age=30');
      return deps.keys.jwks();
    },
  );

  app.post(
    '/api/v1/auth/keys/rotate',
    {
      config: { permission: 'role:manage' },
      schema: {
        operationId: 'rotateSigningKey',
        summary: 'Make a new signing key; tokens of the old one stay valid to their end',
        description: 'The key signs for the whole platform, so this needs every permission (`*`).',
        response: { 201: One(RotatedKey) },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(request);
      if (!ctx.actor.permissions.has('*')) throw forbidden('Only an administrator may rotate signing keys.');
      const made = await deps.keys.rotate();
      await deps.db.tx(ctx.scope, (tx) =>
        emit(deps, tx, ctx, [
          {
            type: 'signing_key.rotated.v1',
            aggregate: { type: 'signing_key', id: made.kid },
            data: { kid: made.kid },
          },
        ]),
      );
      return reply.code(201).send({ data: made });
    },
  );
}
