import type { Tx } from '@psa/service-kit/database';

/** The public half of an RS256 key. */
export interface PublicJwk {
  kty: 'RSA';
  kid: string;
  alg: 'RS256';
  use: 'sig';
  n: string;
  e: string;
}
export interface SigningKeyRow {
  kid: string;
  public_jwk: PublicJwk;
  /** Encrypted PKCS #8; null once the key no longer signs. */
  private_key: string | null;
  created_at: string;
  active_from: string;
  expires_at: string | null;
}

/** Keys whose tokens may be valid at `now`, newest first. */
export async function valid(tx: Tx, now: Date): Promise<SigningKeyRow[]> {
  return tx.sql<SigningKeyRow[]>`
    select kid, public_jwk, private_key, created_at, active_from, expires_at from signing_keys
    where expires_at is null or expires_at > ${now.toISOString()} order by active_from desc, kid desc`;
}

/** One change of the keys at a time, over all replicas; held to the end of the transaction. */
export async function lock(tx: Tx): Promise<void> {
  await tx.sql`select pg_advisory_xact_lock(hashtext('auth.signing_keys'))`;
}

export async function insert(
  tx: Tx,
  key: { kid: string; public_jwk: PublicJwk; private_key: string; created_at: Date; active_from: Date },
): Promise<void> {
  await tx.sql`
    insert into signing_keys (kid, public_jwk, private_key, created_at, active_from)
    values (${key.kid}, ${JSON.stringify(key.public_jwk)}::jsonb, ${key.private_key},
      ${key.created_at.toISOString()}, ${key.active_from.toISOString()})`;
}

/** Says of the keys in use when the last token they sign will have expired. */
export async function retireAll(tx: Tx, expiresAt: Date): Promise<void> {
  await tx.sql`update signing_keys set expires_at = ${expiresAt.toISOString()} where expires_at is null`;
}

/** Removes keys that verify nothing any more, and the private half of those that another one has replaced. */
export async function forgetExpired(tx: Tx, now: Date): Promise<void> {
  const at = now.toISOString();
  await tx.sql`delete from signing_keys where expires_at <= ${at}`;
  await tx.sql`
    update signing_keys set private_key = null
    where expires_at is not null and private_key is not null
      and exists (select from signing_keys newer where newer.expires_at is null and newer.active_from <= ${at})`;
}
