import postgres, { type Sql } from 'postgres';

/** Where an adapter finds its database: a client that somebody else closes, or an address to open its own. */
export type PostgresSource =
  | { readonly sql: Sql }
  | {
      readonly url: string;
      /** False behind PgBouncer in transaction mode. */
      readonly prepare?: boolean;
    };

/** The client of a source, and how to close it: nothing where it belongs to somebody else. */
export function clientOf(source: PostgresSource, max: number): { sql: Sql; end: () => Promise<void> } {
  if ('sql' in source) return { sql: source.sql, end: async () => {} };
  const sql = postgres(source.url, {
    max,
    prepare: source.prepare ?? true,
    idle_timeout: 60,
    connect_timeout: 5,
    keep_alive: 10,
    // The default grows to 20 s, and who comes after the server is back would wait for that.
    backoff: (retries: number) => Math.min(0.05 * 2 ** Math.min(retries, 5), 1),
    onnotice: () => {},
  });
  return { sql, end: () => sql.end({ timeout: 5 }) };
}
