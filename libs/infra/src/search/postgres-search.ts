import type {
  SearchDocument,
  SearchHit,
  SearchIndex,
  SearchQuery,
  SearchResult,
} from '@psa/contracts/ports/search';
import type { Sql, TransactionSql } from 'postgres';
import { clientOf, type PostgresSource } from '../postgres-client.ts';
import { bestFragment, type Matcher, markAll } from './highlight.ts';
import { BATCH, CAP, counted, HIGHLIGHTED, MOST_CORRECTIONS, storable } from './limits.ts';
import { exactQuery, lexemesOf, lexemesOfWord, matchQuery, termQuery, wordsOf } from './postgres-lexemes.ts';
import { PostgresStems, type Stems } from './postgres-stems.ts';
import { type Clause, isDropped, parseQuery, type Term, withoutStopWords } from './query-text.ts';
import { fold, lower, mayBeMistyped, nearest, shortened, tokens } from './words.ts';

export type PostgresSearchOptions = PostgresSource & {
  /** PostgreSQL schema of the index. Default `search`: the tables come with the migrations of services/search. */
  readonly schema?: string;
  /** Connections at most. Default 4. */
  readonly max?: number;
  /** A replica to ask first: the index follows the events with a delay anyhow. */
  readonly readUrl?: string;
};

type Ref = {
  readonly tenant_id: string;
  readonly type: string;
  readonly id: string;
  readonly version: number;
};

const MOST_CANDIDATES = 60;
const RETRYABLE = new Set(['40001', '40P01']);
/** How long a replica is waited for before the primary is asked. */
const REPLICA_PATIENCE_MS = 1_500;

/**
 * Search in PostgreSQL, in the tables of services/search (`db/migrations`), with the service's own login role:
 * row-level security holds here as everywhere. Only the first 1,000 matches in rank order can be paged through.
 */
export class PostgresSearch implements SearchIndex {
  readonly #sql: Sql;
  readonly #replica: Sql | null;
  readonly #end: () => Promise<void>;
  readonly #schema: string;
  readonly #stems = new PostgresStems();

  constructor(options: PostgresSearchOptions) {
    const { sql, end } = clientOf(options, options.max ?? 4);
    this.#sql = sql;
    const prepare = 'url' in options ? options.prepare : undefined;
    const replica = options.readUrl
      ? clientOf({ url: options.readUrl, ...(prepare !== undefined && { prepare }) }, options.max ?? 4)
      : null;
    this.#replica = replica?.sql ?? null;
    this.#end = async () => void (await Promise.all([end(), replica?.end()]));
    this.#schema = options.schema ?? 'search';
  }

  /** @throws when the migrations of services/search have not run */
  async prepare(): Promise<void> {
    const [row] = await this.#sql<{ ready: boolean }[]>`
      select to_regclass(${`${this.#schema}.documents`}) is not null as ready`;
    if (!row?.ready) {
      throw new Error(
        `There is no search index in schema "${this.#schema}": run the migrations of services/search.`,
      );
    }
  }

  async put(documents: readonly SearchDocument[]): Promise<void> {
    for (const [tenantId, group] of Map.groupBy(newestOfEach(documents), (doc) => doc.tenant_id)) {
      for (let at = 0; at < group.length; at += BATCH) {
        await this.#write(tenantId, (sql) => this.#putBatch(sql, tenantId, group.slice(at, at + BATCH)));
      }
    }
  }

  async remove(refs: readonly Ref[]): Promise<void> {
    const table = this.#sql(`${this.#schema}.documents`);
    for (const [tenantId, group] of Map.groupBy(newestOfEach(refs), (ref) => ref.tenant_id)) {
      await this.#write(
        tenantId,
        (sql) => sql`
          insert into ${table} as d (tenant_id, type, id, version, updated_at, removed)
          select ${tenantId}::uuid, type, id, version, now(), true
          from unnest(${group.map((ref) => ref.type)}::text[], ${group.map((ref) => ref.id)}::uuid[],
            ${group.map((ref) => ref.version)}::bigint[]) as r(type, id, version)
          on conflict (tenant_id, type, id) do update set
            version = excluded.version, updated_at = excluded.updated_at, removed = true, customer_id = null,
            owner_ids = '{}', head = '', words = '', title = '', body = '', internal = '', summary = '{}'
          where d.version <= excluded.version`,
      );
    }
  }

