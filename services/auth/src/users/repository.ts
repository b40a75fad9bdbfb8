import type { User } from '@psa/contracts/auth';
import { type Tx, toIso } from '@psa/service-kit/database';
import { fetchList, type ListRequest } from '@psa/service-kit/list';
import { and, eq, isNull, sql } from 'drizzle-orm';
import { users } from '../db/schema.ts';
import { findUserByEmail } from '../sessions/repository.ts';
import { userSearchFilters, userSearchText } from './search-text.ts';

export type UserRow = User & { role_id: string };

/** A user as it is stored first. */
export type NewUser = Pick<
  typeof users.$inferInsert,
  | 'id'
  | 'email'
  | 'name'
  | 'role_id'
  | 'audience'
  | 'customer_id'
  | 'locale'
  | 'status'
  | 'password_hash'
  | 'source'
  | 'external_id'
>;

interface RawUser extends Omit<UserRow, 'created_at' | 'updated_at' | 'last_login_at' | 'locked_until'> {
  created_at: string;
  updated_at: string;
  last_login_at: string | null;
  locked_until: string | null;
}

const COLUMNS = `u.id, u.email, u.name, r.name as role, u.role_id, u.audience, u.customer_id, u.locale, u.status, u.tier,
  u.last_login_at, u.locked_until, u.version, u.created_at, u.updated_at`;
const TABLES = 'users u join roles r on r.tenant_id = u.tenant_id and r.id = u.role_id';

const toUser = (row: RawUser): UserRow => ({
  ...row,
  created_at: toIso(row.created_at),
  updated_at: toIso(row.updated_at),
  last_login_at: toIso(row.last_login_at),
  locked_until: toIso(row.locked_until),
});

export async function byId(tx: Tx, tenantId: string, id: string, forUpdate = false): Promise<UserRow | null> {
  const { sql: q } = tx;
  const [row] = await q<RawUser[]>`
    select ${q.unsafe(COLUMNS)} from ${q.unsafe(TABLES)}
    where u.tenant_id = ${tenantId} and u.id = ${id} and u.deleted_at is null ${forUpdate ? q`for update of u` : q``}`;
  return row ? toUser(row) : null;
}

/** Inserts a user; null when the e-mail address is taken, by anybody in any tenant. */
export async function insert(tx: Tx, tenantId: string, user: NewUser, now: Date): Promise<UserRow | null> {
  const at = now.toISOString();
  if (await isTaken(tx, user.email, user.id)) return null;
  const rows = await tx.orm
    .insert(users)
    .values({
      ...user,
      search_text: userSearchText(user),
      tenant_id: tenantId,
      created_at: at,
      updated_at: at,
    })
    .onConflictDoNothing()
    .returning({ id: users.id });
  return rows.length === 0 ? null : byId(tx, tenantId, user.id);
}

/** Inserts people of another system; those that are known are left out of the answer, which has the new ids. */
export async function insertImported(
  tx: Tx,
  tenantId: string,
  people: readonly NewUser[],
  now: Date,
): Promise<Set<string>> {
  const at = now.toISOString();
  const rows = await tx.orm
    .insert(users)
    .values(
      people.map((user) => ({
        ...user,
        search_text: userSearchText(user),
        tenant_id: tenantId,
        created_at: at,
        updated_at: at,
      })),
    )
    .onConflictDoNothing()
    .returning({ id: users.id });
  return new Set(rows.map((row) => row.id));
}

/** Ids of imported people by the name the other system knows them by. */
export async function bySource(tx: Tx, tenantId: string, source: string, externalIds: readonly string[]) {
  return tx.sql<{ id: string; external_id: string }[]>`
    select id, external_id from users
    where tenant_id = ${tenantId} and source = ${source} and external_id = any(${externalIds as string[]}::text[])`;
}

