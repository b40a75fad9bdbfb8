import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import type { Scope } from './context.ts';

/** One open transaction; repository functions take it explicitly. */
export interface Tx {
  /** postgres.js, for hand-written SQL. Timestamps come as text (see {@link toIso}); JSON goes in as text. */
  readonly sql: postgres.TransactionSql;
  /** drizzle over the same transaction. */
  readonly orm: PostgresJsDatabase;
  /** Runs after a successful commit, never after a rollback. */
  afterCommit(action: () => void): void;
}

export interface DatabaseOptions {
  readonly url: string;
  /** Connections at most. */
  readonly max?: number;
  /** False behind PgBouncer in transaction mode: prepared statements would hang. */
  readonly prepare?: boolean;
  readonly applicationName?: string;
}

/** A serialization failure or deadlock: the whole transaction may be tried again. */
const RETRYABLE = new Set(['40001', '40P01']);

/**
 * A service's access to its own schema. Every statement runs in a transaction that says whose rows it may
 * see; there is no way around that but {@link Database.system}, which only infrastructure tables honour.
 */
export class Database {
  readonly #sql: postgres.Sql;
  #active = 0;

  constructor(options: DatabaseOptions) {
    this.#sql = postgres(options.url, {
      max: options.max ?? 10,
      prepare: options.prepare ?? true,
      idle_timeout: 60,
      connect_timeout: 10,
      max_lifetime: 60 * 30,
      onnotice: () => {},
      connection: { application_name: options.applicationName ?? 'psa', TimeZone: 'UTC' },
    });
    // drizzle replaces the client's parsers; doing so once here makes raw queries see the same values from the start.
    drizzle(this.#sql);
  }

  /** Transactions under way, for the metric `database_connections_active`. */
  get active(): number {
    return this.#active;
  }

  /** Runs `work` in one transaction that sees the rows of `scope` only. */
  tx<T>(
    scope: Scope,
    work: (tx: Tx) => Promise<T>,
    mode: 'read write' | 'read only' = 'read write',
  ): Promise<T> {
    return this.#run(mode, work, [
      ['psa.tenant_id', scope.tenant_id],
      ['psa.customer_id', scope.customer_id ?? ''],
      ['psa.user_id', scope.user_id ?? ''],
    ]);
  }

  /** As {@link tx}, read-only: may be served by a replica later. */
  read<T>(scope: Scope, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.tx(scope, work, 'read only');
  }

  /** For the platform's workers: sees outbox, inbox and timers of all tenants, and no business rows. */
  system<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#run('read write', work, [['psa.system', 'on']]);
  }

  /** Throws when the database does not answer. */
  async ping(): Promise<void> {
    await this.#sql`select 1`;
  }

  async close(): Promise<void> {
    await this.#sql.end({ timeout: 3 });
  }

  async #run<T>(mode: string, work: (tx: Tx) => Promise<T>, settings: [string, string][]): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const done: (() => void)[] = [];
      this.#active++;
      try {
        const result = await this.#sql.begin(mode, async (sql) => {
          // Not awaited before the work starts: postgres.js pipelines it in front of the first query, which
          // saves a round trip per transaction. Order on one connection is kept.
          const names = settings.map(([name]) => name);
          const values = settings.map(([, value]) => value);
          const prepared =
            sql`select set_config(n, v, true) from unnest(${names}::text[], ${values}::text[]) as s(n, v)`.execute();
          prepared.catch(() => {});
          const tx = makeTx(sql, this.#sql.options, done);
          const value = await work(tx);
          await prepared;
          return { value };
        });
        for (const action of done) action();
        return (result as { value: T }).value;
      } catch (error) {
        const code =
          (error as { code?: string }).code ?? (error as { cause?: { code?: string } }).cause?.code;
        if (attempt < 4 && code && RETRYABLE.has(code)) continue;
        throw error;
      } finally {
        this.#active--;
      }
    }
  }
}

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

/** PostgreSQL's text form of a timestamptz (or a Date) as RFC 3339 in UTC; null stays null. */
export function toIso<T extends string | Date | null>(value: T): T extends null ? null : string {
  return (value === null ? null : new Date(value as string | Date).toISOString()) as T extends null
    ? null
    : string;
}