  async query(query: SearchQuery): Promise<SearchResult> {
    const parsed = parseQuery(query.text);
    const empty: SearchResult = { hits: [], total: 0, total_relation: 'eq', corrected: {} };
    if (parsed.clauses.length === 0) return empty;
    if (!this.#replica) return this.#find(this.#sql, query, parsed, empty);
    const late = Promise.withResolvers<never>();
    const patience = setTimeout(() => late.reject(new Error('The replica is late.')), REPLICA_PATIENCE_MS);
    try {
      return await Promise.race([this.#find(this.#replica, query, parsed, empty), late.promise]);
    } catch {
      return await this.#find(this.#sql, query, parsed, empty);
    } finally {
      clearTimeout(patience);
    }
  }

  async #find(
    client: Sql,
    query: SearchQuery,
    parsed: ReturnType<typeof parseQuery>,
    empty: SearchResult,
  ): Promise<SearchResult> {
    const stems = await this.#stems.lookUp(
      client,
      parsed.clauses.flat().map((term) => term.word),
    );
    const clauses = withoutStopWords(parsed.clauses, stems);
    if (clauses.length === 0) return empty;
    return this.#as(client, query.tenant_id, query.customer_id, 'read only', async (sql) => {
      const ask = new Ask(sql, this.#schema, query, clauses, parsed.identifiers, this.#stems);
      let found = await ask.find(stems);
      if (found.total === 0 && (await ask.widen(stems))) found = await ask.find(stems);
      const corrected = ask.corrected;
      if (found.refs.length === 0) return { ...counted(found.total), hits: [], corrected };
      return { ...counted(found.total), hits: await ask.page(found.refs), corrected };
    });
  }

  async ping(): Promise<void> {
    await this.#sql`select 1`;
  }

  close(): Promise<void> {
    return this.#end();
  }

  async #putBatch(
    sql: TransactionSql,
    tenantId: string,
    documents: readonly SearchDocument[],
  ): Promise<void> {
    const stems = await this.#stems.lookUp(sql, wordsOf(documents));
    const vocabulary = new Map<string, string>();
    const lexemes = documents.map((doc) => lexemesOf(doc, stems));
    for (const one of lexemes) for (const [word, shown] of one.vocabulary) vocabulary.set(word, shown);
    const [docs, vocab] = [sql(`${this.#schema}.documents`), sql(`${this.#schema}.words`)];
    // Not left to "on conflict" alone: that would work out the shortened forms of known words each time. Nor to
    // "not exists": planned before the table has statistics it compares each word with each.
    const known = await sql<{ word: string }[]>`
      select word from ${vocab} where tenant_id = ${tenantId}::uuid and word = any (${[...vocabulary.keys()]}::text[])`;
    for (const { word } of known) vocabulary.delete(word);
    // Two writers take the words in the same order and so wait for each other instead of locking each other out.
    const words = [...vocabulary.keys()].sort();
    const column = (pick: (doc: SearchDocument) => string) => documents.map(pick);
    await Promise.all([
      sql`
        insert into ${vocab} (tenant_id, word, shown, shortened)
        select ${tenantId}::uuid, word, shown, shortened::text[]
        from unnest(${words}::text[], ${words.map((word) => vocabulary.get(word)!)}::text[],
          ${words.map((word) => `{${shortened(word).join(',')}}`)}::text[]) as n(word, shown, shortened)
        order by word collate "C"
        on conflict do nothing`,
      sql`
        insert into ${docs} as d (tenant_id, type, id, customer_id, owner_ids, version, updated_at, head, words,
          title, body, internal, summary)
        select ${tenantId}::uuid, type, id, customer_id, owner_ids::uuid[], version, updated_at, head::tsvector,
          words::tsvector, title, body, internal, summary::jsonb
        from unnest(
          ${column((doc) => doc.type)}::text[], ${column((doc) => doc.id)}::uuid[],
          ${documents.map((doc) => doc.customer_id)}::uuid[],
          ${column((doc) => `{${doc.owner_ids.join(',')}}`)}::text[],
          ${documents.map((doc) => doc.version)}::bigint[], ${column((doc) => doc.updated_at)}::timestamptz[],
          ${lexemes.map((one) => one.head)}::text[], ${lexemes.map((one) => one.words)}::text[],
          ${column((doc) => storable(doc.title))}::text[], ${column((doc) => storable(doc.body))}::text[],
          ${column((doc) => storable(doc.internal))}::text[],
          ${column((doc) => storable(JSON.stringify(doc.summary)).replaceAll('\\u0000', ''))}::text[]
        ) as n(type, id, customer_id, owner_ids, version, updated_at, head, words, title, body, internal, summary)
        on conflict (tenant_id, type, id) do update set
          customer_id = excluded.customer_id, owner_ids = excluded.owner_ids, version = excluded.version,
          updated_at = excluded.updated_at, removed = false, head = excluded.head, words = excluded.words,
          title = excluded.title, body = excluded.body, internal = excluded.internal, summary = excluded.summary
        where d.version <= excluded.version`,
    ]);
  }

  /** Writes as the platform; once more where two writers were in each other's way. */
  async #write(tenantId: string, work: (sql: TransactionSql) => Promise<unknown>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#as(this.#sql, tenantId, null, 'read write', work);
        return;
      } catch (error) {
        if (attempt === 5 || !RETRYABLE.has((error as { code?: string }).code ?? '')) throw error;
      }
    }
  }

  async #as<T>(
    client: Sql,
    tenantId: string,
    customerId: string | null,
    mode: 'read only' | 'read write',
    work: (sql: TransactionSql) => Promise<T>,
  ): Promise<T> {
    const done = await client.begin(mode, async (sql) => {
      // Sent at once, answered with the first query: a round trip less. Order on one connection is kept.
      const scoped =
        sql`select set_config('psa.tenant_id', ${tenantId}, true), set_config('psa.customer_id', ${customerId ?? ''}, true)`.execute();
      const [value] = await Promise.all([work(sql), scoped]);
      return { value };
    });
    return (done as { value: T }).value;
  }
}

