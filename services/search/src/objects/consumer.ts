import type { EventEnvelope } from '@psa/contracts/events/envelope';
import { type SearchDocument, TextRefused } from '@psa/contracts/ports/search';
import type { Tx } from '@psa/service-kit/database';
import { onceEach } from '@psa/service-kit/inbox';
import { consumer, type ServiceDeps } from '@psa/service-kit/service';
import type { Worker } from '@psa/service-kit/worker';
import { bareDocument, type Change, changeOf, documentOf } from './domain.ts';
import { type LoadedObject, loadObjects, loadTexts, saveObjects, saveText } from './repository.ts';

const INDEX_CONSUMER = 'search.index';
/** While much happens, a ticket is found this much later at most. */
const GATHER_MS = 150;

type Deps = Pick<ServiceDeps, 'db' | 'bus' | 'searchIndex' | 'log'>;

/** Keeps the index up to date with tickets, customers and contacts. */
export function indexConsumer(deps: Deps): Worker {
  const handle = (events: readonly EventEnvelope[]) => indexEvents(deps, events);
  return consumer(() =>
    deps.bus.subscribe({
      consumer: INDEX_CONSUMER,
      topics: ['ticket.#', 'customer.#', 'contact.#'],
      handle: (event) => handle([event]),
      handleBatch: handle,
      maxBatch: 200,
      gatherMs: GATHER_MS,
    }),
  );
}

/**
 * Stores what events tell and puts the documents that follow into the index, before the transaction commits: if
 * the index is away the events come again, and a put that went through twice is the same document.
 */
export async function indexEvents(deps: Deps, events: readonly EventEnvelope[]): Promise<void> {
  await onceEach(deps.db, INDEX_CONSUMER, events, async (tx, fresh, tenantId) => {
    const changes = fresh.flatMap((event) => changeOf(event) ?? []);
    // Always in the same order: two batches lock the same objects one after the other.
    const ordered = changes
      .map((change, i) => ({ change, key: `${change.object.type}/${change.object.id}`, i }))
      .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.i - b.i));
    // Sent one behind the other without waiting: a batch is one round trip. The connection keeps their order.
    await Promise.all([
      ...rounds(ordered).map((changes) => saveObjects(tx, tenantId, changes)),
      ...changes.flatMap(({ texts }) => texts.map((text) => saveText(tx, tenantId, text))),
    ]);
    const refs = new Map(
      ordered.map(({ change, key }) => [key, { type: change.object.type, id: change.object.id }]),
    );
    if (refs.size > 0)
      await putObjects(deps, tx, tenantId, await loadObjects(tx, tenantId, [...refs.values()]));
  });
}

/** Changes in statements: the first of each object, then the second … A statement can write a row only once. */
function rounds(ordered: readonly { readonly key: string; readonly change: Change }[]): Change[][] {
  const rounds: Change[][] = [];
  let [last, turn] = ['', 0];
  for (const { key, change } of ordered) {
    turn = key === last ? turn + 1 : 0;
    last = key;
    (rounds[turn] ??= []).push(change);
  }
  return rounds;
}

/**
 * Puts documents. One that the index refuses keeps none of the others out, and is found all the same: by what of it can
 * be indexed.
 */
async function putDocuments(
  deps: Pick<ServiceDeps, 'searchIndex' | 'log'>,
  documents: readonly SearchDocument[],
): Promise<void> {
  try {
    await deps.searchIndex.put(documents);
  } catch (error) {
    if (!(error instanceof TextRefused)) throw error;
    if (documents.length > 1) {
      for (const one of documents) await putDocuments(deps, [one]);
      return;
    }
    const { type, id } = documents[0]!;
    deps.log.warn({ err: error, type, id }, 'indexed without its texts: the index refuses them');
    await deps.searchIndex.put([bareDocument(documents[0]!)]);
  }
}

/** Puts the documents of objects into the index; deleted ones are taken out. */
export async function putObjects(
  deps: Pick<ServiceDeps, 'searchIndex' | 'log'>,
  tx: Tx,
  tenantId: string,
  objects: readonly LoadedObject[],
): Promise<void> {
  const [gone, present] = [objects.filter((one) => one.deleted), objects.filter((one) => !one.deleted)];
  const tickets = present.filter((one) => one.object.type === 'ticket').map((one) => one.object.id);
  const texts = tickets.length > 0 ? await loadTexts(tx, tenantId, tickets) : new Map();
  await putDocuments(
    deps,
    present.map((one) => documentOf(one, texts.get(one.object.id) ?? [])),
  );
  await deps.searchIndex.remove(
    gone.map((one) => ({
      tenant_id: tenantId,
      type: one.object.type,
      id: one.object.id,
      version: one.revision,
    })),
  );
}
