import type { Tx } from '@psa/service-kit/database';
import { tenants } from '../db/schema.ts';

export async function insert(tx: Tx, tenant: { tenant_id: string; name: string }, now: Date): Promise<void> {
  const at = now.toISOString();
  await tx.orm.insert(tenants).values({ ...tenant, created_at: at, updated_at: at });
}

/** Whether the platform was set up, over all tenants. */
export async function anyExists(tx: Tx): Promise<boolean> {
  const [row] = await tx.sql<{ found: boolean }[]>`select tenant_exists() as found`;
  return row!.found;
}

/** Spends the link of the first administrator; false when it is not good, or when there is a tenant already. */
export async function takeSetupToken(tx: Tx, hash: Buffer, now: Date): Promise<boolean> {
  const [row] = await tx.sql<{ taken: boolean }[]>`
    select take_setup_token(${hash}, ${now.toISOString()}::timestamptz) as taken`;
  return row!.taken;
}

/** True while the link of the first administrator is good. Platform's own transaction only. */
export async function isSetupToken(tx: Tx, hash: Buffer, now: Date): Promise<boolean> {
  const rows =
    await tx.sql`select 1 from setup_tokens where hash = ${hash} and expires_at > ${now.toISOString()}`;
  return rows.length > 0;
}

/** Replaces the link of the first administrator. Platform's own transaction only. */
export async function replaceSetupToken(tx: Tx, hash: Buffer, now: Date, expiresAt: Date): Promise<void> {
  await tx.sql`delete from setup_tokens`;
  await tx.sql`
    insert into setup_tokens (hash, created_at, expires_at)
    values (${hash}, ${now.toISOString()}, ${expiresAt.toISOString()})`;
}
