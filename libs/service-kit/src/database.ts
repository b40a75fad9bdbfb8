import { afterPatience } from '@psa/infra/patience';
import { postgresClient } from '@psa/infra/postgres-client';
import { drizzle } from 'drizzle-orm/postgres-js';
import type postgres from 'postgres';
import type { Scope } from './context.ts';
import { isConnectionError, isReplicaError } from './errors.ts';
import { PrimaryLost, PrimaryWatch } from './primary-watch.ts';
import { type Attempt, attempt, type Tx } from './transaction.ts';

export type { Tx } from './transaction.ts';

export interface DatabaseOptions {
  readonly url: string;
  /** Where reads may go while the primary does not answer: a replica. Absent: they fail like writes. */
  readonly readUrl?: string;
  /** Connections at most. */
  readonly max?: number;
  /** False behind PgBouncer in transaction mode: prepared statements would hang. */
  readonly prepare?: boolean;
  readonly applicationName?: string;
  /** A connection that has not answered for so long is given up; default 40,000 ms. */
  readonly silenceMs?: number;
}

type Settings = readonly (readonly [string, string])[];
type Work<T> = (tx: Tx) => Promise<T>;

/** Whether a commit waits until the disk has it. Not durable: a crash of the database may lose it, never tear it. */
interface Durability {
  readonly durable?: boolean;
}
const NOT_DURABLE = ['synchronous_commit', 'off'] as const;

/** A serialization failure or deadlock: the whole transaction may be tried again. */
const RETRYABLE = new Set(['40001', '40P01']);
/** Tries of one transaction that meets conflicts. */
const MOST_TRIES = 4;
/** Tries while connections break under it: those of a pool that were cut while idle fail one after the other. */
const MOST_CONNECTIONS = 16;
/** A read that the primary has not begun by then goes to the replica. */
const READ_PATIENCE_MS = 1_000;
/** A write that has not begun by then asks whether the primary is there at all. */
const WRITE_PATIENCE_MS = 1_500;
/** A write that has not begun by then is given up, whatever the primary says of itself. */
const WRITE_LIMIT_MS = 10_000;
/** What runs on connections that are given up has so many seconds to end. */
const OLD_POOL_S = 30;

/**
 * A service's access to its own schema. Every statement runs in a transaction that says whose rows it may
 * see; there is no way around that but {@link Database.system}, which only infrastructure tables honour.
 *
 * Work may run more than once (a conflict, a connection that was cut): its effects are those of its transaction alone.
 * While the primary is away, reads come from the replica and writes fail at once.
 */
