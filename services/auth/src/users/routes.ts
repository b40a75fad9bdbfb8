import {
  CreateUserRequest,
  ImportUsersRequest,
  ImportUsersResponse,
  ListUsersQuery,
  UpdateUserRequest,
  User,
} from '@psa/contracts/auth';
import { One } from '@psa/contracts/common';
import type { App } from '@psa/service-kit/app';
import { mustExist, type Reference } from '@psa/service-kit/references';
import { resourceRoutes } from '@psa/service-kit/resource-routes';
import { write } from '@psa/service-kit/write';
import type { AuthDeps } from '../deps.ts';
import { mustBeGood } from '../passwords/policy.ts';
import type { UserRow } from './repository.ts';
import * as repository from './repository.ts';
import { createUser, deleteUser, importUsers, updateUser } from './service.ts';

/** The customer that a portal user belongs to; people of one that is inactive could not sign in. */
const customer = (id: string): Reference => ({
  field: 'customer_id',
  id,
  noun: 'customer',
  service: 'crm',
  path: '/api/v1/customers',
  refuse: ({ status }) =>
    status === 'inactive' ? { code: 'not_now', message: 'is inactive, so nobody of it can sign in' } : null,
});

const shown = ({ role_id: _, ...user }: UserRow): User => user;

export function userRoutes(app: App, deps: AuthDeps): void {
  resourceRoutes(app, deps, {
    path: 'users',
    noun: 'user',
    names: ['User', 'Users'],
    permissions: {
      view: 'user:view',
      create: 'user:create',
      update: 'user:update',
      remove: 'user:delete',
    },
    schemas: { one: User, create: CreateUserRequest, update: UpdateUserRequest, listQuery: ListUsersQuery },
    texts: {
      get: { summary: 'Read a user' },
      create: {
        summary: 'Create a user, with a password or by invitation',
        description: 'Only with a role whose permissions you hold yourself.',
      },
      update: {
        summary: 'Change a user',
        description: 'The last active administrator cannot be disabled or given another role (409).',
      },
      remove: { summary: 'Delete a user; sessions and API keys end' },
    },
    list: {
      sortable: {
        name: { sql: 'lower(u.name)', type: 'text' },
        email: { sql: 'lower(u.email)', type: 'text' },
        role: { sql: 'r.name', type: 'text' },
        status: { sql: 'u.status', type: 'text' },
        created_at: { sql: 'u.created_at', type: 'timestamptz' },
        last_login_at: { sql: 'u.last_login_at', type: 'timestamptz', nullable: true },
      },
      defaultSort: [['name', 'asc']],
      id: { sql: 'u.id', type: 'uuid' },
    },
    view: shown,
    select: (tx, ctx, list, query) => repository.list(tx, ctx.scope.tenant_id, list, query),
    find: (tx, ctx, id) => repository.byId(tx, ctx.scope.tenant_id, id),
    async refer(ctx, body, id) {
      if (id === null && 'customer_id' in body && body.customer_id) {
        await mustExist(deps, ctx, [customer(body.customer_id)]);
      }
    },
    async before(_ctx, { password, email, name }) {
      if (password === undefined) return null;
      mustBeGood('password', password, { email, words: [name] });
      return deps.hasher.hash(password);
    },
    create: (tx, ctx, { password: _, ...input }, hash: string | null) =>
      createUser(deps, tx, ctx, input, hash),
    update: (tx, ctx, id, body, check) => updateUser(deps, tx, ctx, id, body, check),
    remove: (tx, ctx, id, check) => deleteUser(deps, tx, ctx, id, check),
  });

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
}
