import type { ApiKey } from '@psa/contracts/auth';
import { type Tx, toIso } from '@psa/service-kit/database';
import { fetchList, type ListRequest } from '@psa/service-kit/list';
import type { Static } from 'typebox';
import { apiKeys } from '../db/schema.ts';

export type ApiKeyRow = Static<typeof ApiKey>;

const COLUMNS = `k.id, k.name, k.prefix, coalesce(kr.name, ur.name) as role, k.created_at, k.last_used_at, k.expires_at`;
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

/** A key of its owner. */
export async function own(tx: Tx, tenantId: string, userId: string, id: string): Promise<ApiKeyRow | null> {
  const { sql } = tx;
  const [row] = await sql<ApiKeyRow[]>`
    select ${sql.unsafe(COLUMNS)} from ${sql.unsafe(TABLES)}
    where k.tenant_id = ${tenantId} and k.user_id = ${userId} and k.id = ${id} and k.deleted_at is null`;
  return row ? toKey(row) : null;
}

export async function rename(tx: Tx, tenantId: string, id: string, name: string): Promise<void> {
  await tx.sql`update api_keys set name = ${name} where tenant_id = ${tenantId} and id = ${id}`;
}

/** Revokes a key of its owner; null when there is none. */
export async function remove(tx: Tx, tenantId: string, userId: string, id: string, now: Date) {
  const [row] = await tx.sql<{ name: string }[]>`
    update api_keys set deleted_at = ${now.toISOString()}
    where tenant_id = ${tenantId} and user_id = ${userId} and id = ${id} and deleted_at is null returning name`;
  return row ?? null;
}

export async function list(tx: Tx, tenantId: string, userId: string, request: ListRequest, search?: string) {
  const { sql } = tx;
  const pattern = search ? `%${search.replace(/[\\%_]/g, '\\$&').toLowerCase()}%` : null;
  const result = await fetchList<ApiKeyRow>(tx, {
    select: sql.unsafe(COLUMNS) as never,
    from: sql.unsafe(TABLES) as never,
    where: [
      sql`k.tenant_id = ${tenantId} and k.user_id = ${userId} and k.deleted_at is null`,
      ...(pattern ? [sql`lower(k.name) like ${pattern}`] : []),
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