export class Database {
  readonly #options: DatabaseOptions;
  #primary: postgres.Sql;
  readonly #replica: postgres.Sql | null;
  readonly #watch: PrimaryWatch;
  #active = 0;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#primary = clientOf(options.url, options);
    this.#replica = options.readUrl ? clientOf(options.readUrl, options) : null;
    this.#watch = new PrimaryWatch(options.url);
  }

  /** Transactions under way, for the metric `database_connections_active`. */
  get active(): number {
    return this.#active;
  }

  /** Runs `work` in one transaction that sees the rows of `scope` only. */
  tx<T>(scope: Scope, work: Work<T>, { durable = true }: Durability = {}): Promise<T> {
    const settings = [...settingsOf(scope), ...(durable ? [] : [NOT_DURABLE])];
    return this.#counted(() => this.#onPrimary('read write', settings, work));
  }

  /** As {@link tx}, read-only. Served by the primary, or by a replica while the primary does not answer. */
  read<T>(scope: Scope, work: Work<T>): Promise<T> {
    const settings = settingsOf(scope);
    return this.#counted(() =>
      this.#replica
        ? this.#read(this.#replica, settings, work)
        : this.#onPrimary('read only', settings, work),
    );
  }

  /** For the platform's workers: sees outbox, inbox and timers of all tenants, and no business rows. */
  system<T>(work: Work<T>, { durable = true }: Durability = {}): Promise<T> {
    const settings: Settings = [['psa.system', 'on'], ...(durable ? [] : [NOT_DURABLE])];
    return this.#counted(() => this.#onPrimary('read write', settings, work));
  }

  /** Throws when the primary does not answer. */
  async ping(): Promise<void> {
    if (this.#watch.isAway) throw new PrimaryLost();
    await this.#primary`select 1`;
  }

  async close(): Promise<void> {
    this.#watch.close();
    await Promise.all([this.#primary.end({ timeout: 3 }), this.#replica?.end({ timeout: 3 })]);
  }

  async #counted<T>(work: () => Promise<T>): Promise<T> {
    this.#active++;
    try {
      return await work();
    } finally {
      this.#active--;
    }
  }

  async #onPrimary<T>(mode: 'read write' | 'read only', settings: Settings, work: Work<T>): Promise<T> {
    for (let turn = 1; ; turn++) {
      if (this.#watch.isAway) throw new PrimaryLost();
      const pool = this.#primary;
      const heard = mode === 'read write' ? () => this.#watch.heard() : undefined;
      const current = attempt(pool, mode, settings, work, heard);
      try {
        return await this.#patiently(current);
      } catch (error) {
        if (turn < MOST_TRIES && isRetryable(error)) continue;
        if (turn === MOST_CONNECTIONS || !isConnectionError(error) || error instanceof PrimaryLost)
          throw error;
        // Cut before its COMMIT, it left nothing behind. Is there a server to try again with?
        const isThere = await this.#watch.doubt();
        if (current.committing || !isThere) throw error;
        if (mode === 'read write' && isReplicaError(error)) this.#renew(pool);
      }
    }
  }

  /**
   * The pool's connections lead to a server that has become a replica and goes on answering, while new ones find the
   * primary (a pooler that keeps its clients over a change of roles): they would be used for half an hour. What runs on
   * the old pool may end.
   */
  #renew(pool: postgres.Sql): void {
    if (this.#primary !== pool) return;
    this.#primary = clientOf(this.#options.url, this.#options);
    void pool.end({ timeout: OLD_POOL_S }).catch(() => {});
  }

  /** The result, unless the primary is lost on the way, or never begins. */
  async #patiently<T>(current: Attempt<T>): Promise<T> {
    const given = Promise.withResolvers<never>();
    const stopDoubting = afterPatience(WRITE_PATIENCE_MS, () => {
      if (!current.started) void this.#watch.doubt();
    });
    const stopLimit = afterPatience(WRITE_LIMIT_MS, () => {
      if (!current.started) given.reject(new PrimaryLost());
    });
    try {
      return await Promise.race([current.result, this.#watch.lost, given.promise]);
    } catch (error) {
      current.abandon();
      throw error;
    } finally {
      stopDoubting();
      stopLimit();
    }
  }

  async #read<T>(replica: postgres.Sql, settings: Settings, work: Work<T>): Promise<T> {
    for (let turn = 1; ; turn++) {
      const onReplica = this.#watch.isAway || turn === MOST_CONNECTIONS;
      const current = attempt(onReplica ? replica : this.#primary, 'read only', settings, work);
      try {
        return await (onReplica ? current.result : this.#unlessLate(current));
      } catch (error) {
        if (turn < MOST_TRIES && isRetryable(error)) continue;
        if (onReplica || !isConnectionError(error)) throw error;
        current.abandon();
        if (error instanceof PrimaryLost) return await attempt(replica, 'read only', settings, work).result;
        await this.#watch.doubt();
      }
    }
  }

  /** The result, unless the primary is lost or has not begun in time. */
  async #unlessLate<T>(current: Attempt<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    const stopWaiting = afterPatience(READ_PATIENCE_MS, () => {
      if (current.started) return;
      void this.#watch.doubt();
      late.reject(new PrimaryLost());
    });
    try {
      return await Promise.race([current.result, this.#watch.lost, late.promise]);
    } finally {
      stopWaiting();
    }
  }
}

function clientOf(url: string, options: DatabaseOptions): postgres.Sql {
  const sql = postgresClient(url, {
    max: options.max ?? 10,
    prepare: options.prepare ?? true,
    idle_timeout: 30,
    max_lifetime: 60 * 30,
    connection: { application_name: options.applicationName ?? 'psa', TimeZone: 'UTC' },
    ...(options.silenceMs && { silenceMs: options.silenceMs }),
  });
  // drizzle replaces the client's parsers; doing so once here makes raw queries see the same values from the start.
  drizzle(sql);
  return sql;
}

function settingsOf(scope: Scope): Settings {
  return [
    ['psa.tenant_id', scope.tenant_id],
    ['psa.customer_id', scope.customer_id ?? ''],
    ['psa.user_id', scope.user_id ?? ''],
  ];
}

function isRetryable(error: unknown): boolean {
  const code = (error as { code?: string }).code ?? (error as { cause?: { code?: string } }).cause?.code;
  return code !== undefined && RETRYABLE.has(code);
}

/** PostgreSQL's text form of a timestamptz (or a Date) as RFC 3339 in UTC; null stays null. */
export function toIso<T extends string | Date | null>(value: T): T extends null ? null : string {
  return (value === null ? null : rfc3339(value)) as T extends null ? null : string;
}

/** The server's form in the session's UTC: 2026-03-02 09:00:00.123456+00. */
const UTC_TEXT = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00$/;

/** Lists are full of times: whole seconds and milliseconds are cut as text, an eighth of what matching a pattern costs. */
function rfc3339(value: string | Date): string {
  if (typeof value === 'string' && value[10] === ' ' && value.endsWith('+00')) {
    if (value.length === 26) return `${value.slice(0, 10)}T${value.slice(11, 23)}Z`;
    if (value.length === 22) return `${value.slice(0, 10)}T${value.slice(11, 19)}.000Z`;
  }
  const match = typeof value === 'string' ? UTC_TEXT.exec(value) : null;
  if (!match) return new Date(value).toISOString();
  return `${match[1]}T${match[2]}.${(match[3] ?? '').slice(0, 3).padEnd(3, '0')}Z`;
}
