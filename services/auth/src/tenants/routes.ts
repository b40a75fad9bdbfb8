import { SetupRequest, SetupResult, SetupStatus } from '@psa/contracts/auth';
import { One } from '@psa/contracts/common';
import type { App } from '@psa/service-kit/app';
import type { AuthDeps } from '../deps.ts';
import { createTenant, setupNeeded } from './service.ts';

export function tenantRoutes(app: App, deps: AuthDeps): void {
  app.get(
    '/api/v1/auth/setup',
    {
      schema: {
        operationId: 'getSetupStatus',
        summary: 'Whether the platform waits for its first administrator',
        response: { 200: One(SetupStatus) },
      },
    },
    async (_request, reply) => {
      reply.header('cache-control', 'no-store');
      return { data: { needed: await setupNeeded(deps) } };
    },
  );

  app.post(
    '/api/v1/auth/setup',
    {
      schema: {
        operationId: 'setUp',
        summary: 'Make the first tenant and its administrator with the one-time token that the start printed',
        body: SetupRequest,
        response: { 201: One(SetupResult) },
      },
    },
    async (request, reply) => {
      const { token, tenant_name, ...admin } = request.body;
      const data = await createTenant(
        deps,
        { name: tenant_name, admin },
        { setup: { token, ip: request.ip }, requestId: request.id, hasher: deps.hasher },
      );
      return reply.code(201).send({ data });
    },
  );
}
