import type { ApiKey } from '@psa/contracts/auth';
import { isFound, needles, searchText } from '@psa/domain/search-text';
import { type Tx, toIso } from '@psa/service-kit/database';
import { fetchList, type ListRequest } from '@psa/service-kit/list';
import type { Static } from 'typebox';
import { apiKeys } from '../db/schema.ts';

export type ApiKeyRow = Static<typeof ApiKey>;

const COLUMNS = `k.id, k.name, k.prefix, coalesce(kr.name, ur.name) as role, k.user_id,
  u.name as user_name, k.created_at, k.last_used_at, k.expires_at`;
const TABLES = `api_keys k
  join users u on u.tenant_id = k.tenant_id and u.id = k.user_id
  join roles ur on ur.tenant_id = u.tenant_id and ur.id = u.role_id
  left join roles kr on kr.tenant_id = k.tenant_id and kr.id = k.role_id`;

const toKey = (row: ApiKeyRow): ApiKeyRow => ({
  ...row,
  created_at: toIso(row.created_at),
  last_used_at: toIso(row.last_used_at),
  expires_at: toIso(row.expires_at),
});

export async function insert(tx: Tx, key: typeof apiKeys.$inferInsert): Promise<void> {
  await tx.orm.insert(apiKeys).values(key);
}

/** A key, whoever's it is. */
export async function byId(tx: Tx, tenantId: string, id: string): Promise<ApiKeyRow | null> {
  const { sql } = tx;
  const [row] = await sql<ApiKeyRow[]>`
    select ${sql.unsafe(COLUMNS)} from ${sql.unsafe(TABLES)}
    where k.tenant_id = ${tenantId} and k.id = ${id} and k.deleted_at is null`;
  return row ? toKey(row) : null;
}

export async function rename(tx: Tx, tenantId: string, id: string, name: string): Promise<void> {
  await tx.sql`update api_keys set name = ${name} where tenant_id = ${tenantId} and id = ${id}`;
}

/** A key that ended just now. */
export interface RemovedKey {
  readonly id: string;
  readonly name: string;
  readonly user_id: string;
}

/** Ends a key; none when it had ended. */
export const remove = (tx: Tx, tenantId: string, id: string, now: Date) =>
  tx.sql<RemovedKey[]>`
    update api_keys set deleted_at = ${now.toISOString()}
    where tenant_id = ${tenantId} and id = ${id} and deleted_at is null returning id, name, user_id`;

/** Ends every key of a user. */
export const removeAllOf = (tx: Tx, tenantId: string, userId: string, now: Date) =>
  tx.sql<RemovedKey[]>`
    update api_keys set deleted_at = ${now.toISOString()}
    where tenant_id = ${tenantId} and user_id = ${userId} and deleted_at is null returning id, name, user_id`;

/** How many keys of a user are good; others that would make one wait until this transaction ends. */
export async function countForMore(tx: Tx, tenantId: string, userId: string, now: Date): Promise<number> {
  await tx.sql`select 1 from users where tenant_id = ${tenantId} and id = ${userId} for no key update`;
  const [row] = await tx.sql<{ count: number }[]>`
    select count(*)::int as count from api_keys where tenant_id = ${tenantId} and user_id = ${userId}
      and deleted_at is null and (expires_at is null or expires_at > ${now.toISOString()})`;
  return row!.count;
}

/** Keys of a user; null: of everybody that the caller may see. */
export async function list(
  tx: Tx,
  tenantId: string,
  userId: string | null,
  request: ListRequest,
  search?: string,
) {
  const { sql } = tx;
  const wanted = needles(search ?? '');
  // A person has twenty keys at most: reading their names costs less than keeping a text to find them by.
  const found =
    wanted.length === 0
      ? null
      : (
          await sql<{ id: string; name: string; owner: string }[]>`
            select k.id, k.name, u.name as owner from ${sql.unsafe(TABLES)}
            where k.tenant_id = ${tenantId} and k.deleted_at is null
              and ${userId === null ? sql`true` : sql`k.user_id = ${userId}`}`
        ).flatMap((row) => (isFound(searchText([row.name, row.owner]), wanted) ? [row.id] : []));
  const result = await fetchList<ApiKeyRow>(tx, {
    select: sql.unsafe(COLUMNS) as never,
    from: sql.unsafe(TABLES) as never,
    where: [
      sql`k.tenant_id = ${tenantId} and k.deleted_at is null`,
      ...(userId === null ? [] : [sql`k.user_id = ${userId}`]),
      ...(found === null ? [] : [sql`k.id = any(${found}::uuid[])`]),
    ],
    request,
  });
  return { ...result, rows: result.rows.map(toKey) };
}

/** Whose key it is, over all tenants. */
export async function find(tx: Tx, hash: Buffer) {
  const [row] = await tx.sql<{ tenant_id: string; api_key_id: string }[]>`
    select tenant_id, api_key_id from find_api_key(${hash})`;
  return row ?? null;
}

export interface KeyInUse {
  readonly user_id: string;
  readonly expires_at: string | null;
  readonly last_used_at: string | null;
  /** The narrower role of the key, if it has one. */
  readonly role: string | null;
  readonly permissions: string[] | null;
}

export async function inUse(tx: Tx, tenantId: string, id: string): Promise<KeyInUse | null> {
  const [row] = await tx.sql<KeyInUse[]>`
    select k.user_id, k.expires_at, k.last_used_at, r.name as role, r.permissions
    from api_keys k left join roles r on r.tenant_id = k.tenant_id and r.id = k.role_id
    where k.tenant_id = ${tenantId} and k.id = ${id} and k.deleted_at is null`;
  return row ?? null;
}

export async function touch(tx: Tx, tenantId: string, id: string, now: Date): Promise<void> {
  await tx.sql`update api_keys set last_used_at = ${now.toISOString()} where tenant_id = ${tenantId} and id = ${id}`;
}
