import type { Role } from '@psa/contracts/auth';
import { isFound, needles, searchText } from '@psa/domain/search-text';
import type { Tx } from '@psa/service-kit/database';
import { fetchList, type ListRequest } from '@psa/service-kit/list';
import { and, eq, isNull, sql } from 'drizzle-orm';
import { roles } from '../db/schema.ts';

export type RoleRow = Role;

const columns = {
  id: roles.id,
  name: roles.name,
  title: roles.title,
  audience: roles.audience,
  permissions: roles.permissions,
  system: roles.system,
  version: roles.version,
};
const mine = (tenantId: string) => and(eq(roles.tenant_id, tenantId), isNull(roles.deleted_at));

export async function byId(tx: Tx, tenantId: string, id: string, forUpdate = false): Promise<RoleRow | null> {
  const query = tx.orm
    .select(columns)
    .from(roles)
    .where(and(mine(tenantId), eq(roles.id, id)));
  const [row] = await (forUpdate ? query.for('update') : query);
  return row ?? null;
}

/** A role by name, held so that it cannot be deleted or changed before whoever refers to it has committed. */
export async function byName(tx: Tx, tenantId: string, name: string): Promise<RoleRow | null> {
  const [row] = await tx.orm
    .select(columns)
    .from(roles)
    .where(and(mine(tenantId), eq(roles.name, name)))
    .for('share');
  return row ?? null;
}

/** Inserts roles; those whose name is taken are left out of the answer. */
export async function insert(
  tx: Tx,
  tenantId: string,
  now: Date,
  list: readonly Omit<RoleRow, 'version'>[],
): Promise<RoleRow[]> {
  const at = now.toISOString();
  return tx.orm
    .insert(roles)
    .values(list.map((role) => ({ ...role, tenant_id: tenantId, created_at: at, updated_at: at })))
    .onConflictDoNothing()
    .returning(columns);
}

export async function update(
  tx: Tx,
  tenantId: string,
  id: string,
  changes: Partial<Pick<RoleRow, 'title' | 'permissions'>>,
  now: Date,
): Promise<RoleRow> {
  const [row] = await tx.orm
    .update(roles)
    .set({ ...changes, version: sql`${roles.version} + 1`, updated_at: now.toISOString() })
    .where(and(mine(tenantId), eq(roles.id, id)))
    .returning(columns);
  return row!;
}

export async function remove(tx: Tx, tenantId: string, id: string, now: Date): Promise<void> {
  await tx.orm
    .update(roles)
    .set({ deleted_at: now.toISOString(), version: sql`${roles.version} + 1` })
    .where(and(mine(tenantId), eq(roles.id, id)));
}

/** Users who hold the role, and owners of API keys that do. */
export async function holders(tx: Tx, tenantId: string, id: string): Promise<string[]> {
  const rows = await tx.sql<{ id: string }[]>`
    select id from users where tenant_id = ${tenantId} and role_id = ${id} and deleted_at is null
    union select user_id from api_keys where tenant_id = ${tenantId} and role_id = ${id} and deleted_at is null`;
  return rows.map((row) => row.id);
}

export async function list(
  tx: Tx,
  tenantId: string,
  request: ListRequest,
  filter: { audience?: string; search?: string },
) {
  const { sql: q } = tx;
  const wanted = needles(filter.search ?? '');
  const found =
    wanted.length === 0
      ? null
      : (
          await q<{ id: string; name: string; title: RoleRow['title'] }[]>`
            select id, name, title from roles where tenant_id = ${tenantId} and deleted_at is null`
        ).flatMap(({ id, name, title }) =>
          isFound(searchText([name, title.de, title.en]), wanted) ? [id] : [],
        );
  return fetchList<RoleRow>(tx, {
    select: q`id, name, title, audience, permissions, system, version`,
    from: q`roles`,
    where: [
      q`tenant_id = ${tenantId} and deleted_at is null`,
      ...(filter.audience ? [q`audience = ${filter.audience}`] : []),
      ...(found === null ? [] : [q`id = any(${found}::uuid[])`]),
    ],
    request,
  });
}