interface FoundRef {
  readonly type: string;
  readonly id: string;
  readonly score: number;
}

/** One query under way, in its transaction. */
class Ask {
  readonly corrected: Record<string, string[]> = {};
  readonly #sql: TransactionSql;
  readonly #schema: string;
  readonly #query: SearchQuery;
  readonly #clauses: readonly Clause[];
  readonly #identifiers: readonly string[];
  readonly #cache: PostgresStems;
  readonly #widened = new Map<string, readonly string[]>();
  #stems: Stems | null = null;

  constructor(
    sql: TransactionSql,
    schema: string,
    query: SearchQuery,
    clauses: readonly Clause[],
    identifiers: readonly string[],
    cache: PostgresStems,
  ) {
    this.#sql = sql;
    this.#schema = schema;
    this.#query = query;
    this.#clauses = clauses;
    this.#identifiers = identifiers;
    this.#cache = cache;
  }

  get #internal(): boolean {
    return this.#query.customer_id === null;
  }

  /** The page's references in order, and the matches in all. */
  async find(given: Stems): Promise<{ refs: FoundRef[]; total: number }> {
    const stems = this.#stems ?? given;
    const { types, owner_id, limit, offset } = this.#query;
    const query = (join: '&' | '|') => matchQuery(this.#clauses, stems, this.#widened, this.#internal, join);
    const rows = await this.#sql<(FoundRef & { total: number })[]>`
      select type, id, score, total from ${this.#sql(`${this.#schema}.find`)}(
        ${query('&')}::tsquery, ${query('|')}::tsquery, ${exactQuery(this.#identifiers)}::tsquery,
        ${types ? [...types] : null}::text[], ${owner_id}::uuid, ${CAP},
        ${Math.min(offset, CAP)}, ${Math.min(limit, CAP)})`;
    if (rows.length > 0 || offset === 0) return { refs: rows, total: rows[0]?.total ?? 0 };
    // A page behind the last one: the count is still owed.
    const [first] = await this.#sql<{ total: number }[]>`
      select total from ${this.#sql(`${this.#schema}.find`)}(
        ${query('&')}::tsquery, ${query('|')}::tsquery, ''::tsquery,
        ${types ? [...types] : null}::text[], ${owner_id}::uuid, ${CAP}, 0, 1)`;
    return { refs: [], total: first?.total ?? 0 };
  }

  /** Finds similar words for terms that occur nowhere. True where that may change the result. */
  async widen(stems: Stems): Promise<boolean> {
    const terms = this.#clauses.flat().filter((term) => !isDropped(term, stems));
    const present = await this.#occurring(
      terms.map((term) => termQuery(term, stems, new Map(), this.#internal)),
    );
    const unknown = terms.filter((_, i) => !present[i]);
    // A number or key that occurs nowhere: nothing can match all terms.
    if (unknown.length === 0 || unknown.some((term) => !mayBeMistyped(term.folded))) return false;
    const chosen = new Map<Term, Map<string, string>>();
    for (const term of unknown) {
      const words = await this.#similar(term);
      if (words.size === 0) return false;
      chosen.set(term, words);
    }
    const all = [...chosen.values()].flatMap((words) => [...words.values()]);
    this.#stems = await this.#cache.lookUp(this.#sql, [...this.#clauses.flat().map((t) => t.word), ...all]);
    for (const [term, words] of chosen) {
      const shown = [...words.values()];
      this.#widened.set(term.folded, shown);
      this.corrected[term.typed] = shown;
    }
    return true;
  }

  /** Folded word → as shown, nearest first; only words in documents that the asker may see. */
  async #similar(term: Term): Promise<Map<string, string>> {
    const rows = await this.#sql<{ word: string; shown: string }[]>`
      select word, shown from ${this.#sql(`${this.#schema}.similar_words`)}(
        ${term.folded}, ${shortened(term.folded)}::text[], ${MOST_CANDIDATES})`;
    const shown = new Map(rows.map((row) => [row.word, row.shown]));
    const words = nearest(term.folded, [...shown.keys()], 2 * MOST_CORRECTIONS);
    if (words.length === 0) return new Map();
    const present = await this.#occurring(
      words.map((word) => (this.#internal ? `'${word}' | '!${word}'` : `'${word}'`)),
    );
    return new Map(
      words
        .filter((_, i) => present[i])
        .slice(0, MOST_CORRECTIONS)
        .map((word) => [word, shown.get(word)!]),
    );
  }

  async #occurring(queries: readonly string[]): Promise<boolean[]> {
    const [row] = await this.#sql<{ present: boolean[] }[]>`
      select ${this.#sql(`${this.#schema}.occurring`)}(${[...queries]}::text[]::tsquery[],
        ${this.#query.types ? [...this.#query.types] : null}::text[], ${this.#query.owner_id}::uuid) as present`;
    return row!.present;
  }

  /** The texts of the page, read below row-level security, with highlights. */
  async page(refs: readonly FoundRef[]): Promise<SearchHit[]> {
    const rows = await this.#sql<
      {
        type: string;
        id: string;
        title: string;
        body: string;
        internal: string;
        summary: unknown;
        updated_at: unknown;
      }[]
    >`
      select d.type, d.id, d.title, case when n <= ${HIGHLIGHTED} then d.body else '' end as body,
        case when n <= ${HIGHLIGHTED} and ${this.#internal} then d.internal else '' end as internal,
        d.summary, d.updated_at
      from unnest(${refs.map((ref) => ref.type)}::text[], ${refs.map((ref) => ref.id)}::uuid[])
        with ordinality as r(type, id, n)
      join ${this.#sql(`${this.#schema}.documents`)} d
        on d.tenant_id = ${this.#query.tenant_id}::uuid and d.type = r.type and d.id = r.id`;
    const byRef = new Map(rows.map((row) => [`${row.type}/${row.id}`, row]));
    const matches = await this.#matcher(rows.flatMap((row) => [row.title, row.body, row.internal]));
    return refs.flatMap((ref) => {
      const row = byRef.get(`${ref.type}/${ref.id}`);
      if (!row) return [];
      const body = bestFragment(row.body, matches);
      const internal = body.hits === 0 && row.internal !== '' ? bestFragment(row.internal, matches) : null;
      return [
        {
          type: row.type,
          id: row.id,
          score: Math.round(ref.score * 10_000) / 10_000,
          title: row.title,
          highlights: {
            title: markAll(row.title, matches),
            body: internal !== null && internal.hits > 0 ? internal.text : body.text,
          },
          summary: parseJson(row.summary),
          updated_at: new Date(row.updated_at as string | Date).toISOString(),
        },
      ];
    });
  }

  /** Tells by the same lexemes as the index whether a word of a text was asked for. */
  async #matcher(texts: readonly string[]): Promise<Matcher> {
    const words = new Set<string>();
    for (const text of texts) for (const token of tokens(text, 20_000)) words.add(lower(token.text));
    const stems = await this.#cache.lookUp(this.#sql, [
      ...words,
      ...this.#clauses.flat().map((term) => term.word),
      ...[...this.#widened.values()].flat(),
    ]);
    const wanted = new Set<string>();
    const beginnings: string[] = [];
    for (const term of this.#clauses.flat()) {
      if (isDropped(term, stems)) continue;
      for (const word of this.#widened.get(term.folded) ?? [term.word]) {
        for (const lexeme of lexemesOfWord(word, fold(word), stems)) wanted.add(lexeme);
      }
      if (term.prefix && !this.#widened.has(term.folded)) beginnings.push(term.folded);
    }
    const known = new Map<string, boolean>();
    return (text) => {
      const word = lower(text);
      let answer = known.get(word);
      if (answer === undefined) {
        const folded = fold(word);
        const lexemes = [...lexemesOfWord(word, folded, stems)];
        answer =
          lexemes.some((lexeme) => wanted.has(lexeme)) ||
          beginnings.some((start) => lexemes.some((lexeme) => lexeme.startsWith(start)));
        known.set(word, answer);
      }
      return answer;
    };
  }
}

/** One of each object, the newest, in an order that all writers share. */
function newestOfEach<T extends Ref>(objects: readonly T[]): T[] {
  const newest = new Map<string, T>();
  for (const one of objects) {
    const key = `${one.tenant_id}/${one.type}/${one.id}`;
    const known = newest.get(key);
    if (!known || known.version <= one.version) newest.set(key, one);
  }
  return [...newest.keys()].sort().map((key) => newest.get(key)!);
}

const parseJson = (value: unknown): Record<string, unknown> =>
  typeof value === 'string' ? JSON.parse(value) : (value as Record<string, unknown>);
