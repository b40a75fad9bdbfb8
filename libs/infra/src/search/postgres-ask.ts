import type { Matches, MatchQuery, SearchHit, SearchQuery } from '@psa/contracts/ports/search';
import { fold } from '@psa/domain/text';
import type { TransactionSql } from 'postgres';
import { bestFragment, type Matcher, markAll } from './highlight.ts';
import { CAP, HIGHLIGHTED, MOST_CORRECTIONS } from './limits.ts';
import { glance, type PostgresForms } from './postgres-forms.ts';
import {
  exactQuery,
  groupQuery,
  lexemesOfWord,
  matchQuery,
  OPEN_QUERY,
  stateQuery,
  type Wording,
} from './postgres-lexemes.ts';
import type { PostgresStems, Stems } from './postgres-stems.ts';
import { type Group, isDropped, synonymsIn, type Term, termsIn } from './query-text.ts';
import { alsoMeant, groupOf, listedWords } from './synonyms.ts';
import { mayBeMistyped, nearest, shortened } from './words.ts';

interface SimilarWord {
  readonly word: string;
  readonly shown: string;
}

interface Hit {
  readonly type: string;
  readonly id: string;
  readonly score: number;
  readonly title: string;
  readonly body: string;
  readonly internal: string;
  readonly summary: unknown;
  readonly updated_at: unknown;
}

/** Similar words looked at for each that occurs nowhere. */
const MOST_CANDIDATES = 60;
/** Two wrong letters are forgiven from here on. */
const SHORTEST_BY_TRIGRAM = 6;

/** One query under way, in its transaction. */
export class PostgresAsk {
  readonly corrected: Record<string, string[]> = {};
  readonly #sql: TransactionSql;
  readonly #schema: string;
  readonly #query: Omit<SearchQuery, 'limit' | 'offset'>;
  readonly #groups: readonly Group[];
  readonly #identifiers: readonly string[];
  readonly #cache: PostgresStems;
  readonly #forms: PostgresForms;
  readonly #widened = new Map<string, readonly string[]>();
  #stems: Stems;

  constructor(
    sql: TransactionSql,
    schema: string,
    query: Omit<SearchQuery, 'limit' | 'offset'>,
    parsed: { readonly groups: readonly Group[]; readonly identifiers: readonly string[] },
    words: { readonly stems: Stems; readonly lookUp: PostgresStems; readonly forms: PostgresForms },
  ) {
    this.#sql = sql;
    this.#schema = schema;
    this.#query = query;
    this.#groups = parsed.groups;
    this.#identifiers = parsed.identifiers;
    this.#stems = words.stems;
    this.#cache = words.lookUp;
    this.#forms = words.forms;
  }

