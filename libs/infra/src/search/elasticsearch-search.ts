import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type estypes } from '@elastic/elasticsearch';
import {
  type Matches,
  type MatchQuery,
  type SearchDocument,
  type SearchHit,
  type SearchIndex,
  type SearchQuery,
  type SearchResult,
  TextRefused,
} from '@psa/contracts/ports/search';
import { fold, lower } from '@psa/domain/text';
import type { AdapterLog } from '../log.ts';
import { partsOf } from './compounds.ts';
import { definition, definitionHash, type TextField } from './elasticsearch-definition.ts';
import { batches, errorType, refusal, type Source, sourceOf, titleKey } from './elasticsearch-document.ts';
import {
  type Asker,
  BY_HEAD,
  BY_KEYWORD,
  fieldsOf,
  having,
  matching,
  resembling,
  variants,
  type Widened,
} from './elasticsearch-query.ts';
import { ElasticsearchStops } from './elasticsearch-stops.ts';
import { bestFragment, type Matcher, markAll } from './highlight.ts';
import { CAP, counted, HIGHLIGHTED, MOST_CORRECTIONS } from './limits.ts';
import { ofType } from './of-type.ts';
import {
  type Group,
  isDropped,
  parseQuery,
  type StopWords,
  type Term,
  termsIn,
  withoutStopWords,
} from './query-text.ts';
import { alsoMeant, groupOf, listedWords, withSynonyms } from './synonyms.ts';
import { mayBeMistyped, nearest } from './words.ts';

export interface ElasticsearchSearchOptions {
  /** `http(s)://[user:password@]host:port`; several of one cluster separated by commas. */
  readonly url: string;
  /** Name under which the index is read and written. Default `psa-search`. */
  readonly alias?: string;
}

type Ref = Parameters<SearchIndex['remove']>[0][number];

const REQUEST_TIMEOUT_MS = 10_000;
/** Between two tries to make the index. */
const RETRY_MS = 2_000;
/** Documents looked through for words like a mistyped one. */
const LOOKED_THROUGH = 50;
/** Text beyond is searched, but not looked through for matches to mark. */
const MARKED_TO = 100_000;
/** Matches of one answer; the server's `max_result_window`. */
const WINDOW = 10_000;

/**
 * Search in Elasticsearch 9. All tenants share one index; every query is filtered by tenant, customer and
 * what of a type may be seen here, and goes to the tenant's shard. What was put is visible on return: each write refreshes.
 */
export class ElasticsearchSearch implements SearchIndex {
  readonly #client: Client;
  readonly #alias: string;
  readonly #stops: ElasticsearchStops;
  // Where Elasticsearch marks words. Not the marks of the port: a text may have those.
  readonly #mark = randomUUID();
  readonly #closing = new AbortController();
  /** Whether the alias was seen to lead to the index of this release. */
  #isOurs = false;