export async function byIds(tx: Tx, tenantId: string, ids: readonly string[]): Promise<UserRow[]> {
  const { sql: q } = tx;
  const rows = await q<RawUser[]>`
    select ${q.unsafe(COLUMNS)} from ${q.unsafe(TABLES)}
    where u.tenant_id = ${tenantId} and u.id = any(${ids as string[]}::uuid[]) and u.deleted_at is null order by u.id`;
  return rows.map(toUser);
}

/** Stores changes; null when the new e-mail address is taken. */
export async function update(
  tx: Tx,
  tenantId: string,
  id: string,
  changes: Partial<
    Pick<NewUser, 'email' | 'name' | 'role_id' | 'locale' | 'status'> & { tier: User['tier'] }
  >,
  now: Date,
): Promise<UserRow | null> {
  if (changes.email !== undefined && (await isTaken(tx, changes.email, id))) return null;
  const { name, email } = changes;
  const before = name === undefined && email === undefined ? null : await byId(tx, tenantId, id, true);
  const found = before ? { search_text: userSearchText({ ...before, ...changes }) } : {};
  await tx.orm
    .update(users)
    .set({ ...changes, ...found, version: sql`${users.version} + 1`, updated_at: now.toISOString() })
    .where(and(eq(users.tenant_id, tenantId), eq(users.id, id), isNull(users.deleted_at)));
  return byId(tx, tenantId, id);
}

async function isTaken(tx: Tx, email: string, exceptId: string): Promise<boolean> {
  const found = await findUserByEmail(tx, email);
  return found !== null && found.user_id !== exceptId;
}

/** Soft delete; the address becomes free. */
export async function remove(tx: Tx, tenantId: string, id: string, now: Date): Promise<void> {
  await tx.sql`
    update users set deleted_at = ${now.toISOString()}, updated_at = ${now.toISOString()}, version = version + 1,
      password_hash = null
    where tenant_id = ${tenantId} and id = ${id}`;
  await tx.sql`
    update api_keys set deleted_at = ${now.toISOString()}
    where tenant_id = ${tenantId} and user_id = ${id} and deleted_at is null`;
}

/**
 * Active holders of a role, locked: two that would each remove the other wait here, and the second sees what the
 * first did.
 */
export async function lockActiveHolders(tx: Tx, tenantId: string, role: string): Promise<string[]> {
  await tx.sql`
    select id from roles where tenant_id = ${tenantId} and name = ${role} and deleted_at is null for update`;
  const rows = await tx.sql<{ id: string }[]>`
    select u.id from users u join roles r on r.tenant_id = u.tenant_id and r.id = u.role_id
    where u.tenant_id = ${tenantId} and r.name = ${role} and u.status = 'active' and u.deleted_at is null`;
  return rows.map((row) => row.id);
}

export async function tenantName(tx: Tx, tenantId: string): Promise<string> {
  const [row] = await tx.sql<{ name: string }[]>`select name from tenants where tenant_id = ${tenantId}`;
  return row?.name ?? '';
}

export interface UserFilter {
  role?: string;
  status?: string;
  audience?: string;
  customer_id?: string;
  search?: string;
}

export async function list(tx: Tx, tenantId: string, request: ListRequest, filter: UserFilter) {
  const { sql: q } = tx;
  const result = await fetchList<RawUser>(tx, {
    select: q.unsafe(COLUMNS) as never,
    from: q.unsafe(TABLES) as never,
    where: [
      q`u.tenant_id = ${tenantId} and u.deleted_at is null`,
      ...(filter.role ? [q`r.name = ${filter.role}`] : []),
      ...(filter.status ? [q`u.status = ${filter.status}`] : []),
      ...(filter.audience ? [q`u.audience = ${filter.audience}`] : []),
      ...(filter.customer_id ? [q`u.customer_id = ${filter.customer_id}`] : []),
      ...userSearchFilters(tx, filter.search),
    ],
    request,
  });
  return { ...result, rows: result.rows.map(toUser) };
}
