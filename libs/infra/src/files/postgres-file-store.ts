import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FileStore, StoredFile } from '@psa/contracts/ports/file-store';
import type { Sql, TransactionSql } from 'postgres';
import { clientOf, type PostgresSource } from '../postgres-client.ts';
import { checkFileName } from './file-name.ts';
import { inPieces } from './measure.ts';

/** Where the files of all services stand when they share a database for them. */
export const FILES_SCHEMA = 'files';

/**
 * How the files of all services hang on the rows that name them, for who takes single rows out of a backup: a column
 * `file_key` beside `tenant_id` names a file of the store.
 */
export const FILE_RELATIONS = {
  column: 'file_key',
  files: { table: `${FILES_SCHEMA}.files`, columns: ['tenant_id', 'key'] },
  chunks: { table: `${FILES_SCHEMA}.files_chunks`, columns: ['tenant_id', 'upload'] },
} as const;

const PIECE = 256 * 1024;

export type PostgresFileStoreOptions = PostgresSource & {
  /** PostgreSQL schema; created by `prepare`. */
  readonly schema: string;
  /** Table of the files; their chunks stand in `<table>_chunks`. Default `files`. */
  readonly table?: string;
};

/**
 * Files as rows of 256 KiB. No transaction and no connection is held while a slow client sends or takes:
 * chunks are written under an upload id that nobody knows, and one statement at the end makes it the file.
 */
export class PostgresFileStore implements FileStore {
  readonly #sql: Sql;
  readonly #end: () => Promise<void>;
  readonly #schema: string;
  readonly #files: string;
  readonly #chunks: string;

  constructor(options: PostgresFileStoreOptions) {
    const { sql, end } = clientOf(options, 4);
    this.#sql = sql;
    this.#end = end;
    this.#schema = options.schema;
    this.#files = `${options.schema}.${options.table ?? 'files'}`;
    this.#chunks = `${this.#files}_chunks`;
  }

  /** Creates the tables where they are missing and removes chunks of uploads that were killed a day ago. */
  async prepare(): Promise<void> {
    const sql = this.#sql;
    const [found] = await sql`SELECT to_regclass(${this.#chunks}) IS NOT NULL AS done`;
    if (!found?.done) {
      await sql.begin(async (tx) => {
        await tx`SELECT pg_advisory_xact_lock(hashtextextended(${`psa.files/${this.#files}`}, 0))`;
        await tx`CREATE SCHEMA IF NOT EXISTS ${tx(this.#schema)}`;
        await tx`
          CREATE TABLE IF NOT EXISTS ${tx(this.#files)} (
            tenant_id text NOT NULL,
            key text NOT NULL,
            upload uuid NOT NULL,
            size bigint NOT NULL,
            sha256 text NOT NULL,
            stored_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (tenant_id, key)
          )`;
        await tx`
          CREATE TABLE IF NOT EXISTS ${tx(this.#chunks)} (
            tenant_id text NOT NULL,
            upload uuid NOT NULL,
            number int NOT NULL,
            data bytea NOT NULL,
            stored_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (tenant_id, upload, number)
          )`;
        // Attachments are mostly compressed already.
        await tx`ALTER TABLE ${tx(this.#chunks)} ALTER COLUMN data SET STORAGE EXTERNAL`;
      });
    }
    await sql`
      DELETE FROM ${sql(this.#chunks)} c
      WHERE stored_at < now() - interval '1 day' AND NOT EXISTS (
        SELECT 1 FROM ${sql(this.#files)} f WHERE f.tenant_id = c.tenant_id AND f.upload = c.upload)`;
  }

  async put(tenantId: string, key: string, content: Readable, maxBytes: number): Promise<StoredFile> {
    checkFileName(tenantId, key);
    const sql = this.#sql;
    const upload = randomUUID();
    try {
      const measured = await inPieces(content, maxBytes, PIECE, async (data, number) => {
        await sql`INSERT INTO ${sql(this.#chunks)} ${sql({ tenant_id: tenantId, upload, number, data })}`;
      });
      await sql.begin(async (tx) => {
        // Where two store the same key at once, the second waits here for the first.
        await tx`SELECT pg_advisory_xact_lock(hashtextextended(${`${this.#files}/${tenantId}/${key}`}, 0))`;
        await this.#remove(tx, tenantId, key);
        await tx`INSERT INTO ${tx(this.#files)} ${tx({ tenant_id: tenantId, key, upload, ...measured })}`;
      });
      return { key, ...measured };
    } catch (error) {
      await sql`DELETE FROM ${sql(this.#chunks)} WHERE tenant_id = ${tenantId} AND upload = ${upload}`.catch(
        () => {},
      );
      throw error;
    }
  }

  async get(tenantId: string, key: string): Promise<Readable | null> {
    checkFileName(tenantId, key);
    const sql = this.#sql;
    const chunks = this.#chunks;
    const [file] = await sql<{ upload: string; size: string }[]>`
      SELECT upload, size FROM ${sql(this.#files)} WHERE tenant_id = ${tenantId} AND key = ${key}`;
    if (!file) return null;
    const count = Math.ceil(Number(file.size) / PIECE);
    async function* read(): AsyncGenerator<Buffer> {
      for (let number = 0; number < count; number++) {
        const [row] = await sql<{ data: Buffer }[]>`
          SELECT data FROM ${sql(chunks)}
          WHERE tenant_id = ${tenantId} AND upload = ${file!.upload} AND number = ${number}`;
        if (!row) throw new Error('The file was deleted while it was being read.');
        yield row.data;
      }
    }
    return Readable.from(read(), { objectMode: false, highWaterMark: PIECE });
  }

  async delete(tenantId: string, key: string): Promise<void> {
    checkFileName(tenantId, key);
    await this.#sql.begin((tx) => this.#remove(tx, tenantId, key));
  }

  async ping(): Promise<void> {
    await this.#sql`SELECT 1`;
  }

  /** Closes the store's own client; a given one stays open. */
  close(): Promise<void> {
    return this.#end();
  }

  async #remove(tx: TransactionSql, tenantId: string, key: string): Promise<void> {
    await tx`
      WITH gone AS (
        DELETE FROM ${tx(this.#files)} WHERE tenant_id = ${tenantId} AND key = ${key} RETURNING upload)
      DELETE FROM ${tx(this.#chunks)} WHERE tenant_id = ${tenantId} AND upload IN (SELECT upload FROM gone)`;
  }
}