  constructor(options: ElasticsearchSearchOptions) {
    this.#client = new Client({
      nodes: options.url.split(','),
      requestTimeout: REQUEST_TIMEOUT_MS,
      // Once more, at another node where there is one. The three of the default keep an asker waiting for 7 s.
      maxRetries: 1,
    });
    this.#alias = options.alias ?? 'psa-search';
    this.#stops = new ElasticsearchStops(this.#client, this.#alias);
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
    await this.#check();
    await this.ping();
  }

  /** Prepares as soon as Elasticsearch is there, and says what keeps it from that. Until then `ping` fails. */
  async prepareWhenThere(log: AdapterLog): Promise<void> {
    const { signal } = this.#closing;
    for (let said = ''; !signal.aborted; ) {
      try {
        await this.prepare();
        if (said !== '') log.info('Elasticsearch: the index is ready.');
        return;
      } catch (error) {
        const { message } = error as Error;
        if (message !== said && !signal.aborted) log.warn(`Elasticsearch: ${message}`);
        said = message;
      }
      await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
    }
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
    const empty: SearchResult = { hits: [], total: 0, total_relation: 'eq', corrected: {} };
    const { found, corrected } = await this.#ask(
      query,
      (matches) => this.#find(query, matches),
      (one) => one.total === 0,
    );
    return found === null ? empty : { ...found, corrected };
  }

  async matches(query: MatchQuery): Promise<Matches> {
    const none: Matches = { tiers: [[], [], []], more: false, corrected: {} };
    const { found, corrected } = await this.#ask(
      ofType(query),
      (matches) => this.#all(query, matches),
      (one) => !one.more && one.tiers.every((tier) => tier.length === 0),
    );
    return found === null ? none : { ...found, corrected };
  }

  /** Asks for a text, and once more with similar words where that finds nothing. Null: it asks for nothing. */
  async #ask<T>(
    query: Asker & Pick<SearchQuery, 'text' | 'synonyms' | 'filter' | 'now'>,
    find: (matches: estypes.QueryDslQueryContainer) => Promise<T>,
    isEmpty: (found: T) => boolean,
  ): Promise<{ found: T | null; corrected: Record<string, readonly string[]> }> {
    const parsed = parseQuery(query.text);
    if (parsed.groups.length === 0) return { found: null, corrected: {} };
    const asked = withSynonyms(parsed.groups, query.synonyms);
    const stops = await this.#stops.of(termsIn(asked).map((term) => term.word));
    const groups = withoutStopWords(asked, stops);
    const exact = [...parsed.identifiers, ...titleKey(query.text)];
    if (groups.length === 0) return { found: null, corrected: {} };
    const by = (widened: Widened) => find(matching(query, groups, exact, widened)).catch(refusal);
    const found = await by(new Map());
    if (!isEmpty(found)) return { found, corrected: {} };
    const { chosen, corrected } = await this.#widen(query, groups, stops);
    if (chosen.size === 0) return { found, corrected: {} };
    return { found: await by(chosen), corrected };
  }

  /** @throws unless the index can be read and written */
  async ping(): Promise<void> {
    if (!this.#isOurs) await this.#check();
    const health = await this.#client.cluster.health(
      { index: this.#alias, wait_for_status: 'yellow', timeout: '2s' },
      { maxRetries: 0, requestTimeout: 3_000, ignore: [408] },
    );
    if (health.timed_out !== false || health.status === 'red') {
      throw new Error(`The search index "${this.#alias}" is not available.`);
    }
  }

  close(): Promise<void> {
    this.#closing.abort();
    return this.#client.close();
  }

  async #check(): Promise<void> {
    const index = `${this.#alias}-${definitionHash}`;
    const found = Object.keys(await this.#client.indices.getAlias({ name: this.#alias }));
    this.#isOurs = found.length === 1 && found[0] === index;
    if (!this.#isOurs) {
      throw new Error(
        `The search index "${this.#alias}" leads to ${found.join(', ')}, not to ${index} of this release: ` +
          'delete it and fill the new one by POST /api/v1/search/reindex.',
      );
    }
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
        const message = `Unable to index ${refused._id}: ${refused.error!.type}: ${refused.error!.reason}`;
        throw refused.status === 400 ? new TextRefused(message) : new Error(message);
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

  /** All matches, a page after the other. */
  async #all(
    { tenant_id, most, newest = false }: MatchQuery,
    query: estypes.QueryDslQueryContainer,
  ): Promise<Omit<Matches, 'corrected'>> {
    const tiers: [string[], string[], string[]] = [[], [], []];
    const seen = new Set<string>();
    let after: estypes.SortResults | undefined;
    for (let more = false; ; ) {
      const { hits } = await this.#client.search<unknown>({
        index: this.#alias,
        routing: tenant_id,
        allow_partial_search_results: false,
        query,
        size: WINDOW,
        sort: [{ updated_at: 'desc' }, { id: 'desc' }],
        track_total_hits: most + 1,
        _source: false,
        docvalue_fields: ['id'],
        ...(after === undefined ? {} : { search_after: after }),
      });
      if (after === undefined) more = (hits.total as estypes.SearchTotalHits).value > most;
      if (more && !newest) return { tiers: [[], [], []], more };
      for (const hit of hits.hits) {
        const [id] = (hit.fields as { id: string[] }).id as [string];
        const named = (hit.matched_queries ?? []) as string[];
        // A document that was changed between two pages may come twice.
        if (!seen.has(id)) tiers[named.includes(BY_KEYWORD) ? 0 : named.includes(BY_HEAD) ? 1 : 2].push(id);
        seen.add(id);
      }
      after = hits.hits.at(-1)?.sort;
      if (hits.hits.length < WINDOW || seen.size >= most || after === undefined) return { tiers, more };
    }
  }

  async #page(
    { tenant_id, sort }: SearchQuery,
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
      sort: [...(sort === 'newest' ? [] : ['_score']), { updated_at: 'desc' }, { id: 'desc' }],
      track_scores: true,
      track_total_hits: CAP + 1,
      _source: [
        'type',
        'id',
        'summary',
        'updated_at',
        ...['title', ...texts].map((field) => `shown.${field}`),
      ],
      highlight: this.#highlight(texts.flatMap(variants)),
    });
    const total = hits.total as estypes.SearchTotalHits;
    return { hits: hits.hits.map((hit) => this.#hit(hit, texts)), total: total.value };
  }

  /** Elasticsearch says which words match; the fragment is cut and marked here, as plain text. */
  #hit(hit: estypes.SearchHit<Source>, texts: readonly TextField[]): SearchHit {
    const source = hit._source!;
    const found = new Set(this.#markedWords(hit));
    const matches: Matcher = (text) => {
      const word = lower(text);
      return found.has(word) || partsOf(fold(word)).some((part) => found.has(part));
    };
    const { title = '', body: text = '', internal: notes = '' } = source.shown ?? {};
    const body = texts.includes('body') ? bestFragment(text, matches) : { text: '', hits: 0 };
    const internal = body.hits === 0 ? bestFragment(notes, matches) : body;
    return {
      type: source.type,
      id: source.id,
      score: Math.round(hit._score! * 10_000) / 10_000,
      title,
      highlights: {
        title: markAll(title, matches),
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
   * Similar words for the terms that occur nowhere, or, where all occur but not together, for each; empty where that
   * cannot help. Only words in documents that the asker may see: they are read from the matches.
   */
  async #widen(
    query: Asker & Pick<SearchQuery, 'synonyms'>,
    groups: readonly Group[],
    stops: StopWords,
  ): Promise<{ chosen: Map<string, readonly string[]>; corrected: Record<string, readonly string[]> }> {
    const nothing = { chosen: new Map<string, readonly string[]>(), corrected: {} };
    const terms = termsIn(groups).filter((term) => !isDropped(term, stops));
    const present = await this.#each(query, terms, (term) => ({
      query: having(query, groupOf(groups, term)),
      size: 0,
      terminate_after: 1,
    }));
    const unknown = terms.filter((_, i) => (present[i]!.total as estypes.SearchTotalHits).value === 0);
    // A number or key that occurs nowhere: nothing can match all terms.
    if (unknown.some((term) => !mayBeMistyped(term.folded) || term.dense)) return nothing;
    if (unknown.length === 0 && terms.length < 2) return nothing;
    const doubtful =
      unknown.length > 0 ? unknown : terms.filter((term) => mayBeMistyped(term.folded) && !term.dense);
    if (doubtful.length === 0) return nothing;
    const similar = await this.#each(query, doubtful, (term) => ({
      query: resembling(query, term),
      size: LOOKED_THROUGH,
      _source: false,
      highlight: this.#highlight(fieldsOf(query)),
    }));
    const chosen = new Map<string, readonly string[]>();
    const corrected: Record<string, readonly string[]> = {};
    for (const [i, term] of doubtful.entries()) {
      const shown = new Map<string, string>();
      for (const word of similar[i]!.hits.flatMap((hit) => this.#markedWords(hit))) {
        if (!shown.has(fold(word))) shown.set(fold(word), word);
      }
      let words = nearest(term.folded, [...shown.keys()], MOST_CORRECTIONS);
      if (words.length === 0 && unknown.length > 0)
        words = nearest(term.folded, listedWords(query.synonyms), MOST_CORRECTIONS);
      if (words.length === 0 && unknown.length > 0) return nothing;
      if (words.length === 0) continue;
      const instead = words.map((word) => shown.get(word) ?? word);
      const meant = [...instead, ...alsoMeant(instead, query.synonyms)];
      chosen.set(term.folded, unknown.length > 0 ? meant : [term.word, ...meant]);
      corrected[term.typed] = instead;
    }
    return { chosen, corrected };
  }

  /** A search for each term in one request. */
  async #each(
    { tenant_id }: Asker,
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
}
