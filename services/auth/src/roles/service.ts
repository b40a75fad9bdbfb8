import type { CreateRoleRequest, UpdateRoleRequest } from '@psa/contracts/auth';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { alreadyExists, conflict, invalid, notFound } from '@psa/service-kit/errors';
import { emit } from '@psa/service-kit/outbox';
import type { ServiceDeps } from '@psa/service-kit/service';
import type { Static } from 'typebox';
import { revokeUsers } from '../sessions/principal.ts';
import { permissionProblems } from './domain.ts';
import { mustHold, mustStayAdministrators } from './policy.ts';
import type { RoleRow } from './repository.ts';
import * as repository from './repository.ts';

export async function createRole(
  deps: ServiceDeps,
  tx: Tx,
  ctx: RequestContext,
  input: Static<typeof CreateRoleRequest>,
): Promise<RoleRow> {
  const problems = permissionProblems(input.audience, input.permissions);
  if (problems.length > 0) throw invalid(...problems);
  mustHold(ctx, input.permissions);
  const now = deps.clock.now();
  const [role] = await repository.insert(tx, ctx.scope.tenant_id, now, [
    { id: deps.ids.uuid(), ...input, system: false },
  ]);
  if (!role) throw alreadyExists('name', 'a role of this name exists already');
  await tell(deps, tx, ctx, 'role.created.v1', role);
  return role;
}

/** Changes title or permissions. Everybody who holds the role gets the new rights at once. */
export async function updateRole(
  deps: ServiceDeps,
  tx: Tx,
  ctx: RequestContext,
  id: string,
  input: Static<typeof UpdateRoleRequest>,
  check: (role: RoleRow) => void,
): Promise<RoleRow> {
  const tenantId = ctx.scope.tenant_id;
  const role = await repository.byId(tx, tenantId, id, true);
  if (!role) throw notFound('role');
  check(role);
  if (input.permissions) {
    const problems = permissionProblems(role.audience, input.permissions);
    if (problems.length > 0) throw invalid(...problems);
    const before = new Set(role.permissions);
    mustHold(
      ctx,
      input.permissions.filter((name) => !before.has(name)),
    );
    mustStayAdministrators(role.name, input.permissions);
  }
  const updated = await repository.update(tx, tenantId, id, input, deps.clock.now());
  await tell(deps, tx, ctx, 'role.updated.v1', updated);
  if (input.permissions) revokeUsers(deps, tx, await repository.holders(tx, tenantId, id));
  return updated;
}

export async function deleteRole(
  deps: ServiceDeps,
  tx: Tx,
  ctx: RequestContext,
  id: string,
  check: (role: RoleRow) => void,
): Promise<void> {
  const tenantId = ctx.scope.tenant_id;
  // The lock keeps out whoever is about to give the role to somebody.
  const role = await repository.byId(tx, tenantId, id, true);
  if (!role) throw notFound('role');
  check(role);
  if (role.system)
    throw conflict('platform_role', 'This role belongs to the platform and cannot be deleted.');
  const holders = await repository.holders(tx, tenantId, id);
  if (holders.length > 0)
    throw conflict('role_in_use', `${holders.length} user(s) hold this role. Give them another one first.`);
  await repository.remove(tx, tenantId, id, deps.clock.now());
  await emit(deps, tx, ctx, [
    {
      type: 'role.deleted.v1',
      aggregate: { type: 'role', id },
      data: { role_id: id, name: role.name },
      public: false,
    },
  ]);
}

async function tell(
  deps: ServiceDeps,
  tx: Tx,
  ctx: RequestContext,
  type: 'role.created.v1' | 'role.updated.v1',
  role: RoleRow,
) {
  const data = { role_id: role.id, name: role.name, permissions: role.permissions };
  const aggregate = { type: 'role', id: role.id };
  await emit(deps, tx, ctx, [{ type, aggregate, data, public: false }]);
}
