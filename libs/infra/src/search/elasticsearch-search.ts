import { randomUUID } from 'node:crypto';
import { Client, errors, type estypes } from '@elastic/elasticsearch';
import type {
  SearchDocument,
  SearchHit,
  SearchIndex,
  SearchQuery,
  SearchResult,
} from '@psa/contracts/ports/search';
import { definition, definitionHash, ENGLISH, GERMAN, type TextField } from './elasticsearch-definition.ts';
import { fieldsOf, having, matching, resembling, variants, type Widened } from './elasticsearch-query.ts';
import { bestFragment, type Matcher, markAll } from './highlight.ts';
import { BATCH, CAP, counted, HIGHLIGHTED, MOST_CORRECTIONS, storable } from './limits.ts';
import {
  type Clause,
  exactForm,
  isDropped,
  parseQuery,
  type StopWords,
  type Term,
  withoutStopWords,
} from './query-text.ts';
import { fold, lower, mayBeMistyped, nearest } from './words.ts';

export interface ElasticsearchSearchOptions {
  /** `http(s)://[user:password@]host:port`; several of one cluster separated by commas. */
  readonly url: string;
  /** Name under which the index is read and written. Default `psa-search`. */
  readonly alias?: string;
}

type Ref = Parameters<SearchIndex['remove']>[0][number];

/** A document as it is stored. */
interface Source {
  readonly tenant_id: string;
  readonly type: string;
  readonly id: string;
  readonly updated_at: string;
  readonly removed: boolean;
  readonly customer_id?: string;
  readonly owner_ids?: readonly string[];
  readonly exact?: readonly string[];
  readonly title?: string;
  readonly keywords?: readonly string[];
  readonly body?: string;
  readonly internal?: string;
  readonly summary?: Readonly<Record<string, unknown>>;
}

/** A server takes requests up to 100 MB. */
const BATCH_CHARACTERS = 8_000_000;
const REQUEST_TIMEOUT_MS = 10_000;
/** Documents looked through for words like a mistyped one. */
const LOOKED_THROUGH = 50;
/** Text beyond is searched, but not looked through for matches to mark. */
const MARKED_TO = 100_000;
const STOPS_KEPT = 50_000;

/**
 * Search in Elasticsearch 9. All tenants share one index; every query is filtered by tenant, customer and owner
 * here, and goes to the tenant's shard. What was put is visible on return: each write refreshes.
 */
export class ElasticsearchSearch implements SearchIndex {
  readonly #client: Client;
  readonly #alias: string;
  readonly #stops = new Map<string, boolean>();
  // Where Elasticsearch marks words. Not the marks of the port: a text may have those.
  readonly #mark = randomUUID();

