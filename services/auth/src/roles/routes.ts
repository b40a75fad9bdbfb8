import { CreateRoleRequest, ListRolesQuery, Role, UpdateRoleRequest } from '@psa/contracts/auth';
import { One } from '@psa/contracts/common';
import { PERMISSIONS } from '@psa/contracts/permissions';
import type { App } from '@psa/service-kit/app';
import { resourceRoutes } from '@psa/service-kit/resource-routes';
import Type from 'typebox';
import type { AuthDeps } from '../deps.ts';
import * as repository from './repository.ts';
import { createRole, deleteRole, updateRole } from './service.ts';

export function roleRoutes(app: App, deps: AuthDeps): void {
  resourceRoutes(app, deps, {
    path: 'roles',
    noun: 'role',
    names: ['Role', 'Roles'],
    permissions: { view: 'role:view', create: 'role:manage', update: 'role:manage', remove: 'role:manage' },
    schemas: { one: Role, create: CreateRoleRequest, update: UpdateRoleRequest, listQuery: ListRolesQuery },
    texts: {
      create: { summary: 'Create a role', description: 'Only with permissions that you hold yourself.' },
      update: { summary: 'Change title or permissions of a role' },
      remove: { summary: 'Delete a role that nobody holds' },
    },
    list: {
      sortable: { name: { sql: 'name', type: 'text' }, audience: { sql: 'audience', type: 'text' } },
      defaultSort: [['name', 'asc']],
    },
    view: (role: repository.RoleRow) => role,
    select: (tx, ctx, list, query) => repository.list(tx, ctx.scope.tenant_id, list, query),
    find: (tx, ctx, id) => repository.byId(tx, ctx.scope.tenant_id, id),
    create: (tx, ctx, body) => createRole(deps, tx, ctx, body),
    update: (tx, ctx, id, body, check) => updateRole(deps, tx, ctx, id, body, check),
    remove: (tx, ctx, id, check) => deleteRole(deps, tx, ctx, id, check),
  });

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
}
