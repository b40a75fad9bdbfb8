import { emailForms, normaliseEmail } from '@psa/service-kit/contact-forms';
import type { Tx } from '@psa/service-kit/database';
import type { FailedLogins } from './lockout.ts';

export interface LoginState extends FailedLogins {
  readonly status: string;
  readonly password_hash: string | null;
}
export interface SessionRow {
  readonly id: string;
  readonly user_id: string;
  readonly kind: 'token' | 'cookie';
  readonly csrf: string | null;
  readonly expires_at: Date;
  readonly revoked_at: Date | null;
}
export interface RefreshTokenRow {
  readonly expires_at: Date;
  readonly spent_at: Date | null;
  readonly salt: Buffer | null;
}

const date = (text: string | null) => (text === null ? null : new Date(text));

/** Whose e-mail address it is, over all tenants, in whichever form its domain is written. */
export async function findUserByEmail(tx: Tx, email: string) {
  const forms = emailForms(normaliseEmail(email) ?? email);
  const [row] = await tx.sql<{ tenant_id: string; user_id: string }[]>`
    select tenant_id, user_id from unnest(${forms}::text[]) form, lateral find_user_by_email(form)`;
  return row ?? null;
}

/** Which session a refresh token belongs to, over all tenants. */
export async function findRefreshToken(tx: Tx, hash: Buffer) {
  const [row] = await tx.sql<{ tenant_id: string; session_id: string }[]>`
    select tenant_id, session_id from find_refresh_token(${hash})`;
  return row ?? null;
}

/** What decides a login; `forUpdate` makes simultaneous attempts count one after the other. */
export async function loginState(
  tx: Tx,
  tenantId: string,
  userId: string,
  forUpdate: boolean,
): Promise<LoginState | null> {
  const [row] = await tx.sql<
    {
      status: string;
      password_hash: string | null;
      failed_logins: number;
      failed_since: string | null;
      locked_until: string | null;
    }[]
  >`
    select case when c.blocked then 'disabled' else u.status end as status, u.password_hash, u.failed_logins,
      u.failed_since, u.locked_until
    from users u left join customers c on c.tenant_id = u.tenant_id and c.customer_id = u.customer_id
    where u.tenant_id = ${tenantId} and u.id = ${userId} and u.deleted_at is null
    ${forUpdate ? tx.sql`for update of u` : tx.sql``}`;
  return row ? { ...row, failed_since: date(row.failed_since), locked_until: date(row.locked_until) } : null;
}

export async function saveFailedLogins(
  tx: Tx,
  tenantId: string,
  userId: string,
  state: FailedLogins,
): Promise<void> {
  await tx.sql`
    update users set failed_logins = ${state.failed_logins},
      failed_since = ${state.failed_since?.toISOString() ?? null}, locked_until = ${state.locked_until?.toISOString() ?? null}
    where tenant_id = ${tenantId} and id = ${userId}`;
}

/** Forgets failures, notes the time, and takes a hash of present parameters when there is one. */
export async function saveLogin(
  tx: Tx,
  tenantId: string,
  userId: string,
  now: Date,
  newHash: string | null,
): Promise<void> {
  await tx.sql`
    update users set failed_logins = 0, failed_since = null, locked_until = null, last_login_at = ${now.toISOString()},
      password_hash = coalesce(${newHash}, password_hash)
    where tenant_id = ${tenantId} and id = ${userId}`;
}

export async function insertSession(
  tx: Tx,
  session: {
    tenant_id: string;
    id: string;
    user_id: string;
    kind: 'token' | 'cookie';
    csrf: string | null;
    address: string;
    user_agent: string;
    created_at: Date;
    expires_at: Date;
  },
): Promise<void> {
  const now = session.created_at.toISOString();
  // Sessions that ended a day ago or more go, with their tokens.
  await tx.sql`
    delete from sessions where tenant_id = ${session.tenant_id} and user_id = ${session.user_id}
      and expires_at < ${now}::timestamptz - interval '1 day'`;
  await tx.sql`
    insert into sessions (tenant_id, id, user_id, kind, csrf, address, user_agent, created_at, last_used_at, expires_at)
    values (${session.tenant_id}, ${session.id}, ${session.user_id}, ${session.kind}, ${session.csrf},
      ${session.address}, ${session.user_agent}, ${now}, ${now}, ${session.expires_at.toISOString()})`;
}

