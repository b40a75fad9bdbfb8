import { CreateRoleRequest, ListRolesQuery, Role, UpdateRoleRequest } from '@psa/contracts/auth';
import { IdParams, Many, One } from '@psa/contracts/common';
import { PERMISSIONS } from '@psa/contracts/permissions';
import { type App, contextOf } from '@psa/service-kit/app';
import { notFound } from '@psa/service-kit/errors';
import { type ListSpec, listResponse, parseList } from '@psa/service-kit/list';
import { checkIfMatch, etag, write } from '@psa/service-kit/write';
import Type from 'typebox';
import type { AuthDeps } from '../deps.ts';
import * as repository from './repository.ts';
import { createRole, deleteRole, updateRole } from './service.ts';

const LIST: ListSpec = {
  sortable: { name: { sql: 'name', type: 'text' }, audience: { sql: 'audience', type: 'text' } },
  defaultSort: [['name', 'asc']],
  fields: ['id', 'name', 'title', 'audience', 'permissions', 'system', 'version'],
};

export function roleRoutes(app: App, deps: AuthDeps): void {
  app.get(
    '/api/v1/roles',
    {
      config: { permission: 'role:view' },
      schema: {
        operationId: 'listRoles',
        summary: 'List roles',
        querystring: ListRolesQuery,
        response: { 200: Many(Type.Partial(Role)) },
      },
    },
    async (request) => {
      const { scope } = contextOf(request);
      const list = parseList(request.query, LIST);
      const result = await deps.db.read(scope, (tx) =>
        repository.list(tx, scope.tenant_id, list, request.query),
      );
      return listResponse(list, result, result.rows, request.url);
    },
  );

  app.get(
    '/api/v1/roles/permissions',
    {
      config: { permission: 'role:view' },
      schema: {
        operationId: 'listPermissions',
        summary: 'Every permission that a role can hold',
        response: { 200: One(Type.Array(Type.String())) },
      },
    },
    async () => ({ data: [...PERMISSIONS] }),
  );

  app.get(
    '/api/v1/roles/:id',
    {
      config: { permission: 'role:view' },
      schema: {
        operationId: 'getRole',
        summary: 'Read a role',
        params: IdParams,
        response: { 200: One(Role) },
      },
    },
    async (request, reply) => {
      const { scope } = contextOf(request);
      const role = await deps.db.read(scope, (tx) => repository.byId(tx, scope.tenant_id, request.params.id));
      if (!role) throw notFound('role');
      reply.header('etag', etag(role.version));
      return { data: role };
    },
  );

  app.post(
    '/api/v1/roles',
    {
      config: { permission: 'role:manage' },
      schema: {
        operationId: 'createRole',
        summary: 'Create a role',
        description: 'Only with permissions that you hold yourself.',
        body: CreateRoleRequest,
        response: { 201: One(Role) },
      },
    },
    async (request, reply) =>
      write(deps.db, request, reply, async (tx, ctx) => {
        const role = await createRole(deps, tx, ctx, request.body);
        return { status: 201, body: { data: role }, headers: { etag: etag(role.version) } };
      }),
  );

  app.patch(
    '/api/v1/roles/:id',
    {
      config: { permission: 'role:manage' },
      schema: {
        operationId: 'updateRole',
        summary: 'Change title or permissions of a role',
        params: IdParams,
        body: UpdateRoleRequest,
        response: { 200: One(Role) },
      },
    },
    async (request, reply) =>
      write(deps.db, request, reply, async (tx, ctx) => {
        const role = await updateRole(deps, tx, ctx, request.params.id, request.body, (version) =>
          checkIfMatch(request, version),
        );
        return { status: 200, body: { data: role }, headers: { etag: etag(role.version) } };
      }),
  );

  app.delete(
    '/api/v1/roles/:id',
    {
      config: { permission: 'role:manage' },
      schema: {
        operationId: 'deleteRole',
        summary: 'Delete a role that nobody holds',
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) =>
      write(deps.db, request, reply, async (tx, ctx) => {
        await deleteRole(deps, tx, ctx, request.params.id, (version) => checkIfMatch(request, version));
        return { status: 204 };
      }),
  );
}
