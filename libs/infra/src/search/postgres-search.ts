import {
  type Matches,
  type MatchQuery,
  type SearchDocument,
  type SearchIndex,
  type SearchQuery,
  type SearchResult,
  TextRefused,
} from '@psa/contracts/ports/search';
import { storable } from '@psa/domain/text';
import type { Sql, TransactionSql } from 'postgres';
import { afterPatience } from '../patience.ts';
import { clientOf, type PostgresSource } from '../postgres-client.ts';
import { BATCH, counted } from './limits.ts';
import { ofType } from './of-type.ts';
import { PostgresAsk } from './postgres-ask.ts';
import { PostgresForms } from './postgres-forms.ts';
import { lexemesOf, wordsOf } from './postgres-lexemes.ts';
import { PostgresStems } from './postgres-stems.ts';
import { type Group, parseQuery, synonymsIn, termsIn, withoutStopWords } from './query-text.ts';
import { withSynonyms } from './synonyms.ts';
import { shortened } from './words.ts';

export type PostgresSearchOptions = PostgresSource & {
  /** PostgreSQL schema of the index. Default `search`: the tables come with the migrations of services/search. */
  readonly schema?: string;
  /** Connections at most. Default 4. */
  readonly max?: number;
  /** A replica to ask first: the index follows the events with a delay anyhow. */
  readonly readUrl?: string;
};

/** Whom an answer is for, and about what. */
type Asked = Omit<SearchQuery, 'limit' | 'offset'>;
type Ref = {
  readonly tenant_id: string;
  readonly type: string;
  readonly id: string;
  readonly version: number;
};

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
  readonly #forms = new PostgresForms(this.#stems);

  constructor(options: PostgresSearchOptions) {
    const { sql, end } = clientOf(options, options.max ?? 4);
    this.#sql = sql;
    const replica = options.readUrl
      ? clientOf({ ...('url' in options && options), url: options.readUrl }, options.max ?? 4)
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
            head = '', words = '', title = '', body = '', internal = '', summary = '{}'
          where d.version <= excluded.version`,
      );
    }
  }

  query(query: SearchQuery): Promise<SearchResult> {
    const empty: SearchResult = { hits: [], total: 0, total_relation: 'eq', corrected: {} };
    return this.#ask(query, empty, async (ask) => {
      let { found, total } = await ask.find(query);
      if (total === 0 && (await ask.widen())) ({ found, total } = await ask.find(query));
      const hits = found.length === 0 ? [] : await ask.hits(found);
      return { ...counted(total), hits, corrected: ask.corrected };
    });
  }

  matches(query: MatchQuery): Promise<Matches> {
    const none: Matches = { tiers: [[], [], []], more: false, corrected: {} };
    return this.#ask(ofType(query), none, async (ask) => {
      const found = await ask.matches(query);
      if (found.more || found.tiers.some((tier) => tier.length > 0) || !(await ask.widen())) return found;
      return ask.matches(query);
    });
  }

  /** Asks the replica first, where there is one. `empty`: the answer to a text that asks for nothing. */
  async #ask<T>(query: Asked, empty: T, work: (ask: PostgresAsk) => Promise<T>): Promise<T> {
    const parsed = parseQuery(query.text);
    if (parsed.groups.length === 0) return empty;
    const on = async (client: Sql): Promise<T> => {
      const asked = withSynonyms(parsed.groups, query.synonyms);
      const terms = [...termsIn(asked), ...synonymsIn(asked)];
      const stems = await this.#stems.lookUp(
        client,
        terms.map((term) => term.word),
      );
      const groups: Group[] = withoutStopWords(asked, stems);
      if (groups.length === 0) return empty;
      return this.#as(client, query.tenant_id, query.customer_id, 'read only', (sql) =>
        work(
          new PostgresAsk(
            sql,
            this.#schema,
            query,
            { ...parsed, groups },
            { stems, lookUp: this.#stems, forms: this.#forms },
          ),
        ),
      );
    };
    if (!this.#replica) return on(this.#sql).catch(refused);
    const late = Promise.withResolvers<never>();
    const stopWaiting = afterPatience(REPLICA_PATIENCE_MS, () =>
      late.reject(new Error('The replica is late.')),
    );
    try {
      return await Promise.race([on(this.#replica), late.promise]);
    } catch {
      return await on(this.#sql).catch(refused);
    } finally {
      stopWaiting();
    }
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
        insert into ${docs} as d (tenant_id, type, id, customer_id, version, updated_at, head, words,
          title, body, internal, summary)
        select ${tenantId}::uuid, type, id, customer_id, version, updated_at, head::tsvector,
          words::tsvector, title, body, internal, summary::jsonb
        from unnest(
          ${column((doc) => doc.type)}::text[], ${column((doc) => doc.id)}::uuid[],
          ${documents.map((doc) => doc.customer_id)}::uuid[],
          ${documents.map((doc) => doc.version)}::bigint[], ${column((doc) => doc.updated_at)}::timestamptz[],
          ${lexemes.map((one) => one.head)}::text[], ${lexemes.map((one) => one.words)}::text[],
          ${column((doc) => storable(doc.title))}::text[], ${column((doc) => storable(doc.body))}::text[],
          ${column((doc) => storable(doc.internal))}::text[],
          ${column((doc) => storableJson(doc.summary))}::text[]
        ) as n(type, id, customer_id, version, updated_at, head, words, title, body, internal, summary)
        on conflict (tenant_id, type, id) do update set
          customer_id = excluded.customer_id, version = excluded.version,
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
        if (attempt === 5 || !RETRYABLE.has((error as { code?: string }).code ?? '')) throw said(error);
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

/** PostgreSQL's classes for values that it cannot take (22) and for what grows too large (54): the text is the reason. */
const said = (error: unknown): unknown =>
  /^(22|54)/.test((error as { code?: string }).code ?? '')
    ? new TextRefused((error as Error).message, { cause: error })
    : error;
const refused = (error: unknown): never => {
  throw said(error);
};

/** JSON that PostgreSQL takes: without NUL and halves of characters, in names too. */
const storableJson = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'string'
      ? storable(part)
      : part !== null && typeof part === 'object' && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).map(([name, inner]) => [storable(name), inner]))
        : part,
  );
