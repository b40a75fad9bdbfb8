import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type postgres from 'postgres';

/** One open transaction; repository functions take it explicitly. */
export interface Tx {
  /** postgres.js, for hand-written SQL. Timestamps come as text (see `toIso`); JSON goes in as text. */
  readonly sql: postgres.TransactionSql;
  /** drizzle over the same transaction. */
  readonly orm: PostgresJsDatabase;
  /** Runs after a successful commit, never after a rollback. */
  afterCommit(action: () => void): void;
}

/** One try at a transaction. */
export interface Attempt<T> {
  readonly result: Promise<T>;
  /** Whether the server has answered to its first statement. */
  readonly started: boolean;
  /** Whether the work is done and COMMIT was sent: from then on nobody knows how it ended until the server says so. */
  readonly committing: boolean;
  /** Gives it up: if it has not come to its COMMIT, it never will. */
  abandon(): void;
}

/** Runs `work` in one transaction that begins with these settings; `onBegun` is told when the server has let it. */
export function attempt<T>(
  client: postgres.Sql,
  mode: 'read write' | 'read only',
  settings: readonly (readonly [string, string])[],
  work: (tx: Tx) => Promise<T>,
  onBegun?: () => void,
): Attempt<T> {
  const state = { started: false, committing: false, abandoned: false };
  const done: (() => void)[] = [];
  const run = async (): Promise<T> => {
    const { value } = (await client.begin(mode, async (sql) => {
      // Its turn came after nobody waited for it any more.
      if (state.abandoned) throw new Abandoned();
      // Neither BEGIN nor this is awaited before the work starts: they go out with the first query. Order on one
      // connection is kept. Local settings outside a transaction hold for their own statement, so should BEGIN have
      // failed, row-level security shows the rest nothing and takes nothing.
      const names = settings.map(([name]) => name);
      const values = settings.map(([, value]) => value);
      const prepared =
        sql`select set_config(n, v, true) from unnest(${names}::text[], ${values}::text[]) as s(n, v)`.execute();
      const { begun } = sql as unknown as { begun: Promise<unknown> };
      Promise.all([begun, prepared]).then(
        () => {
          state.started = true;
          onBegun?.();
        },
        () => {},
      );
      const value = await work(makeTx(sql, client.options, done));
      await prepared;
      if (state.abandoned) throw new Abandoned();
      state.committing = true;
      return { value };
    })) as { value: T };
    for (const action of done) action();
    return value;
  };
  const result = run();
  // Whoever abandons it does not listen any more.
  result.catch(() => {});
  return {
    result,
    get started() {
      return state.started;
    },
    get committing() {
      return state.committing;
    },
    abandon: () => void (state.abandoned = true),
  };
}

class Abandoned extends Error {}

function makeTx(sql: postgres.TransactionSql, options: postgres.Sql['options'], done: (() => void)[]): Tx {
  let orm: PostgresJsDatabase | undefined;
  return {
    sql,
    get orm() {
      // drizzle looks for the client's options, which postgres.js does not give to a transaction's client.
      orm ??= drizzle(Object.assign(sql, { options }) as unknown as postgres.Sql);
      return orm;
    },
    afterCommit: (action) => void done.push(action),
  };
}
