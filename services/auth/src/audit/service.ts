import type { AuditVerification } from '@psa/contracts/auth';
import type { EventEnvelope } from '@psa/contracts/events/envelope';
import { type ChainedEntry, chainEntry, GENESIS_HASH, verifyChain } from '@psa/domain/audit-chain';
import type { Database } from '@psa/service-kit/database';
import { onceEach } from '@psa/service-kit/inbox';
import { consumer, type ServiceDeps } from '@psa/service-kit/service';
import type { Worker } from '@psa/service-kit/worker';
import type { Static } from 'typebox';
import { type AuditEntryContent, chainedOf, entryOf } from './entry.ts';
import * as repository from './repository.ts';

/** Durable name of the consumer that records every event. */
export const AUDIT_CONSUMER = 'auth.audit';
/** Events recorded in one transaction: what makes thousands a second possible with one chain per tenant. */
const BATCH = 500;
/** Nobody waits for an entry of the log. */
const GATHER_MS = 200;

/** Appends events to the chains of their tenants, each once however often it is delivered. */
export function recordAudit(
  deps: Pick<ServiceDeps, 'db' | 'clock'>,
  events: readonly EventEnvelope[],
): Promise<void> {
  return onceEach(deps.db, AUDIT_CONSUMER, events, async (tx, fresh, tenantId) => {
    const head = await repository.lockHead(tx, tenantId, GENESIS_HASH);
    const now = deps.clock.now();
    let { seq, hash } = head;
    const chained: ChainedEntry<AuditEntryContent>[] = [];
    for (const event of fresh) {
      const entry = chainEntry(hash, entryOf(event, ++seq, now));
      hash = entry.hash;
      chained.push(entry);
    }
    await repository.append(tx, tenantId, chained);
  });
}

/** Listens to everything. */
export function auditConsumer(deps: ServiceDeps): Worker {
  return consumer(() =>
    deps.bus.subscribe({
      consumer: AUDIT_CONSUMER,
      topics: ['#'],
      handle: (event) => recordAudit(deps, [event]),
      handleBatch: (events) => recordAudit(deps, events),
      maxBatch: BATCH,
      gatherMs: GATHER_MS,
    }),
  );
}

const SLICE = 2_000;

/**
 * Walks the tenant's chain from its start to the head that it has now. Each slice is its own statement, and the
 * event loop gets its turn between them.
 */
export async function verifyAudit(db: Database, tenantId: string): Promise<Static<typeof AuditVerification>> {
  const scope = { tenant_id: tenantId, customer_id: null };
  const { head, strays } = await db.read(scope, (tx) => repository.head(tx, tenantId));
  const last = head?.seq ?? 0;
  let entries = 0;
  let hash = GENESIS_HASH;
  const broken = (seq: number, reason: string) => ({
    entries,
    intact: false,
    first_broken_seq: seq,
    reason,
    head_hash: head?.hash ?? null,
  });
  for (let after = 0; after < last; ) {
    const from = after;
    const rows = await db.read(scope, (tx) => repository.slice(tx, tenantId, from, last, SLICE));
    if (rows.length === 0) break;
    const verdict = verifyChain(
      rows.map((row) => chainedOf(tenantId, row)),
      hash,
    );
    if (!verdict.ok) {
      entries += verdict.index;
      // The number that should stand here: a removed entry is missed at its own place, not at the next one.
      return broken(entries + 1, verdict.reason);
    }
    entries += rows.length;
    hash = verdict.head;
    after = Number(rows.at(-1)!.seq);
  }
  // A head moved back, or none, must not hide the entries that were recorded after it.
  if (entries !== last || strays > 0 || (head && head.hash !== hash)) {
    return broken(entries + 1, 'head_differs');
  }
  return { entries, intact: true, first_broken_seq: null, reason: null, head_hash: head?.hash ?? null };
}
