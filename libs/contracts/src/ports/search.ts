/** What is put into the search index: one document per business object. */
export interface SearchDocument {
  readonly tenant_id: string;
  /** `ticket`, `customer`, `contact`, … */
  readonly type: string;
  readonly id: string;
  /** The customer whose users may find it; null: staff only. */
  readonly customer_id: string | null;
  readonly title: string;
  readonly body: string;
  /** Text that staff may find it by and customers may not (internal notes). */
  readonly internal: string;
  /** Exact tokens: ticket number, e-mail address, customer number. */
  readonly keywords: readonly string[];
  /** Small object shown in a hit without another look-up. */
  readonly summary: Readonly<Record<string, unknown>>;
  /** Its status, empty for what has none, and whether it goes on. What goes on comes before what is over. */
  readonly state?: { readonly status: string; readonly open: boolean };
  /** Monotonic per object: an older version never replaces a newer one. */
  readonly version: number;
  readonly updated_at: string;
}

/** Expressions that mean the same, of one word or a few: each group is asked for as a whole. */
export type SynonymGroups = readonly (readonly string[])[];

/** What of the matches is wanted. */
export interface SearchFilter {
  /** In one of these statuses; objects without a status are none of them. */
  readonly statuses?: readonly string[];
  readonly customer_id?: string;
  /** Changed at this instant or later. */
  readonly updated_after?: string;
  /** Changed before this instant. */
  readonly updated_before?: string;
}

export interface SearchQuery {
  readonly tenant_id: string;
  /** Set for portal users: only documents of this customer, never `internal` text. */
  readonly customer_id: string | null;
  readonly text: string;
  readonly types?: readonly string[];
  /** Of one type only these objects, at most 5,000; other types are found as ever. */
  readonly only?: { readonly type: string; readonly ids: readonly string[] };
  readonly filter?: SearchFilter;
  /** Best first (the default), or last changed first. */
  readonly sort?: 'relevance' | 'newest';
  readonly synonyms?: SynonymGroups;
  /** What ages are reckoned from. Default: this moment. */
  readonly now?: string;
  readonly limit: number;
  readonly offset: number;
}

/** What {@link SearchIndex.matches} is asked: as a query, for all matches of one type. */
export interface MatchQuery
  extends Omit<SearchQuery, 'types' | 'only' | 'filter' | 'sort' | 'now' | 'limit' | 'offset'> {
  readonly type: string;
  /** Only these objects; at most 5,000. */
  readonly ids?: readonly string[];
  /** Only objects of this customer, where staff filter by one. */
  readonly only_customer?: string;
  /** Where there are more matches than this, none are named. */
  readonly most: number;
  /** Where there are more, the newest are named all the same. */
  readonly newest?: boolean;
}

/** Ids of all matches, for a list that filters, sorts and counts them by itself. */
export interface Matches {
  /** Those that have the text as a whole keyword, those with all words in title and keywords, the others. */
  readonly tiers: readonly [readonly string[], readonly string[], readonly string[]];
  /** True when there are more than `most`. */
  readonly more: boolean;
  readonly corrected: SearchResult['corrected'];
}

export interface SearchHit {
  readonly type: string;
  readonly id: string;
  readonly score: number;
  readonly title: string;
  /** Plain-text fragments, for the first 100 hits of an answer (later ones: title only); matches stand between U+E000 and U+E001 (private use), for the caller to mark up safely. */
  readonly highlights: { readonly title: string; readonly body: string };
  readonly summary: Readonly<Record<string, unknown>>;
  readonly updated_at: string;
}

export interface SearchResult {
  readonly hits: readonly SearchHit[];
  /** Matches in all, counted up to a cap; `total_relation` says whether it is exact. */
  readonly total: number;
  readonly total_relation: 'eq' | 'gte';
  /** Terms that were widened to similar words because nothing matched them as typed. */
  readonly corrected: Readonly<Record<string, readonly string[]>>;
}

/** A text that the index cannot take, or cannot look for: it is the reason, and trying again does not help. */
export class TextRefused extends Error {}

/** Marks around a match in highlights. */
export const HIGHLIGHT_START = '\uE000';
export const HIGHLIGHT_END = '\uE001';

/**
 * Full-text search in German and English with stemming, synonyms, parts of compounds, prefix of the last word, typo tolerance and
 * highlighting; pairs of letters in scripts without spaces; numbers without their signs. Adapters: PostgreSQL and Elasticsearch; both pass `search.contract.ts` of the test kit.
 */
export interface SearchIndex {
  /** Creates what the index needs; safe to call again. */
  prepare(): Promise<void>;
  /**
   * Adds or replaces documents; an older `version` than the stored one is ignored. Visible to queries on return.
   * @throws {TextRefused}
   */
  put(documents: readonly SearchDocument[]): Promise<void>;
  remove(refs: readonly { tenant_id: string; type: string; id: string; version: number }[]): Promise<void>;
  /** The best matches, up to the 1,000th. @throws {TextRefused} */
  query(query: SearchQuery): Promise<SearchResult>;
  /** All matches, in no order within a tier. */
  matches(query: MatchQuery): Promise<Matches>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
