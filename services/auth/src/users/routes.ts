import {
  CreateUserRequest,
  ImportUsersRequest,
  ImportUsersResponse,
  ListUsersQuery,
  UpdateUserRequest,
  User,
} from '@psa/contracts/auth';
import { IdParams, Many, One } from '@psa/contracts/common';
import { type App, contextOf } from '@psa/service-kit/app';
import { notFound } from '@psa/service-kit/errors';
import { type ListSpec, listResponse, parseList } from '@psa/service-kit/list';
import { mustExist, type Reference } from '@psa/service-kit/references';
import { checkIfMatch, etag, write } from '@psa/service-kit/write';
import Type from 'typebox';
import type { AuthDeps } from '../deps.ts';
import { mustBeGood } from '../passwords/policy.ts';
import type { UserRow } from './repository.ts';
import * as repository from './repository.ts';
import { createUser, deleteUser, importUsers, updateUser } from './service.ts';

const LIST: ListSpec = {
  sortable: {
    name: { sql: 'lower(u.name)', type: 'text' },
    email: { sql: 'lower(u.email)', type: 'text' },
    role: { sql: 'r.name', type: 'text' },
    status: { sql: 'u.status', type: 'text' },
    created_at: { sql: 'u.created_at', type: 'timestamptz' },
    last_login_at: { sql: 'u.last_login_at', type: 'timestamptz', nullable: true },
  },
  defaultSort: [['name', 'asc']],
  fields: Object.keys(User.properties),
  id: { sql: 'u.id', type: 'uuid' },
};

/** The customer that a portal user belongs to; people of one that is inactive could not sign in. */
const customer = (id: string): Reference => ({
  field: 'customer_id',
  id,
  noun: 'customer',
  service: 'crm',
  path: '/api/v1/customers',
  refuse: ({ status }) => (status === 'inactive' ? 'is inactive, so nobody of it can sign in' : null),
});

const shown = ({ role_id: _, ...user }: UserRow): User => user;

export function userRoutes(app: App, deps: AuthDeps): void {
  app.get(
    '/api/v1/users',
    {
      config: { permission: 'user:view', list: LIST },
      schema: {
        operationId: 'listUsers',
        summary: 'List users',
        querystring: ListUsersQuery,
        response: { 200: Many(Type.Partial(User)) },
      },
    },
    async (request) => {
      const { scope } = contextOf(request);
      const list = parseList(request.query, LIST);
      const result = await deps.db.read(scope, (tx) =>
        repository.list(tx, scope.tenant_id, list, request.query),
      );
      return listResponse(list, result, result.rows.map(shown), request.url);
    },
  );

  app.get(
    '/api/v1/users/:id',
    {
      config: { permission: 'user:view' },
      schema: {
        operationId: 'getUser',
        summary: 'Read a user',
        params: IdParams,
        response: { 200: One(User) },
      },
    },
    async (request, reply) => {
      const { scope } = contextOf(request);
      const user = await deps.db.read(scope, (tx) => repository.byId(tx, scope.tenant_id, request.params.id));
      if (!user) throw notFound('user');
      reply.header('etag', etag(user.version));
      return { data: shown(user) };
    },
  );

  app.post(
    '/api/v1/users',
    {
      config: { permission: 'user:create' },
      schema: {
        operationId: 'createUser',
        summary: 'Create a user, with a password or by invitation',
        description: 'Only with a role whose permissions you hold yourself.',
        body: CreateUserRequest,
        response: { 201: One(User) },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(request);
      const { password, ...input } = request.body;
      // Both before the transaction: neither a slow hash nor another service may hold a connection.
      if (input.customer_id) await mustExist(deps, ctx, [customer(input.customer_id)]);
      let hash: string | null = null;
      if (password !== undefined) {
        mustBeGood('password', password, { email: input.email, words: [input.name] });
        hash = await deps.hasher.hash(password);
      }
      return write(deps.db, request, reply, async (tx) => {
        const user = await createUser(deps, tx, ctx, input, hash);
        return {
          status: 201,
          body: { data: shown(user) },
          headers: { etag: etag(user.version), location: `/api/v1/users/${user.id}` },
        };
      });
    },
  );

  app.post(
    '/api/v1/users/import',
    {
      config: { permission: ['user:create', 'ticket:import'] },
      schema: {
        operationId: 'importUsers',
        summary: 'Make people of another system known by name',
        description: 'They cannot sign in until invited. Idempotent by source and external_id.',
        body: ImportUsersRequest,
        response: { 200: One(ImportUsersResponse) },
      },
    },
    async (request, reply) =>
      write(deps.db, request, reply, async (tx, ctx) => ({
        status: 200,
        body: { data: await importUsers(deps, tx, ctx, request.body) },
      })),
  );

  app.patch(
    '/api/v1/users/:id',
    {
      config: { permission: 'user:update' },
      schema: {
        operationId: 'updateUser',
        summary: 'Change a user',
        description: 'The last active administrator cannot be disabled or given another role (409).',
        params: IdParams,
        body: UpdateUserRequest,
        response: { 200: One(User) },
      },
    },
    async (request, reply) =>
      write(deps.db, request, reply, async (tx, ctx) => {
        const user = await updateUser(deps, tx, ctx, request.params.id, request.body, (version) =>
          checkIfMatch(request, version),
        );
        return { status: 200, body: { data: shown(user) }, headers: { etag: etag(user.version) } };
      }),
  );

  app.delete(
    '/api/v1/users/:id',
    {
      config: { permission: 'user:delete' },
      schema: {
        operationId: 'deleteUser',
        summary: 'Delete a user; sessions and API keys end',
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) =>
      write(deps.db, request, reply, async (tx, ctx) => {
        await deleteUser(deps, tx, ctx, request.params.id, (version) => checkIfMatch(request, version));
        return { status: 204 };
      }),
  );
}
