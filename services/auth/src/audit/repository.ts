import type { ChainedEntry } from '@psa/domain/audit-chain';
import type { Tx } from '@psa/service-kit/database';
import { fetchList, type ListRequest } from '@psa/service-kit/list';
import type { AuditEntryContent, AuditRow } from './entry.ts';

const COLUMNS = `seq, id, occurred_at, recorded_at, action, actor, object_type, object_id, request_id, detail,
  prev_hash, hash`;

export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
}

/** The end of the tenant's chain, locked: appends happen one after the other. Null: nothing was recorded yet. */
export async function lockHead(tx: Tx, tenantId: string, genesis: string): Promise<AuditHead> {
  const [, [row]] = await Promise.all([
    tx.sql`
      insert into audit_heads (tenant_id, seq, hash) values (${tenantId}, 0, ${genesis}) on conflict do nothing`,
    tx.sql<{ seq: string; hash: string }[]>`
      select seq, hash from audit_heads where tenant_id = ${tenantId} for update`,
  ]);
  return { seq: Number(row!.seq), hash: row!.hash };
}

/** The head, and how many entries stand where none may be: before the first number or past the head's. */
export async function head(tx: Tx, tenantId: string): Promise<{ head: AuditHead | null; strays: number }> {
  // One statement, so that an entry appended meanwhile is in both or in neither.
  const [row] = await tx.sql<{ seq: string | null; hash: string | null; strays: string }[]>`
    select h.seq, h.hash, (select count(*) from audit_log
      where tenant_id = ${tenantId} and (seq < 1 or seq > coalesce(h.seq, 0))) as strays
    from (select 1) as one left join audit_heads h on h.tenant_id = ${tenantId}`;
  const { seq, hash, strays } = row!;
  return { head: seq === null ? null : { seq: Number(seq), hash: hash! }, strays: Number(strays) };
}

/** Appends entries and moves the head: one statement each, whatever the number. */
export async function append(
  tx: Tx,
  tenantId: string,
  chained: readonly ChainedEntry<AuditEntryContent>[],
): Promise<void> {
  const rows = chained.map(({ entry: { object, tenant_id: _, ...entry }, prev_hash, hash }) => ({
    ...entry,
    object_type: object.type,
    object_id: object.id,
    prev_hash,
    hash,
  }));
  const last = rows.at(-1)!;
  const appended = tx.sql`
    insert into audit_log (tenant_id, ${tx.sql.unsafe(COLUMNS)})
    select ${tenantId}, ${tx.sql.unsafe(COLUMNS)} from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as t(
      seq bigint, id uuid, occurred_at timestamptz, recorded_at timestamptz, action text, actor jsonb,
      object_type text, object_id text, request_id text, detail jsonb, prev_hash text, hash text)`;
  const moved = tx.sql`
    update audit_heads set seq = ${last.seq}, hash = ${last.hash} where tenant_id = ${tenantId}`;
  await Promise.all([appended, moved]);
}

/** Entries in order from `after` (exclusive) up to `last`. */
export async function slice(tx: Tx, tenantId: string, after: number, last: number, limit: number) {
  return tx.sql<AuditRow[]>`
    select ${tx.sql.unsafe(COLUMNS)} from audit_log
    where tenant_id = ${tenantId} and seq > ${after} and seq <= ${last} order by seq limit ${limit}`;
}

export interface AuditFilter {
  action?: string;
  actor_id?: string;
  object_type?: string;
  object_id?: string;
  after?: string;
  before?: string;
}

export async function list(tx: Tx, tenantId: string, request: ListRequest, filter: AuditFilter) {
  const { sql } = tx;
  return fetchList<AuditRow>(tx, {
    select: sql.unsafe(COLUMNS) as never,
    from: sql`audit_log`,
    where: [
      sql`tenant_id = ${tenantId}`,
      ...(filter.action ? [sql`action = ${filter.action}`] : []),
      ...(filter.actor_id ? [sql`actor_id = ${filter.actor_id}`] : []),
      ...(filter.object_type ? [sql`object_type = ${filter.object_type}`] : []),
      ...(filter.object_id ? [sql`object_id = ${filter.object_id}`] : []),
      ...(filter.after ? [sql`occurred_at >= ${filter.after}`] : []),
      ...(filter.before ? [sql`occurred_at < ${filter.before}`] : []),
    ],
    request,
  });
}
