import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type postgres from 'postgres';

/** One open transaction; repository functions take it explicitly. */
export interface Tx {
  /** postgres.js, for hand-written SQL. Timestamps come as text (see `toIso`); JSON goes in as text. */
  readonly sql: postgres.TransactionSql;
  /** drizzle over the same transaction. */
  readonly orm: PostgresJsDatabase;
  /**
   * Sends a statement whose answer nobody reads but for its failure: it travels with what follows, COMMIT included, which
   * saves a round trip. Should it fail, the server turns COMMIT into a rollback and the transaction fails with its error.
   */
  send(statement: postgres.PendingQuery<postgres.Row[]>): void;
  /**
   * Asks the last that this transaction wants to know, with COMMIT right behind: a round trip less. Nothing can follow, so
   * whoever may have to ask again does not use it. For reading alone: a failure comes after COMMIT was sent.
   */
  last<T extends readonly (PromiseLike<unknown> & { execute(): unknown })[]>(
    ...statements: T
  ): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }>;
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
  const sent: Promise<unknown>[] = [];
  const run = async (): Promise<T> => {
    const eager = async (sql: postgres.TransactionSql): Promise<{ value: T }> => {
      // Its turn came after nobody waited for it any more.
      if (state.abandoned) throw new Abandoned();
      // Neither BEGIN nor this is awaited before the work starts: they go out with the first query. Order on one
      // connection is kept, and should BEGIN fail, the server passes over all that was sent with it.
      const prepared = setAll(sql, settings).execute();
      const { begun } = sql as unknown as { begun: Promise<unknown> };
      Promise.all([begun, prepared]).then(
        () => {
          state.started = true;
          onBegun?.();
        },
        () => {},
      );
      const value = await work(makeTx(sql, client.options, done, sent));
      await prepared;
      if (state.abandoned) throw new Abandoned();
      state.committing = true;
      return { value };
    };
    const { value } = (await client.begin(mode, Object.assign(eager, { eager: true }))) as { value: T };
    // Answered before COMMIT was.
    await Promise.all(sent);
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

/** Statements by the names that they set: one form of each, so that it is prepared once. */
const forms = new Map<string, TemplateStringsArray>();

function setAll(sql: postgres.TransactionSql, settings: readonly (readonly [string, string])[]) {
  const id = settings.map(([name]) => name).join();
  let form = forms.get(id);
  if (!form) {
    const calls = settings.map(([name]) => `set_config('${name}', `);
    const texts = calls.map((call, i) => (i === 0 ? `select ${call}` : `, true), ${call}`));
    texts.push(', true)');
    form = Object.assign(texts, { raw: texts });
    forms.set(id, form);
  }
  return sql(form, ...settings.map(([, value]) => value));
}

class Abandoned extends Error {}

/** Whoever waits for the commit hears of a failure; a transaction that failed before has an error already. */
const sender =
  (sent: Promise<unknown>[]): Tx['send'] =>
  (statement) => {
    const answered = statement.execute();
    answered.catch(() => {});
    sent.push(answered);
  };

const lastOf = (sql: postgres.TransactionSql): Tx['last'] =>
  async function last(...statements) {
    const answers = Promise.all(statements.map((statement) => statement.execute()));
    // Missing in the types: libs/infra/src/mend-postgres-client.mjs.
    (sql as unknown as { commit(): void }).commit();
    return (await answers) as never;
  };

/** Runs `work` so that what fails in it undoes nothing of the transaction but its own. */
export const inSavepoint = <T>(tx: Tx, work: (tx: Tx) => Promise<T>): Promise<T> =>
  tx.sql.savepoint(async (sql) => {
    const sent: Promise<unknown>[] = [];
    const value = await work({
      sql,
      send: sender(sent),
      last: async () => {
        throw new Error('What is asked in a savepoint is not the last.');
      },
      afterCommit: tx.afterCommit,
      get orm() {
        return tx.orm;
      },
    });
    await Promise.all(sent);
    return value;
  }) as Promise<T>;

function makeTx(
  sql: postgres.TransactionSql,
  options: postgres.Sql['options'],
  done: (() => void)[],
  sent: Promise<unknown>[],
): Tx {
  let orm: PostgresJsDatabase | undefined;
  return {
    sql,
    get orm() {
      // drizzle looks for the client's options, which postgres.js does not give to a transaction's client.
      orm ??= drizzle(Object.assign(sql, { options }) as unknown as postgres.Sql);
      return orm;
    },
    send: sender(sent),
    last: lastOf(sql),
    afterCommit: (action) => void done.push(action),
  };
}
