import type { Tx } from '@psa/service-kit/database';

export interface PasswordToken {
  readonly tenant_id: string;
  readonly hash: Buffer;
  readonly user_id: string;
  readonly purpose: 'reset' | 'invite';
  readonly created_at: Date;
  readonly expires_at: Date;
}

/** Whose mailed link it is, over all tenants. */
export async function find(tx: Tx, hash: Buffer) {
  const [row] = await tx.sql<{ tenant_id: string; user_id: string }[]>`
    select tenant_id, user_id from find_password_token(${hash})`;
  return row ?? null;
}

/** Adds a link; earlier ones of the same purpose and all that have expired go. */
export async function insert(tx: Tx, token: PasswordToken): Promise<void> {
  await tx.sql`
    delete from password_tokens where tenant_id = ${token.tenant_id} and user_id = ${token.user_id}
      and (purpose = ${token.purpose} or expires_at < ${token.created_at.toISOString()})`;
  await tx.sql`
    insert into password_tokens (tenant_id, hash, user_id, purpose, created_at, expires_at)
    values (${token.tenant_id}, ${token.hash}, ${token.user_id}, ${token.purpose},
      ${token.created_at.toISOString()}, ${token.expires_at.toISOString()})`;
}

/** True when the link is good now; looks only. */
export async function isValid(tx: Tx, tenantId: string, hash: Buffer, now: Date): Promise<boolean> {
  const rows = await tx.sql`
    select 1 from password_tokens where tenant_id = ${tenantId} and hash = ${hash} and expires_at > ${now.toISOString()}`;
  return rows.length > 0;
}

/** Takes a link, once; false when it was taken or has expired. */
export async function take(tx: Tx, tenantId: string, hash: Buffer, now: Date): Promise<boolean> {
  const rows = await tx.sql`
    delete from password_tokens
    where tenant_id = ${tenantId} and hash = ${hash} and expires_at > ${now.toISOString()} returning 1`;
  return rows.length > 0;
}

/** Voids every link of a user. */
export async function removeAll(tx: Tx, tenantId: string, userId: string): Promise<void> {
  await tx.sql`delete from password_tokens where tenant_id = ${tenantId} and user_id = ${userId}`;
}

/**
 * Stores a new password and lifts a lock. `expected` guards against a change at the same time; undefined: whatever
 * there is. An invited person becomes active. False when nothing fitted.
 */
export async function setPassword(
  tx: Tx,
  user: { tenant_id: string; id: string },
  hash: string,
  now: Date,
  expected?: string,
): Promise<boolean> {
  const rows = await tx.sql`
    update users set password_hash = ${hash}, failed_logins = 0, failed_since = null, locked_until = null,
      version = version + (status = 'invited')::int,
      status = case when status = 'invited' then 'active' else status end, updated_at = ${now.toISOString()}
    where tenant_id = ${user.tenant_id} and id = ${user.id} and deleted_at is null and status in ('active', 'invited')
      ${expected === undefined ? tx.sql`` : tx.sql`and password_hash = ${expected}`}
    returning 1`;
  return rows.length > 0;
}