export async function insertRefreshToken(
  tx: Tx,
  token: {
    tenant_id: string;
    hash: Buffer;
    user_id: string;
    session_id: string;
    created_at: Date;
    expires_at: Date;
  },
): Promise<void> {
  await tx.sql`
    insert into refresh_tokens (tenant_id, hash, user_id, session_id, created_at, expires_at)
    values (${token.tenant_id}, ${token.hash}, ${token.user_id}, ${token.session_id},
      ${token.created_at.toISOString()}, ${token.expires_at.toISOString()})`;
}

/** The session, locked: refreshes of one session happen one after the other. */
export async function lockSession(tx: Tx, tenantId: string, id: string): Promise<SessionRow | null> {
  const [row] = await tx.sql<
    (Omit<SessionRow, 'expires_at' | 'revoked_at'> & { expires_at: string; revoked_at: string | null })[]
  >`
    select id, user_id, kind, csrf, expires_at, revoked_at from sessions
    where tenant_id = ${tenantId} and id = ${id} for update`;
  return row ? { ...row, expires_at: new Date(row.expires_at), revoked_at: date(row.revoked_at) } : null;
}

export async function refreshToken(tx: Tx, tenantId: string, hash: Buffer): Promise<RefreshTokenRow | null> {
  const [row] = await tx.sql<{ expires_at: string; spent_at: string | null; salt: Buffer | null }[]>`
    select expires_at, spent_at, salt from refresh_tokens where tenant_id = ${tenantId} and hash = ${hash}`;
  return row ? { expires_at: new Date(row.expires_at), spent_at: date(row.spent_at), salt: row.salt } : null;
}

/** Marks a token as spent; forgets tokens past their end and salts past their grace. */
export async function spendRefreshToken(
  tx: Tx,
  token: { tenant_id: string; session_id: string; hash: Buffer; salt: Buffer },
  now: Date,
  graceOver: Date,
): Promise<void> {
  await tx.sql`
    delete from refresh_tokens
    where tenant_id = ${token.tenant_id} and session_id = ${token.session_id} and expires_at < ${now.toISOString()}`;
  await tx.sql`
    update refresh_tokens set salt = null
    where tenant_id = ${token.tenant_id} and session_id = ${token.session_id}
      and salt is not null and spent_at < ${graceOver.toISOString()}`;
  await tx.sql`
    update refresh_tokens set spent_at = ${now.toISOString()}, salt = ${token.salt}
    where tenant_id = ${token.tenant_id} and hash = ${token.hash}`;
  await tx.sql`
    update sessions set last_used_at = ${now.toISOString()}
    where tenant_id = ${token.tenant_id} and id = ${token.session_id}`;
}

/** Ends one session; false when it had ended before. */
export async function endSession(
  tx: Tx,
  tenantId: string,
  id: string,
  because: string,
  now: Date,
): Promise<{ user_id: string } | null> {
  const [row] = await tx.sql<{ user_id: string }[]>`
    update sessions set revoked_at = ${now.toISOString()}, revoked_because = ${because}
    where tenant_id = ${tenantId} and id = ${id} and revoked_at is null returning user_id`;
  return row ?? null;
}

/** Ends the sessions of a user, all but one; returns their ids. */
export async function endSessionsOf(
  tx: Tx,
  tenantId: string,
  userId: string,
  because: string,
  now: Date,
  exceptId: string | null = null,
): Promise<string[]> {
  const rows = await tx.sql<{ id: string }[]>`
    update sessions set revoked_at = ${now.toISOString()}, revoked_because = ${because}
    where tenant_id = ${tenantId} and user_id = ${userId} and revoked_at is null
      and id is distinct from ${exceptId}::uuid returning id`;
  return rows.map((row) => row.id);
}
