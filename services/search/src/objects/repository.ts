import { type Tx, toIso } from '@psa/service-kit/database';
import type { Change, Described, StoredObject, TicketText } from './domain.ts';

/**
 * Writes what events told of objects, of each one at most; facts of an older event stay out. Takes the rows' locks
 * either way, so that whoever else changes these objects waits and then sees this change.
 */
export function saveObjects(tx: Tx, tenantId: string, changes: readonly Change[]): Promise<unknown> {
  const rows = changes.map(({ object: { type, id, facts }, customer_id, version, deleted, at }) => ({
    ...{ type, id, customer_id, facts, version, at },
    deleted_at: deleted ? at : null,
  }));
  return tx.sql`
    insert into search.objects as o (tenant_id, type, id, customer_id, facts, version, updated_at, deleted_at)
    select ${tenantId}, type, id, customer_id, facts, version, at, deleted_at
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as t(type text, id uuid, customer_id uuid, facts jsonb,
      version bigint, at timestamptz, deleted_at timestamptz)
    on conflict (tenant_id, type, id) do update set
      revision = o.revision + 1,
      updated_at = greatest(o.updated_at, excluded.updated_at),
      customer_id = case when excluded.version >= o.version then excluded.customer_id else o.customer_id end,
      facts = case when excluded.version >= o.version then excluded.facts else o.facts end,
      deleted_at = case
        when excluded.version > o.version then excluded.deleted_at
        when excluded.version = o.version then coalesce(excluded.deleted_at, o.deleted_at)
        else o.deleted_at end,
      version = greatest(o.version, excluded.version)`.execute();
}

/**
 * An empty text takes the place of what was there, and of what a late event would put there; one that came back takes the
 * place of that.
 */
export function saveText(tx: Tx, tenantId: string, text: TicketText): Promise<unknown> {
  return tx.sql`
    insert into search.texts (tenant_id, ticket_id, id, internal, body, written_at)
    values (${tenantId}, ${text.ticket_id}, ${text.id}, ${text.internal}, ${text.body}, ${text.written_at})
    on conflict (tenant_id, ticket_id, id) do update set body = excluded.body
    where excluded.body = '' or ${text.back}`.execute();
}

export interface LoadedObject extends StoredObject {
  readonly deleted: boolean;
}

interface ObjectRow {
  type: Described['type'];
  id: string;
  customer_id: string | null;
  facts: unknown;
  revision: string;
  updated_at: string;
  deleted: boolean;
}

/** The objects as they are now. */
export async function loadObjects(
  tx: Tx,
  tenantId: string,
  refs: readonly { type: string; id: string }[],
): Promise<LoadedObject[]> {
  const rows = await tx.sql<ObjectRow[]>`
    select o.type, o.id, o.customer_id, o.facts, o.revision, o.updated_at, o.deleted_at is not null as deleted
    from unnest(${refs.map((ref) => ref.type)}::text[], ${refs.map((ref) => ref.id)}::uuid[]) as r(type, id)
    join search.objects o on o.tenant_id = ${tenantId} and o.type = r.type and o.id = r.id`;
  return rows.map((row) => loaded(tenantId, row));
}

/** A page of all objects in order of type and id, after `after`. */
export async function objectsAfter(
  tx: Tx,
  tenantId: string,
  after: { type: string; id: string } | null,
  limit: number,
): Promise<LoadedObject[]> {
  const start = after ?? { type: '', id: '00000000-0000-0000-0000-000000000000' };
  const rows = await tx.sql<ObjectRow[]>`
    select type, id, customer_id, facts, revision, updated_at, deleted_at is not null as deleted
    from search.objects
    where tenant_id = ${tenantId} and (type, id) > (${start.type}, ${start.id}::uuid)
    order by type, id limit ${limit}`;
  return rows.map((row) => loaded(tenantId, row));
}

function loaded(tenantId: string, row: ObjectRow): LoadedObject {
  const facts = typeof row.facts === 'string' ? JSON.parse(row.facts) : row.facts;
  return {
    tenant_id: tenantId,
    object: { type: row.type, id: row.id, facts } as Described,
    customer_id: row.customer_id,
    revision: Number(row.revision),
    updated_at: toIso(row.updated_at),
    deleted: row.deleted,
  };
}

type LoadedText = Omit<TicketText, 'back'>;

/** Comments and attachment names of tickets, oldest first. */
export async function loadTexts(
  tx: Tx,
  tenantId: string,
  ticketIds: readonly string[],
): Promise<Map<string, LoadedText[]>> {
  const rows = await tx.sql<LoadedText[]>`
    select ticket_id, id, internal, body, written_at from search.texts
    where tenant_id = ${tenantId} and ticket_id = any(${ticketIds as string[]}::uuid[])
    order by ticket_id, written_at, id`;
  return Map.groupBy(rows, (row) => row.ticket_id);
}

/** Names of customers, for showing beside their tickets and contacts. */
export async function customerNames(
  tx: Tx,
  tenantId: string,
  ids: readonly string[],
): Promise<Map<string, string>> {
  const rows = await tx.sql<{ id: string; name: string | null }[]>`
    select id, facts->>'name' as name from search.objects
    where tenant_id = ${tenantId} and type = 'customer' and id = any(${ids as string[]}::uuid[])
      and deleted_at is null`;
  return new Map(rows.flatMap((row) => (row.name === null ? [] : [[row.id, row.name] as const])));
}
