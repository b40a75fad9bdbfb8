import { readFileSync } from 'node:fs';
import { Readable, Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extractDatabase, readDump, readRoles } from './dump-text.ts';

/** By pg_dumpall of PostgreSQL 15.18: two databases of ours, one with a name in need of quotes and rows that look like a dump. */
const DUMP = readFileSync(new URL('../fixtures/pg_dumpall-15.sql', import.meta.url));

/** The dump in chunks that end at these bytes. */
const chunked = (cuts: readonly number[], dump = DUMP) => {
  const ends = [...new Set(cuts.map((cut) => cut % dump.length)), dump.length].sort((a, b) => a - b);
  return Readable.from(ends.map((end, index) => dump.subarray(ends[index - 1] ?? 0, end)));
};

async function extracted(wanted: Parameters<typeof extractDatabase>[1], cuts: readonly number[] = []) {
  let globals: readonly string[] = [];
  let content = '';
  const into = new Writable({
    write(chunk: Buffer, _, done) {
      content += chunk;
      done();
    },
  });
  const found = await extractDatabase(chunked(cuts), wanted, async (before) => {
    globals = [...before];
    return into;
  });
  return { found, globals, content };
}
const none = new Set<string>();

describe('a dump of all databases', () => {
  it('says what is in it, wherever its chunks end', async () => {
    const seen = {
      ...{ version: '15.18', bytes: DUMP.length },
      databases: ['template1', 'p s a', 'postgres', 'zz'],
      roles: ['postgres', 'psa_owner', 'reader'],
    };
    expect(await readDump(chunked([]))).toEqual(seen);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(1_000_000), { maxLength: 60 }), async (cuts) => {
        expect(await readDump(chunked(cuts))).toEqual(seen);
      }),
      { numRuns: 60 },
    );
  });

  it('names its roles without being read to its end', async () => {
    expect(await readRoles(chunked([]))).toEqual((await readDump(chunked([]))).roles);
    let taken = 0;
    const chunks = Array.from({ length: 64 }, (_, at) =>
      DUMP.subarray((at * DUMP.length) / 64, ((at + 1) * DUMP.length) / 64),
    );
    const counted = Readable.from(
      (function* () {
        for (const chunk of chunks) {
          taken += chunk.length;
          yield chunk;
        }
      })(),
      { highWaterMark: 1 },
    );
    expect(await readRoles(counted)).toEqual(['postgres', 'psa_owner', 'reader']);
    expect(taken).toBeLessThan(DUMP.length / 2);
  });

  it('is refused when it is cut off, between databases and in the middle of one', async () => {
    const inRows = DUMP.indexOf('CREATE ROLE evil');
    await expect(readDump(chunked([], DUMP.subarray(0, inRows)))).rejects.toThrow(
      'that of the database "p s a" is cut off',
    );
    const between = DUMP.indexOf('-- Database "zz" dump');
    await expect(readDump(chunked([], DUMP.subarray(0, between)))).rejects.toThrow(
      'does not end with "PostgreSQL database cluster dump complete"',
    );
    await expect(readDump(Readable.from([]))).rejects.toThrow('does not end with');
  });

  it('gives one database for another name: what is granted and set on it goes along, rows stay as they are', async () => {
    const { found, globals, content } = await extracted({
      database: 'zz',
      as: 'zz copy',
      missingRoles: none,
    });
    expect(found).toBe(true);
    expect(globals).toEqual([
      `CREATE DATABASE "zz copy" WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'C.UTF-8';`,
      'ALTER DATABASE "zz copy" OWNER TO postgres;',
    ]);
    expect(content).toContain('COPY public.u (n) FROM stdin;\n1\n2\n3\n\\.\n');
    expect(content).toContain('ALTER DATABASE "zz copy" SET statement_timeout');
    expect(content).toContain('GRANT CONNECT ON DATABASE "zz copy" TO psa_owner;');
    expect(content).not.toMatch(/^(?!--).*(DATABASE zz|CREATE DATABASE|connect)/m);
  });

  it('takes no row for a statement', async () => {
    const wanted = { database: 'p s a', as: 'other', missingRoles: none };
    const { content } = await extracted(wanted);
    expect(content).toContain(
      '\\\\connect zz\\nhello\n-- PostgreSQL database dump complete\nCREATE ROLE evil;\n\\.\n',
    );
    expect(content.trimEnd().endsWith('-- PostgreSQL database dump complete')).toBe(true);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(1_000_000), { maxLength: 60 }), async (cuts) => {
        expect((await extracted(wanted, cuts)).content).toBe(content);
      }),
      { numRuns: 60 },
    );
  });

  it('gives the roles that are missing, with what they may', async () => {
    const { globals } = await extracted({
      ...{ database: 'p s a', as: 'p s a' },
      missingRoles: new Set(['psa_owner']),
    });
    expect(globals[0]).toBe('CREATE ROLE psa_owner;');
    expect(globals.join('\n')).toMatch(/SET work_mem[\s\S]*GRANT reader TO psa_owner/);
    expect(globals.join('\n')).not.toMatch(/ROLE (reader|postgres|evil)/);
  });

  it('is taken as well out of the text that pg_restore makes of a dump in its own format', async () => {
    const text = readFileSync(new URL('../fixtures/pg_restore-15.sql', import.meta.url));
    let content = '';
    let before: readonly string[] = [];
    const into = new Writable({
      write(chunk: Buffer, _, done) {
        content += chunk;
        done();
      },
    });
    const wanted = { database: 'zz', as: 'zz_again', missingRoles: none };
    const found = await extractDatabase(Readable.from([text]), wanted, async (lines) => {
      before = [...lines];
      return into;
    });
    expect(found).toBe(true);
    expect(before[0]).toMatch(/^CREATE DATABASE "zz_again" WITH TEMPLATE = template0 /);
    expect(content).toContain('COPY public.u (n) FROM stdin;\n1\n2\n3\n\\.\n');
    expect(content).toContain('GRANT CONNECT ON DATABASE "zz_again" TO psa_owner;');
    expect(content).not.toMatch(/^(?!--).*DATABASE zz\b/m);
  });

  it('says when the database is not in it', async () => {
    expect(await extracted({ database: 'nowhere', as: 'x', missingRoles: none })).toMatchObject({
      ...{ found: false, content: '' },
    });
  });
});
