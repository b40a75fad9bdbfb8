import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareDumps, DRILL_ROLE, readRows } from './dump-rows.ts';
import { allSame } from './proof.ts';

/** By pg_dumpall of PostgreSQL 15.18: rows that look like a dump, a name in need of quotes. */
const DUMP = readFileSync(new URL('../fixtures/pg_dumpall-15.sql', import.meta.url), 'utf8');

const read = (text: string, cuts: readonly number[] = []) => {
  const bytes = Buffer.from(text);
  const ends = [...new Set(cuts.map((cut) => cut % bytes.length)), bytes.length].sort((a, b) => a - b);
  return readRows(Readable.from(ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))));
};
/** A table of so many rows. */
const table = (rows: readonly string[], name = 'public.t') =>
  `\\connect psa\n\nCREATE TABLE public.t (n text);\nCOPY ${name} (n) FROM stdin;\n${rows.map((row) => `${row}\n`).join('')}\\.\n\n`;

describe('what stands in a dump', () => {
  it('is the same wherever its chunks end', async () => {
    const whole = await read(DUMP);
    // Rows as `COPY` has them in the file, but for those that look like the begin of another.
    const blocks = DUMP.split(/^COPY .* FROM stdin;\n/m).slice(1);
    expect(whole.tables.size).toBeGreaterThan(1);
    expect([...whole.tables.values()].reduce((sum, { lines }) => sum + lines, 0)).toBeGreaterThan(
      blocks.length,
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(1_000_000), { maxLength: 60 }), async (cuts) => {
        expect(await read(DUMP, cuts)).toEqual(whole);
      }),
      { numRuns: 40 },
    );
    expect(allSame(compareDumps(whole, whole))).toBe(true);
  });

  it('is the same in whatever order a table gives its rows, and another when one of them is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\\\\', '\\N', '"', ' ') }), { minLength: 1 }),
        async (rows) => {
          const one = await read(table(rows));
          expect(allSame(compareDumps(one, await read(table(rows.toReversed()))))).toBe(true);
          expect(one.tables.get('psa public.t')!.lines).toBe(rows.length);
          const other = await read(table([...rows.slice(1), `${rows[0]}x`]));
          const [first] = compareDumps(one, other);
          expect(first).toMatchObject({ what: 'content of psa public.t', same: false });
          const [fewer] = compareDumps(one, await read(table(rows.slice(1))));
          expect(fewer).toEqual({
            ...{ what: 'rows of psa public.t', wanted: rows.length, found: rows.length - 1, same: false },
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('has names with blanks and quotes, and a row that is twice counts twice', async () => {
    const one = await read(table(['a', 'a'], '"odd ""name"" x"'));
    expect([...one.tables]).toEqual([['psa "odd ""name"" x"', { lines: 2, digest: expect.any(String) }]]);
    expect(allSame(compareDumps(one, await read(table(['a'], '"odd ""name"" x"'))))).toBe(false);
  });

  it('does not differ by what is of each dump alone, and differs by an index that is missing', async () => {
    const before = `\\restrict abc\nCREATE ROLE psa;\n${table(['a'])}-- said\nCREATE INDEX i ON public.t (n);\n\\unrestrict abc\n`;
    const after = `\\restrict xyz\nCREATE ROLE psa;\nCREATE ROLE ${DRILL_ROLE};\nALTER ROLE ${DRILL_ROLE} WITH SUPERUSER;\n${table(['a'])}CREATE INDEX i ON public.t (n);\n`;
    const wanted = await read(before);
    expect(allSame(compareDumps(wanted, await read(after)))).toBe(true);
    const [fewer] = compareDumps(wanted, await read(after.replace(/CREATE INDEX.*\n/, '')));
    expect(fewer).toEqual({ what: 'statements that make psa', wanted: 2, found: 1, same: false });
    const settings = `SET default_tablespace = '';\nSET row_security = off;\n`;
    expect(allSame(compareDumps(wanted, await read(settings + after)))).toBe(true);
    // Another database is connected where one is made: it is the server's.
    const made = 'CREATE DATABASE psa;\n';
    const first = await read(made + table(['a']));
    expect(allSame(compareDumps(first, await read(`\\connect postgres\n${made}${table(['a'])}`)))).toBe(true);
    const [moved] = compareDumps(wanted, await read(after.replace('INDEX i', 'INDEX j')));
    expect(moved).toMatchObject({ what: 'statements that make psa, their sum', same: false });
  });

  it('misses a table and a database that did not come back, and not a table without a log', async () => {
    const one = await read(table(['a']));
    const [missing] = compareDumps(one, await read(''));
    expect(missing).toMatchObject({ what: 'rows of psa public.t', wanted: 1, found: 0, same: false });
    const unlogged = await read(table(['a']) + table([], 'public.cache').replace(/CREATE.*\n/, ''));
    expect(allSame(compareDumps(one, unlogged))).toBe(true);
  });
});
