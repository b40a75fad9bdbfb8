import type { SearchDocument, SearchIndex, SearchQuery, SearchResult } from '@psa/contracts/ports/search';
import type { Sql } from 'postgres';
import { clientOf, type PostgresSource } from '../postgres-client.ts';

export type PostgresSearchOptions = PostgresSource & {
  /** PostgreSQL schema of the index. Default `search`. */
  readonly schema?: string;
  /** Connections at most. Default 4. */
  readonly max?: number;
};

/** Search in PostgreSQL. */
export class PostgresSearch implements SearchIndex {
  readonly #sql: Sql;
  readonly #end: () => Promise<void>;

  constructor(options: PostgresSearchOptions) {
    const { sql, end } = clientOf(options, options.max ?? 4);
    this.#sql = sql;
    this.#end = end;
  }

  async prepare(): Promise<void> {}

  async put(_documents: readonly SearchDocument[]): Promise<void> {}

  async remove(
    _refs: readonly { tenant_id: string; type: string; id: string; version: number }[],
  ): Promise<void> {}

  async query(_query: SearchQuery): Promise<SearchResult> {
    return { hits: [], total: 0, total_relation: 'eq', corrected: {} };
  }

  async ping(): Promise<void> {
    await this.#sql`select 1`;
  }

  close(): Promise<void> {
    return this.#end();
  }
}
