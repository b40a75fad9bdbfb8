import postgres, { type Sql } from 'postgres';

/** Where an adapter finds its database: a client that somebody else closes, or an address to open its own. */
export type PostgresSource = { readonly sql: Sql } | { readonly url: string };

/** The client of a source, and how to close it: nothing where it belongs to somebody else. */
export function clientOf(source: PostgresSource, max: number): { sql: Sql; end: () => Promise<void> } {
  if ('sql' in source) return { sql: source.sql, end: async () => {} };
  const sql = postgres(source.url, { max, idle_timeout: 60, onnotice: () => {} });
  return { sql, end: () => sql.end({ timeout: 5 }) };
}
