import { Readable } from 'node:stream';
import type { Sql } from 'postgres';
import { END_OF_DATABASE } from '../dump-text.ts';
import { copyField } from './copy-text.ts';
import type { ReadDump } from './take.ts';

/** Rows at once; those of stored files are of half a megabyte. */
const FETCHED = 50;

/**
 * What a running server has in a database, as the text that `pg_dump` makes of its rows: for a server that was brought up
 * out of a backup, where no `pg_dump` is at hand.
 * @param sql a superuser's connection to that database
 */
export const serverText =
  (sql: Sql, database: string): ReadDump =>
  async (read) =>
    read(Readable.from(textOf(sql, database), { objectMode: false }));

async function* textOf(sql: Sql, database: string): AsyncGenerator<Buffer> {
  yield Buffer.from(`\\connect ${database}\n`);
  const tables = await sql<{ name: string; columns: string }[]>`
    select format('%I.%I', n.nspname, c.relname) as name,
      (select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1`;
  for (const { name, columns } of tables) {
    yield Buffer.from(`COPY ${name} (${columns}) FROM stdin;\n`);
    // By a cursor: `copy to stdout` leaves the connection of postgres.js paused behind large rows, and nothing wakes it.
    const query = sql.unsafe(`select ${columns} from ${name}`).raw();
    for await (const rows of query.cursor(FETCHED) as AsyncIterable<readonly (readonly (Buffer | null)[])[]>)
      yield Buffer.from(rows.map((row) => `${row.map(copyField).join('\t')}\n`).join(''));
    yield Buffer.from('\\.\n');
  }
  yield Buffer.from(`${END_OF_DATABASE}\n`);
}
