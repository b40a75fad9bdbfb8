import type { EventHistoryQuery } from '@psa/contracts/event-api';
import type { EventEnvelope } from '@psa/contracts/events/envelope';
import { type Tx, toIso } from '@psa/service-kit/database';
import { fetchList, type ListRequest, type ListResult, type ListSpec } from '@psa/service-kit/list';
import type { Static } from 'typebox';

/** A row of the log. */
export interface LogRow {
  id: string;
  tenant_id: string;
  type: string;
  version: number;
  customer_id: string | null;
  aggregate_type: string;
  aggregate_id: string;
  occurred_at: string;
  recorded_at: string;
  correlation_id: string;
  causation_id: string | null;
  actor: EventEnvelope['actor'] | string;
  public: boolean;
  data: EventEnvelope['data'] | string;
}

/** Newest first; events of one instant in the order in which they were stored. */
export const HISTORY_LIST: ListSpec = {
  sortable: { occurred_at: { sql: 'occurred_at', type: 'timestamptz' } },
  defaultSort: [['occurred_at', 'desc']],
  id: { sql: 'seq', type: 'bigint' },
  fields: [],
};

/** jsonb arrives parsed or as text, depending on the driver's settings. */
const json = <T>(value: T | string): T => (typeof value === 'string' ? JSON.parse(value) : value);

/** The event as it was published, and when it was stored. */
export const toStoredEvent = (row: LogRow): EventEnvelope & { recorded_at: string } => ({
  id: row.id,
  type: row.type,
  version: row.version,
  tenant_id: row.tenant_id,
  customer_id: row.customer_id,
  aggregate: { type: row.aggregate_type, id: row.aggregate_id },
  occurred_at: toIso(row.occurred_at),
  correlation_id: row.correlation_id,
  causation_id: row.causation_id,
  actor: json(row.actor),
  public: row.public,
  data: json(row.data),
  recorded_at: toIso(row.recorded_at),
});

/** Stores events of one tenant in their order. One that is there already (an inbox swept too soon) stays. */
export async function insertEvents(
  tx: Tx,
  tenantId: string,
  events: readonly EventEnvelope[],
  now: Date,
): Promise<void> {
  await tx.sql`
    insert into events.log (tenant_id, id, type, version, customer_id, aggregate_type, aggregate_id,
      occurred_at, recorded_at, correlation_id, causation_id, actor, public, data)
    select ${tenantId}, (e->>'id')::uuid, e->>'type', (e->>'version')::integer, (e->>'customer_id')::uuid,
      e->'aggregate'->>'type', e->'aggregate'->>'id', (e->>'occurred_at')::timestamptz, ${now.toISOString()},
      e->>'correlation_id', e->>'causation_id', e->'actor', (e->>'public')::boolean, e->'data'
    from jsonb_array_elements(${JSON.stringify(events)}::jsonb) with ordinality as given(e, place)
    order by place
    on conflict do nothing`;
}

/** Counts events of one tenant by hour and type; in one order, so that two batches never deadlock. */
export async function countEvents(tx: Tx, tenantId: string, events: readonly EventEnvelope[]): Promise<void> {
  const times = events.map((event) => event.occurred_at);
  const types = events.map((event) => event.type);
  await tx.sql`
    insert into events.hourly as h (tenant_id, hour, type, count, last_at)
    select ${tenantId}, date_trunc('hour', at::timestamptz, 'UTC'), type, count(*), max(at::timestamptz)
    from unnest(${times}::text[], ${types}::text[]) as given(at, type)
    group by 2, 3 order by 2, 3
    on conflict (tenant_id, hour, type) do update
      set count = h.count + excluded.count, last_at = greatest(h.last_at, excluded.last_at)`;
}

/** One page of the history. */
export function listEvents(
  tx: Tx,
  tenantId: string,
  request: ListRequest,
  query: Static<typeof EventHistoryQuery>,
): Promise<ListResult<LogRow>> {
  const s = tx.sql;
  const { type, aggregate_type, aggregate_id, correlation_id, after, before } = query;
  return fetchList<LogRow>(tx, {
    select: s`log.*`,
    from: s`events.log`,
    where: [
      s`tenant_id = ${tenantId}`,
      // A prefix as a range: LIKE could not use the index below row-level security, comparisons can.
      ...(type === undefined
        ? []
        : type.endsWith('.')
          ? [s`type >= ${type} and type < ${`${type.slice(0, -1)}/`}`]
          : [s`type = ${type}`]),
      ...(aggregate_type === undefined ? [] : [s`aggregate_type = ${aggregate_type}`]),
      ...(aggregate_id === undefined ? [] : [s`aggregate_id = ${aggregate_id}`]),
      ...(correlation_id === undefined ? [] : [s`correlation_id = ${correlation_id}`]),
      ...(after === undefined ? [] : [s`occurred_at >= ${after}::text::timestamptz`]),
      ...(before === undefined ? [] : [s`occurred_at < ${before}::text::timestamptz`]),
    ],
    request,
  });
}

export async function findEvent(tx: Tx, tenantId: string, id: string): Promise<LogRow | undefined> {
  const [row] = await tx.sql<LogRow[]>`select * from events.log where tenant_id = ${tenantId} and id = ${id}`;
  return row;
}

/** Counts since the full hour `since`, by type and by hour. */
export async function readStats(tx: Tx, tenantId: string, since: string) {
  const [types, hours] = await Promise.all([
    tx.sql<{ type: string; count: string; last_at: string }[]>`
      select type, sum(count) as count, max(last_at) as last_at from events.hourly
      where tenant_id = ${tenantId} and hour >= ${since}::text::timestamptz group by type order by sum(count) desc, type`,
    tx.sql<{ hour: string; count: string }[]>`
      select hour, sum(count) as count from events.hourly
      where tenant_id = ${tenantId} and hour >= ${since}::text::timestamptz group by hour order by hour`,
  ]);
  const by_type = types.map((row) => ({
    type: row.type,
    count: Number(row.count),
    last_at: toIso(row.last_at),
  }));
  return {
    total: by_type.reduce((sum, row) => sum + row.count, 0),
    since,
    by_type,
    per_hour: hours.map((row) => ({ hour: toIso(row.hour), count: Number(row.count) })),
  };
}
