import { errors } from '@elastic/elasticsearch';
import { type SearchDocument, TextRefused } from '@psa/contracts/ports/search';
import { storable } from '@psa/domain/text';
import { OPEN } from './elasticsearch-definition.ts';
import { BATCH } from './limits.ts';
import { prepared } from './prepared.ts';
import { exactForm, titleHash } from './query-text.ts';

/** A document as it is stored. */
export interface Source {
  readonly tenant_id: string;
  readonly type: string;
  readonly id: string;
  readonly updated_at: string;
  readonly removed: boolean;
  readonly customer_id?: string;
  readonly state?: readonly string[];
  readonly exact?: readonly string[];
  readonly title?: readonly string[];
  readonly keywords?: readonly string[];
  readonly body?: readonly string[];
  readonly internal?: readonly string[];
  readonly shown?: { readonly title: string; readonly body: string; readonly internal: string };
  readonly summary?: Readonly<Record<string, unknown>>;
}

/** A whole title among the keywords; no keyword begins with such a sign. */
export function titleKey(title: string): string[] {
  const hash = titleHash(title);
  return hash === null ? [] : [`~${hash}`];
}

/** A server takes requests up to 100 MB. */
const BATCH_CHARACTERS = 8_000_000;

/** A document in the form of the index. */
export function sourceOf(doc: SearchDocument): Source {
  return {
    tenant_id: doc.tenant_id,
    type: doc.type,
    id: doc.id,
    ...(doc.customer_id === null ? {} : { customer_id: doc.customer_id }),
    updated_at: doc.updated_at,
    removed: false,
    state: [...(doc.state?.status ? [doc.state.status] : []), ...(doc.state?.open ? [OPEN] : [])],
    exact: [...doc.keywords.map(exactForm).filter(Boolean), ...titleKey(doc.title)],
    title: prepared(doc.title),
    keywords: doc.keywords.flatMap(prepared),
    body: prepared(doc.body),
    internal: prepared(doc.internal),
    shown: { title: storable(doc.title), body: storable(doc.body), internal: storable(doc.internal) },
    summary: doc.summary,
  };
}

/** Writes in requests of at most 500 documents and about 8 MB. */
export function* batches<T>(writes: readonly T[]): Generator<T[]> {
  let batch: T[] = [];
  let size = 0;
  for (const one of writes) {
    const length = JSON.stringify(one).length;
    if (batch.length === BATCH || (batch.length > 0 && size + length > BATCH_CHARACTERS)) {
      yield batch;
      [batch, size] = [[], 0];
    }
    batch.push(one);
    size += length;
  }
  if (batch.length > 0) yield batch;
}

/** What the server calls an error. */
export const errorType = (error: unknown) =>
  error instanceof errors.ResponseError
    ? (error.body as { error?: { type?: string } })?.error?.type
    : undefined;

/** A query that the server calls wrong: its text is the reason. */
export function refusal(error: unknown): never {
  if (error instanceof errors.ResponseError && error.statusCode === 400)
    throw new TextRefused(error.message, { cause: error });
  throw error;
}
