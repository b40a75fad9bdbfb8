import {
  ApiKey,
  CreateApiKeyRequest,
  CreatedApiKey,
  ExchangeApiKeyRequest,
  ExchangeApiKeyResponse,
  ListApiKeysQuery,
  UpdateApiKeyRequest,
} from '@psa/contracts/auth';
import { IdParams, Many, One } from '@psa/contracts/common';
import { type App, contextOf } from '@psa/service-kit/app';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { notFound } from '@psa/service-kit/errors';
import { type ListSpec, listResponse, parseList } from '@psa/service-kit/list';
import { write } from '@psa/service-kit/write';
import Type from 'typebox';
import type { AuthDeps } from '../deps.ts';
import { mustKnowPassword } from '../passwords/service.ts';
import { MAX_KEYS, mustBePerson, mustSeeKeysOf } from './policy.ts';
import * as repository from './repository.ts';
import { createApiKey, deleteApiKey, exchangeApiKey } from './service.ts';

const LIST: ListSpec = {
  sortable: {
    name: { sql: 'lower(k.name)', type: 'text' },
    created_at: { sql: 'k.created_at', type: 'timestamptz' },
  },
  defaultSort: [['created_at', 'desc']],
  fields: Object.keys(ApiKey.properties),
  id: { sql: 'k.id', type: 'uuid' },
};

async function ownKey(tx: Tx, ctx: RequestContext, id: string) {
  const key = await repository.byId(tx, ctx.scope.tenant_id, id);
  if (key?.user_id !== ctx.actor.id) throw notFound('API key');
  return key;
}

export function apiKeyRoutes(app: App, deps: AuthDeps): void {
  app.get(
    '/api/v1/api-keys',
    {
      config: { permission: 'self:manage', list: LIST },
      schema: {
        operationId: 'listApiKeys',
        summary: 'List the own API keys, or with api_key:view those of others',
        querystring: ListApiKeysQuery,
        response: { 200: Many(Type.Partial(ApiKey)) },
      },
    },
    async (request) => {
      const ctx = contextOf(request);
      const { scope } = ctx;
      const owner = request.query.user_id ?? ctx.actor.id!;
      mustSeeKeysOf(ctx, owner);
      const list = parseList(request.query, LIST);
      const result = await deps.db.read(scope, (tx) =>
        repository.list(tx, scope.tenant_id, owner === 'all' ? null : owner, list, request.query.search),
      );
      return listResponse(list, result, result.rows, request.url);
    },
  );

  app.get(
    '/api/v1/api-keys/:id',
    {
      config: { permission: 'self:manage' },
      schema: {
        operationId: 'getApiKey',
        summary: 'Read an own API key',
        params: IdParams,
        response: { 200: One(ApiKey) },
      },
    },
    async (request) => {
      const ctx = contextOf(request);
      return { data: await deps.db.read(ctx.scope, (tx) => ownKey(tx, ctx, request.params.id)) };
    },
  );

  app.post(
    '/api/v1/api-keys',
    {
      config: { permission: 'self:manage' },
      schema: {
        operationId: 'createApiKey',
        summary: 'Issue an API key; it is shown this once',
        description:
          `With the own password, and not by an API key; at most ${MAX_KEYS} (409). The answer is not stored, so an ` +
          'Idempotency-Key has no effect here.',
        body: CreateApiKeyRequest,
        response: { 201: One(CreatedApiKey) },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(request);
      mustBePerson(ctx);
      const { current_password, ...input } = request.body;
      await mustKnowPassword(deps, ctx, current_password);
      // Not through write(): that would keep the answer, and with it the key, in the database for a day.
      const data = await deps.db.tx(ctx.scope, (tx) => createApiKey(deps, tx, ctx, input));
      return reply.code(201).header('cache-control', 'no-store').send({ data });
    },
  );

  app.patch(
    '/api/v1/api-keys/:id',
    {
      config: { permission: 'self:manage' },
      schema: {
        operationId: 'renameApiKey',
        summary: 'Rename an own API key',
        params: IdParams,
        body: UpdateApiKeyRequest,
        response: { 200: One(ApiKey) },
      },
    },
    async (request, reply) =>
      write(deps.db, request, reply, async (tx, ctx) => {
        mustBePerson(ctx);
        await ownKey(tx, ctx, request.params.id);
        await repository.rename(tx, ctx.scope.tenant_id, request.params.id, request.body.name);
        return { status: 200, body: { data: await ownKey(tx, ctx, request.params.id) } };
      }),
  );

  app.delete(
    '/api/v1/api-keys/:id',
    {
      config: { permission: 'self:manage' },
      schema: {
        operationId: 'deleteApiKey',
        summary: 'Revoke an own API key at once, or with api_key:revoke one of others',
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) =>
      write(deps.db, request, reply, async (tx, ctx) => {
        mustBePerson(ctx);
        await deleteApiKey(deps, tx, ctx, request.params.id);
        return { status: 204 };
      }),
  );

  app.post(
    '/internal/api-keys/exchange',
    {
      schema: {
        operationId: 'exchangeApiKey',
        summary: 'An access token for an API key; between services only',
        hide: true,
        body: ExchangeApiKeyRequest,
        response: { 200: ExchangeApiKeyResponse },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return exchangeApiKey(deps, request.body.api_key, request.ip);
    },
  );
}
