import type { EventEnvelope } from '@psa/contracts/events/envelope';
import type { ChainedEntry, JsonObject } from '@psa/domain/audit-chain';
import { toIso } from '@psa/service-kit/database';

/** One row of the audit log. */
export interface AuditRow {
  readonly seq: string;
  readonly id: string;
  readonly occurred_at: string;
  readonly recorded_at: string;
  readonly action: string;
  readonly actor: { kind: string; id: string | null; name: string | null };
  readonly object_type: string;
  readonly object_id: string;
  readonly request_id: string | null;
  readonly detail: Record<string, unknown>;
  readonly prev_hash: string;
  readonly hash: string;
}

/** What the hash of an entry covers: every column, and the tenant, so that no entry can move to another chain. */
export interface AuditEntryContent extends JsonObject {
  readonly tenant_id: string;
  readonly seq: number;
  readonly id: string;
  readonly occurred_at: string;
  readonly recorded_at: string;
  readonly action: string;
  readonly actor: JsonObject;
  readonly object: JsonObject;
  readonly request_id: string | null;
  readonly detail: JsonObject;
}

/** An event as an audit entry. `audit.recorded` carries its own action and detail. */
export function entryOf(event: EventEnvelope, seq: number, recordedAt: Date): AuditEntryContent {
  const recorded = event.type === 'audit.recorded.v1';
  return {
    tenant_id: event.tenant_id,
    seq,
    id: event.id,
    // Milliseconds, as both JavaScript and the column keep them.
    occurred_at: new Date(event.occurred_at).toISOString(),
    recorded_at: recordedAt.toISOString(),
    action: recorded ? String(event.data.action) : event.type,
    actor: { kind: event.actor.kind, id: event.actor.id, name: event.actor.name },
    object: { type: event.aggregate.type, id: event.aggregate.id },
    request_id: event.correlation_id,
    detail: (recorded ? event.data.detail : event.data) as JsonObject,
  };
}

/** A stored row as the chained entry that it was. */
export function chainedOf(tenantId: string, row: AuditRow): ChainedEntry<AuditEntryContent> {
  return {
    prev_hash: row.prev_hash,
    hash: row.hash,
    entry: {
      tenant_id: tenantId,
      seq: Number(row.seq),
      id: row.id,
      occurred_at: toIso(row.occurred_at),
      recorded_at: toIso(row.recorded_at),
      action: row.action,
      actor: row.actor as unknown as JsonObject,
      object: { type: row.object_type, id: row.object_id },
      request_id: row.request_id,
      detail: row.detail as JsonObject,
    },
  };
}