  constructor(options: ElasticsearchSearchOptions) {
    this.#client = new Client({
      nodes: options.url.split(','),
      requestTimeout: REQUEST_TIMEOUT_MS,
      // Once more, at another node where there is one. The three of the default keep an asker waiting for 7 s.
      maxRetries: 1,
    });
    this.#alias = options.alias ?? 'psa-search';
  }

  /** @throws when the alias leads to an index of another definition */
  async prepare(): Promise<void> {
    const index = `${this.#alias}-${definitionHash}`;
    if (!(await this.#client.indices.existsAlias({ name: this.#alias }))) {
      await this.#client.indices
        .create({ index, aliases: { [this.#alias]: {} }, ...structuredClone(definition) } as never)
        .catch((error: unknown) => {
          // Another process was faster.
          if (errorType(error) !== 'resource_already_exists_exception') throw error;
        });
    }
    const found = Object.keys(await this.#client.indices.getAlias({ name: this.#alias }));
    if (found.length !== 1 || found[0] !== index) {
      throw new Error(
        `The search index "${this.#alias}" leads to ${found.join(', ')}, not to ${index} of this release: ` +
          'delete it, start again, and fill it by POST /api/v1/search/reindex.',
      );
    }
    await this.ping();
  }

  async put(documents: readonly SearchDocument[]): Promise<void> {
    await this.#write(documents.map((doc) => ({ source: sourceOf(doc), version: doc.version })));
  }

  async remove(refs: readonly Ref[]): Promise<void> {
    const updated_at = new Date().toISOString();
    await this.#write(
      refs.map(({ tenant_id, type, id, version }) => ({
        source: { tenant_id, type, id, updated_at, removed: true },
        version,
      })),
    );
  }

  async query(query: SearchQuery): Promise<SearchResult> {
    const parsed = parseQuery(query.text);
    const empty: SearchResult = { hits: [], total: 0, total_relation: 'eq', corrected: {} };
    if (parsed.clauses.length === 0) return empty;
    const stops = await this.#stopWords(parsed.clauses.flat().map((term) => term.word));
    const clauses = withoutStopWords(parsed.clauses, stops);
    if (clauses.length === 0) return empty;
    const find = (widened: Widened) =>
      this.#find(query, matching(query, clauses, parsed.identifiers, widened));
    const found = await find(new Map());
    if (found.total > 0) return { ...found, corrected: {} };
    const chosen = await this.#widen(query, clauses, stops);
    if (chosen.size === 0) return empty;
    const corrected = Object.fromEntries([...chosen].map(([term, words]) => [term.typed, words]));
    return {
      ...(await find(new Map([...chosen].map(([term, words]) => [term.folded, words])))),
      corrected,
    };
  }

  /** @throws unless the index can be read and written */
  async ping(): Promise<void> {
    const health = await this.#client.cluster.health(
      { index: this.#alias, wait_for_status: 'yellow', timeout: '2s' },
      { maxRetries: 0, requestTimeout: 3_000, ignore: [408] },
    );
    if (health.timed_out !== false || health.status === 'red') {
      throw new Error(`The search index "${this.#alias}" is not available.`);
    }
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** Older versions than the stored one are ignored: `external_gte` compares, the conflict is the answer. */
  async #write(writes: readonly { source: Source; version: number }[]): Promise<void> {
    for (const batch of batches(writes)) {
      const { items, errors: failed } = await this.#client.bulk({
        index: this.#alias,
        require_alias: true,
        refresh: true,
        operations: batch.flatMap(({ source, version }) => [
          {
            index: {
              _id: `${source.tenant_id}/${source.type}/${source.id}`,
              routing: source.tenant_id,
              version,
              version_type: 'external_gte' as const,
            },
          },
          source,
        ]),
      });
      if (!failed) continue;
      const refused = items.map((item) => item.index!).find((item) => item.error && item.status !== 409);
      if (refused) {
        throw new Error(`Unable to index ${refused._id}: ${refused.error!.type}: ${refused.error!.reason}`);
      }
    }
  }

  /** The page's hits, and the matches in all. */
  async #find(
    query: SearchQuery,
    matches: estypes.QueryDslQueryContainer,
  ): Promise<Pick<SearchResult, 'hits' | 'total' | 'total_relation'>> {
    const from = Math.min(query.offset, CAP);
    const size = Math.min(query.limit, CAP - from);
    const fields = fieldsOf(query);
    const first = await this.#page(query, matches, fields, from, Math.min(size, HIGHLIGHTED));
    const rest =
      size > HIGHLIGHTED && first.hits.length === HIGHLIGHTED
        ? await this.#page(query, matches, ['title'], from + HIGHLIGHTED, size - HIGHLIGHTED)
        : { hits: [] };
    return { hits: [...first.hits, ...rest.hits], ...counted(first.total) };
  }

  async #page(
    { tenant_id }: SearchQuery,
    matches: estypes.QueryDslQueryContainer,
    fields: readonly TextField[],
    from: number,
    size: number,
  ): Promise<{ hits: SearchHit[]; total: number }> {
    const texts = fields.filter((field) => field !== 'keywords');
    const { hits } = await this.#client.search<Source>({
      index: this.#alias,
      routing: tenant_id,
      allow_partial_search_results: false,
      query: matches,
      from,
      size,
      sort: ['_score', { updated_at: 'desc' }, { id: 'desc' }],
      track_scores: true,
      track_total_hits: CAP + 1,
      _source: ['type', 'id', 'summary', 'updated_at', 'title', ...texts],
      highlight: this.#highlight(texts.flatMap(variants)),
    });
    const total = hits.total as estypes.SearchTotalHits;
    return { hits: hits.hits.map((hit) => this.#hit(hit, texts)), total: total.value };
  }

  /** Elasticsearch says which words match; the fragment is cut and marked here, as plain text. */
  #hit(hit: estypes.SearchHit<Source>, texts: readonly TextField[]): SearchHit {
    const source = hit._source!;
    const found = new Set(this.#markedWords(hit));
    const matches: Matcher = (word) => found.has(lower(word));
    const body = texts.includes('body') ? bestFragment(source.body ?? '', matches) : { text: '', hits: 0 };
    const internal = body.hits === 0 ? bestFragment(source.internal ?? '', matches) : body;
    return {
      type: source.type,
      id: source.id,
      score: Math.round(hit._score! * 10_000) / 10_000,
      title: source.title!,
      highlights: {
        title: markAll(source.title!, matches),
        body: internal.hits > 0 ? internal.text : body.text,
      },
      summary: source.summary ?? {},
      updated_at: source.updated_at,
    };
  }

  #highlight(fields: readonly string[]): estypes.SearchHighlight {
    return {
      pre_tags: [`<${this.#mark}>`],
      post_tags: [`</${this.#mark}>`],
      number_of_fragments: 5,
      fragment_size: 150,
      max_analyzed_offset: MARKED_TO,
      fields: Object.fromEntries(fields.map((field) => [field, {}])),
    };
  }

  /** Words that Elasticsearch marked in a hit, lower case. */
  #markedWords(hit: estypes.SearchHit<unknown>): string[] {
    const marked = new RegExp(`<${this.#mark}>(.*?)</${this.#mark}>`, 'gsu');
    return Object.values(hit.highlight ?? {})
      .flat()
      .flatMap((fragment) => [...fragment.matchAll(marked)].map((match) => lower(match[1]!)));
  }

  /**
   * Similar words for the terms that occur nowhere; empty where that cannot help. Only words in documents that
   * the asker may see: they are read from the matches.
   */
  async #widen(
    query: SearchQuery,
    clauses: readonly Clause[],
    stops: StopWords,
  ): Promise<Map<Term, string[]>> {
    const terms = clauses.flat().filter((term) => !isDropped(term, stops));
    const present = await this.#each(query, terms, (term) => ({
      query: having(query, term),
      size: 0,
      terminate_after: 1,
    }));
    const unknown = terms.filter((_, i) => (present[i]!.total as estypes.SearchTotalHits).value === 0);
    // A number or key that occurs nowhere: nothing can match all terms.
    if (unknown.length === 0 || unknown.some((term) => !mayBeMistyped(term.folded))) return new Map();
    const similar = await this.#each(query, unknown, (term) => ({
      query: resembling(query, term),
      size: LOOKED_THROUGH,
      _source: false,
      highlight: this.#highlight(fieldsOf(query)),
    }));
    const chosen = new Map<Term, string[]>();
    for (const [i, term] of unknown.entries()) {
      const shown = new Map<string, string>();
      for (const word of similar[i]!.hits.flatMap((hit) => this.#markedWords(hit))) {
        if (!shown.has(fold(word))) shown.set(fold(word), word);
      }
      const words = nearest(term.folded, [...shown.keys()], MOST_CORRECTIONS);
      if (words.length === 0) return new Map();
      chosen.set(
        term,
        words.map((word) => shown.get(word)!),
      );
    }
    return chosen;
  }

  /** A search for each term in one request. */
  async #each(
    { tenant_id }: SearchQuery,
    terms: readonly Term[],
    search: (term: Term) => estypes.SearchSearchRequestBody,
  ): Promise<estypes.SearchHitsMetadata<unknown>[]> {
    const { responses } = await this.#client.msearch({
      index: this.#alias,
      searches: terms.flatMap((term) => [
        { routing: tenant_id, allow_partial_search_results: false },
        { track_total_hits: true, ...search(term) },
      ]),
    });
    return responses.map((response) => {
      if ('error' in response)
        throw new Error(`Unable to search: ${response.error.type}: ${response.error.reason}`);
      return response.hits;
    });
  }

  /** Which words Elasticsearch's own stop lists have. Asked once for each word. */
  async #stopWords(words: readonly string[]): Promise<StopWords> {
    const missing = [...new Set(words)].filter((word) => !this.#stops.has(word));
    if (missing.length > 0) {
      const left = await Promise.all([this.#analyzed(GERMAN, missing), this.#analyzed(ENGLISH, missing)]);
      if (this.#stops.size > STOPS_KEPT) this.#stops.clear();
      for (const [i, word] of missing.entries()) {
        this.#stops.set(
          word,
          left.some((places) => !places.has(i)),
        );
      }
    }
    const known = new Map(words.map((word) => [word, this.#stops.get(word) ?? false]));
    return { isStop: (word) => known.get(word) ?? false };
  }

  /** Places of the words that an analyzer leaves. */
  async #analyzed(analyzer: string, words: readonly string[]): Promise<Set<number>> {
    const { tokens } = await this.#client.indices.analyze({
      index: this.#alias,
      analyzer,
      text: words.join(' '),
    });
    return new Set(tokens?.map((token) => token.position));
  }
}

function sourceOf(doc: SearchDocument): Source {
  return {
    tenant_id: doc.tenant_id,
    type: doc.type,
    id: doc.id,
    ...(doc.customer_id === null ? {} : { customer_id: doc.customer_id }),
    owner_ids: doc.owner_ids,
    updated_at: doc.updated_at,
    removed: false,
    exact: doc.keywords.map(exactForm).filter(Boolean),
    title: storable(doc.title),
    keywords: doc.keywords.map(storable),
    body: storable(doc.body),
    internal: storable(doc.internal),
    summary: doc.summary,
  };
}

function* batches<T>(writes: readonly T[]): Generator<T[]> {
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

const errorType = (error: unknown) =>
  error instanceof errors.ResponseError
    ? (error.body as { error?: { type?: string } })?.error?.type
    : undefined;