  get #internal(): boolean {
    return this.#query.customer_id === null;
  }

  #wording(more: Partial<Wording> = {}): Wording {
    const where = this.#internal ? 'all' : 'public';
    return { stems: this.#stems, widened: this.#widened, where, ...more };
  }

  /** The arguments `limited` and `only_ids` of the functions. */
  get #only() {
    const { only } = this.#query;
    return this.#sql`${only?.type ?? null}::text, ${only ? [...only.ids] : null}::uuid[]`;
  }

  /**
   * The page in order, and the matches in all. The texts are read below row-level security, one by one: the planner takes
   * the function for a thousand rows and would read the table.
   */
  async find(page: {
    limit: number;
    offset: number;
    sort?: SearchQuery['sort'];
    now?: string;
  }): Promise<{ found: Hit[]; total: number }> {
    const { types, tenant_id, filter = {} } = this.#query;
    const each = (weight: 'A' | 'B') =>
      this.#groups.map((group) => groupQuery(group, this.#wording({ where: 'public', weight })));
    const state = stateQuery(filter.statuses);
    const narrowed = (query: string) => (state === '' || query === '' ? query : `${query} & ${state}`);
    const steady = this.#steady();
    const rows = await this.#sql<((Hit | { title: null }) & { total: number })[]>`
      select t.type, t.id, t.score, t.total, d.title, case when t.n <= ${HIGHLIGHTED} then d.body else '' end as body,
        case when t.n <= ${HIGHLIGHTED} and ${this.#internal} then d.internal else '' end as internal,
        d.summary, d.updated_at
      from ${this.#sql(`${this.#schema}.ranked`)}(
        ${narrowed(matchQuery(this.#groups, this.#wording()))}::tsquery,
        ${steady === null ? null : narrowed(steady)}::tsquery,
        ${narrowed(matchQuery(this.#groups, this.#wording({ where: 'head' })))}::tsquery,
        ${each('A')}::text[]::tsquery[], ${each('B')}::text[]::tsquery[],
        ${exactQuery(this.#identifiers, this.#query.text)}::tsquery, ${OPEN_QUERY}::tsquery,
        ${types ? [...types] : null}::text[], ${this.#only},
        ${filter.customer_id ?? null}::uuid, ${filter.updated_after ?? null}::timestamptz,
        ${filter.updated_before ?? null}::timestamptz,
        ${page.sort === 'newest'}, ${page.now ?? new Date().toISOString()}::timestamptz,
        ${CAP}, ${Math.min(page.offset, CAP)}, ${Math.min(page.limit, CAP)}
      ) with ordinality as t(type, id, score, total, n)
      left join lateral (
        select title, body, internal, summary, updated_at from ${this.#sql(`${this.#schema}.documents`)} d
        where d.tenant_id = ${tenant_id}::uuid and d.type = t.type and d.id = t.id limit 1
      ) d on true
      order by t.n`;
    return { found: rows.filter((row) => row.title !== null), total: rows[0]?.total ?? 0 };
  }

  /** The query without the word that may be a beginning; null where there is none, or nothing besides. */
  #steady(): string | null {
    const isBeginning = (term: Term) => term.prefix && !this.#widened.has(term.folded);
    const whole = this.#groups.filter((group) => !termsIn([group]).some(isBeginning));
    return whole.length > 0 && whole.length < this.#groups.length ? matchQuery(whole, this.#wording()) : null;
  }

  /** The ids of all matches. */
  async matches(query: MatchQuery): Promise<Matches> {
    const [row] = await this.#sql<{ by_keyword: Buffer; by_head: Buffer; others: Buffer; more: boolean }[]>`
      select by_keyword, by_head, others, more from ${this.#sql(`${this.#schema}.matches`)}(
        ${matchQuery(this.#groups, this.#wording())}::tsquery, ${exactQuery(this.#identifiers, this.#query.text)}::tsquery,
        ${query.type}::text, ${query.only_customer ?? null}::uuid, ${query.ids ? [...query.ids] : null}::uuid[], ${query.most}, ${query.newest ?? false})`;
    const { by_keyword, by_head, others, more } = row!;
    return {
      tiers: [uuidsIn(by_keyword), uuidsIn(by_head), uuidsIn(others)],
      more,
      corrected: this.corrected,
    };
  }

  /**
   * Finds similar words for terms that occur nowhere; where all occur, but not together, for each that may be mistyped,
   * beside itself. True where that may change the result.
   */
  async widen(): Promise<boolean> {
    const terms = termsIn(this.#groups).filter((term) => !isDropped(term, this.#stems));
    const plain = this.#wording({ widened: new Map() });
    const present = await this.#occurring(
      terms.map((term) => groupQuery(groupOf(this.#groups, term), plain)),
    );
    const unknown = terms.filter((_, i) => !present[i]);
    // A number or key that occurs nowhere: nothing can match all terms.
    if (unknown.some((term) => !mayBeMistyped(term.folded) || term.dense)) return false;
    const doubtful =
      unknown.length > 0 ? unknown : terms.filter((term) => mayBeMistyped(term.folded) && !term.dense);
    if (unknown.length === 0 && terms.length < 2) return false;
    const chosen = new Map<Term, string[]>();
    for (const term of doubtful) {
      let words = await this.#similar(term);
      // Printer is in no document, and a Drucker is meant: the list of synonyms knows the word.
      if (words.length === 0 && unknown.length > 0)
        words = nearest(term.folded, listedWords(this.#query.synonyms), MOST_CORRECTIONS);
      if (words.length > 0) chosen.set(term, words);
      else if (unknown.length > 0) return false;
    }
    if (chosen.size === 0) return false;
    const some = [...chosen.values()].flat();
    const all = [...some, ...alsoMeant(some, this.#query.synonyms)];
    this.#stems = await this.#cache.lookUp(this.#sql, [...terms.map((term) => term.word), ...all]);
    for (const [term, words] of chosen) {
      const meant = [...words, ...alsoMeant(words, this.#query.synonyms)];
      this.#widened.set(term.folded, unknown.length > 0 ? meant : [term.word, ...meant]);
      this.corrected[term.typed] = words;
    }
    return true;
  }

  /**
   * Words like a mistyped one, nearest first; only words in documents that the asker may see. First those that are a
   * letter away, which an index finds at once; only where there are none, by trigrams, which take twenty times as long.
   */
  async #similar(term: Term): Promise<string[]> {
    const byLetter = await this.#sql<SimilarWord[]>`
      select word, shown from ${this.#sql(`${this.#schema}.words_by_letter`)}(
        ${shortened(term.folded)}::text[], ${MOST_CANDIDATES})`;
    const near = await this.#nearestSeen(term, byLetter);
    if (near.length > 0 || term.folded.length < SHORTEST_BY_TRIGRAM) return near;
    const byTrigram = await this.#sql<SimilarWord[]>`
      select word, shown from ${this.#sql(`${this.#schema}.words_by_trigram`)}(${term.folded}, ${MOST_CANDIDATES})`;
    return this.#nearestSeen(term, byTrigram);
  }

  async #nearestSeen(term: Term, candidates: readonly SimilarWord[]): Promise<string[]> {
    const shown = new Map(candidates.map((row) => [row.word, row.shown]));
    const words = nearest(term.folded, [...shown.keys()], 2 * MOST_CORRECTIONS);
    if (words.length === 0) return [];
    const present = await this.#occurring(
      words.map((word) => (this.#internal ? `'${word}' | '!${word}'` : `'${word}'`)),
    );
    return words
      .filter((_, i) => present[i])
      .slice(0, MOST_CORRECTIONS)
      .map((word) => shown.get(word)!);
  }

  async #occurring(queries: readonly string[]): Promise<boolean[]> {
    const [row] = await this.#sql<{ present: boolean[] }[]>`
      select ${this.#sql(`${this.#schema}.occurring`)}(${[...queries]}::text[]::tsquery[],
        ${this.#query.types ? [...this.#query.types] : null}::text[], ${this.#only}) as present`;
    return row!.present;
  }

  /** Hits with highlights. */
  async hits(found: readonly Hit[]): Promise<SearchHit[]> {
    const asked = await this.#wanted();
    const marked = (missing: Set<string>) => {
      const matches = matcher(asked, (word) => this.#forms.of(word, missing));
      return found.map((hit) => hitOf(hit, matches));
    };
    // Nearly all words of the texts are known: then they are gone through once.
    const missing = new Set<string>();
    const hits = marked(missing);
    if (missing.size === 0) return hits;
    await this.#cache.lookUp(this.#sql, missing);
    return marked(new Set());
  }

  /** What a word of a text must be, or begin with, to have been asked for. */
  async #wanted(): Promise<Wanted> {
    const terms = [...termsIn(this.#groups), ...synonymsIn(this.#groups)];
    const lexemes = new Set<string>();
    const beginnings: string[] = [];
    const stems = await this.#cache.lookUp(this.#sql, [
      ...terms.map((term) => term.word),
      ...[...this.#widened.values()].flat(),
    ]);
    for (const term of terms) {
      if (isDropped(term, stems)) continue;
      for (const word of this.#widened.get(term.folded) ?? [term.word]) {
        for (const lexeme of lexemesOfWord(word, fold(word), stems)) lexemes.add(lexeme);
      }
      if (term.prefix && !this.#widened.has(term.folded)) beginnings.push(term.folded);
    }
    return { lexemes, beginnings };
  }
}

interface Wanted {
  readonly lexemes: ReadonlySet<string>;
  readonly beginnings: readonly string[];
}

/** Tells by the same lexemes as the index whether a word of a text was asked for. */
function matcher(
  { lexemes: wanted, beginnings }: Wanted,
  lexemesOf: (word: string) => readonly string[],
): Matcher {
  const known = new Map<string, boolean>();
  const mayMatch = glance([...wanted, ...beginnings]);
  return (text) => {
    if (!mayMatch(text)) return false;
    let answer = known.get(text);
    if (answer === undefined) {
      const lexemes = lexemesOf(text);
      answer =
        lexemes.some((lexeme) => wanted.has(lexeme)) ||
        beginnings.some((start) => lexemes.some((lexeme) => lexeme.startsWith(start)));
      known.set(text, answer);
    }
    return answer;
  };
}

function hitOf(row: Hit, matches: Matcher): SearchHit {
  const body = bestFragment(row.body, matches);
  const internal = body.hits === 0 && row.internal !== '' ? bestFragment(row.internal, matches) : null;
  return {
    type: row.type,
    id: row.id,
    score: Math.round(row.score * 10_000) / 10_000,
    title: row.title,
    highlights: {
      title: markAll(row.title, matches),
      body: internal !== null && internal.hits > 0 ? internal.text : body.text,
    },
    summary: parseJson(row.summary),
    updated_at: new Date(row.updated_at as string | Date).toISOString(),
  };
}

/** Ids of 16 bytes each. */
function uuidsIn(bytes: Buffer): string[] {
  const hex = bytes.toString('hex');
  const ids: string[] = [];
  for (let at = 0; at < hex.length; at += 32) {
    const one = hex.slice(at, at + 32);
    ids.push(
      `${one.slice(0, 8)}-${one.slice(8, 12)}-${one.slice(12, 16)}-${one.slice(16, 20)}-${one.slice(20)}`,
    );
  }
  return ids;
}

const parseJson = (value: unknown): Record<string, unknown> =>
  typeof value === 'string' ? JSON.parse(value) : (value as Record<string, unknown>);
