import { pipeline } from 'node:stream/promises';
import type { ReservedSql, Sql } from 'postgres';
import type { Row } from './copy-text.ts';

/** One connection to a database, as its superuser; what it is asked in between stands in one transaction. */
export interface Session {
  /** Runs statements that give no rows. */
  exec(sql: string): Promise<void>;
  /** What a query gives, as text. */
  rows(query: string): Promise<readonly Row[]>;
  /** Puts rows in `COPY`'s text format into a table. */
  load(table: string, columns: readonly string[], chunks: AsyncIterable<Uint8Array>): Promise<void>;
}

/** A session on a server that can be connected to. */
export async function withPostgresSession<T>(sql: Sql, work: (session: Session) => Promise<T>): Promise<T> {
  const one: ReservedSql = await sql.reserve();
  try {
    return await work({
      async exec(text) {
        await one.unsafe(text);
      },
      async rows(query) {
        const found = (await one.unsafe(query).raw()) as never as readonly (readonly (Buffer | null)[])[];
        return found.map((row) => row.map((value) => value?.toString('utf8') ?? null));
      },
      async load(table, columns, chunks) {
        const writing = await one.unsafe(`copy ${table} (${columns.join(', ')}) from stdin`).writable();
        await pipeline(chunks, writing);
      },
    });
  } finally {
    one.release();
  }
}

/**
 * Does something in one transaction.
 * @param keep false: it is undone in any case, so that what it gives is what it would have done
 */
export async function inTransaction<T>(session: Session, keep: boolean, work: () => Promise<T>): Promise<T> {
  await session.exec('begin');
  try {
    const result = await work();
    await session.exec(keep ? 'commit' : 'rollback');
    return result;
  } catch (error) {
    await session.exec('rollback').catch(() => {});
    throw error;
  }
}
