import { hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { connected, pieces } from './dump-text.ts';
import { type Comparison, compare } from './proof.ts';

/** The role that a drill's own server is made with: no dump has it, and what is said of it counts for nothing. */
export const DRILL_ROLE = 'psa_drill';

/** Lines as a set in which each may stand several times: how many, and what they are known by in whatever order. */
export interface LineSum {
  readonly lines: number;
  /** 32 hexadecimal digits. */
  readonly digest: string;
}

/** What a dump of all databases holds, so that two dumps can be compared. */
export interface DumpContent {
  /** Rows by table: `psa_platform tickets.tickets`, the database first; the names as the dump has them. */
  readonly tables: ReadonlyMap<string, LineSum>;
  /** What makes everything else by database; `''`: what is of the server as a whole, such as roles. */
  readonly statements: ReadonlyMap<string, LineSum>;
}

/**
 * Sums lines so that their order does not count. PostgreSQL puts a row where there is room, so a table that was restored may
 * give its rows in another order. The sum of their SHA-256, by words of 32 bits.
 */
class Summing {
  #lines = 0;
  readonly #words = new Uint32Array(4);

  add(line: string | Uint8Array): void {
    this.#lines++;
    const sum = hash('sha256', line, 'buffer');
    // Uint32Array takes each modulo 2^32.
    for (let at = 0; at < 4; at++) this.#words[at]! += sum.readUInt32LE(at * 4);
  }

  get sum(): LineSum {
    const digest = [...this.#words].map((word) => word.toString(16).padStart(8, '0')).join('');
    return { lines: this.#lines, digest };
  }
}

const TABLE = /^COPY ((?:"(?:[^"]|"")+"|[^\s"]+)) /;
/** Says nothing of what is in the databases, or has another value in each dump. */
const IDLE = /^(?:--|\\restrict |\\unrestrict |\\encoding |SET \w+ = |SELECT pg_catalog\.set_config\(|$)/;
/** Stands before the database that it makes, where another one is connected. */
const OF_SERVER = /^(?:(?:CREATE|ALTER|COMMENT ON) DATABASE |(?:GRANT|REVOKE) .* ON DATABASE )/;
const OF_DRILL = new RegExp(`^(?:CREATE|ALTER) ROLE ${DRILL_ROLE}\\b`);
const CLOSING = '\\.';

/** Reads a dump to its end. Whether it comes to its own last line is `readDump`'s to say. */
export async function readRows(dump: Readable): Promise<DumpContent> {
  const tables = new Map<string, Summing>();
  const statements = new Map<string, Summing>();
  const of = (map: Map<string, Summing>, key: string) => {
    const known = map.get(key);
    if (known) return known;
    const made = new Summing();
    map.set(key, made);
    return made;
  };
  let database = '';
  let rows: Summing | null = null;
  for await (const piece of pieces(dump)) {
    if (piece.kind === 'rows') {
      const { chunk } = piece;
      for (let from = 0; from < chunk.length; ) {
        const feed = chunk.indexOf(10, from);
        const end = feed === -1 ? chunk.length : feed;
        const isClosing = end - from === 2 && chunk.toString('latin1', from, end) === CLOSING;
        if (!isClosing) rows?.add(chunk.subarray(from, end));
        from = end + 1;
      }
      continue;
    }
    const { text } = piece;
    const name = connected(text);
    if (name !== null) {
      database = name;
      // A database with nothing in it is one all the same.
      of(statements, database);
      continue;
    }
    const [, table] = (text.endsWith(' FROM stdin;') && TABLE.exec(text)) || [];
    if (table !== undefined) {
      rows = of(tables, `${database} ${table}`);
      continue;
    }
    if (IDLE.test(text) || OF_DRILL.test(text)) continue;
    of(statements, OF_SERVER.test(text) ? '' : database).add(text);
  }
  const summed = (map: ReadonlyMap<string, Summing>) =>
    new Map([...map].map(([key, value]) => [key, value.sum] as const));
  return { tables: summed(tables), statements: summed(statements) };
}

/**
 * Compares what was backed up with what a dump of the restored databases holds: the rows of each table, what stands in them,
 * and everything that makes tables, indexes, keys and permissions.
 * @returns what differs first
 */
export function compareDumps(wanted: DumpContent, found: DumpContent): readonly Comparison[] {
  const differing: Comparison[] = [];
  const counts: Comparison[] = [];
  const keys = [...new Set([...wanted.tables.keys(), ...found.tables.keys()])].sort();
  for (const key of keys) {
    const [before, after] = [wanted.tables.get(key), found.tables.get(key)];
    // A replica gives none of the rows of a table without a log; of such a one there is nothing to compare.
    if (before === undefined && after!.lines === 0) continue;
    const rows = compare(`rows of ${key}`, before?.lines ?? 0, after?.lines ?? 0);
    if (!rows.same) differing.push(rows);
    else if (before!.digest === after!.digest) counts.push(rows);
    else differing.push(compare(`content of ${key}`, before!.digest, after!.digest));
  }
  const databases = [...new Set([...wanted.statements.keys(), ...found.statements.keys()])].sort();
  for (const name of databases) {
    const [before, after] = [wanted.statements.get(name), found.statements.get(name)];
    // What a new server has of its own.
    if (name !== '' && before === undefined) continue;
    const what = `statements that make ${name === '' ? 'roles and settings' : name}`;
    const lines = compare(what, before?.lines ?? 0, after?.lines ?? 0);
    const isOther = before?.digest !== after?.digest;
    if (lines.same && isOther)
      differing.push(compare(`${what}, their sum`, before?.digest ?? 'none', after?.digest ?? 'none'));
    else (lines.same ? counts : differing).push(lines);
  }
  return [...differing, ...counts];
}
