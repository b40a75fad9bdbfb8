import type { Readable, Writable } from 'node:stream';
import { ArtefactError } from './artefact.ts';
import { written } from './written.ts';

/** What a dump of all databases holds, as `pg_dumpall` writes it. */
export interface DumpAll {
  /** PostgreSQL's version: `15.18`; null: it does not say. */
  readonly version: string | null;
  /** Databases with what is in them, in the order of the dump. */
  readonly databases: readonly string[];
  readonly roles: readonly string[];
  /** Bytes of text. */
  readonly bytes: number;
}

/** A dump's statements, and the rows between them. */
type Piece =
  | { readonly kind: 'line'; readonly text: string }
  /** Rows of a `COPY`, whole lines, the closing `\.` included. */
  | { readonly kind: 'rows'; readonly chunk: Buffer };

/** What `pg_dump` ends with. */
export const END_OF_DATABASE = '-- PostgreSQL database dump complete';
const END_OF_ALL = '-- PostgreSQL database cluster dump complete';
const LINE_FEED = 10;

/**
 * A dump in pieces. What stands in a table is never taken for a statement: rows are told by the `COPY` before them, and
 * in them a backslash at a line's begin is only ever the closing `\.`.
 */
export async function* pieces(dump: Readable): AsyncGenerator<Piece> {
  let held: Buffer = Buffer.alloc(0);
  let inRows = false;
  for await (const chunk of dump) {
    held = held.length === 0 ? (chunk as Buffer) : Buffer.concat([held, chunk as Buffer]);
    for (;;) {
      if (inRows) {
        const end = endOfRows(held);
        // Up to the last line feed: the closing line may be cut in two.
        const upto = end ?? held.lastIndexOf(LINE_FEED) + 1;
        if (upto > 0) yield { kind: 'rows', chunk: held.subarray(0, upto) };
        held = held.subarray(upto);
        if (end === null) break;
        inRows = false;
        continue;
      }
      const feed = held.indexOf(LINE_FEED);
      if (feed === -1) break;
      const text = held.toString('utf8', 0, feed);
      held = held.subarray(feed + 1);
      yield { kind: 'line', text };
      inRows = text.startsWith('COPY ') && text.endsWith(' FROM stdin;');
    }
  }
  if (held.length > 0) yield { kind: 'line', text: held.toString('utf8') };
}

/** Where the rows end that begin here, behind the closing line; null: not in what is there. */
function endOfRows(held: Buffer): number | null {
  if (held.subarray(0, 3).toString('latin1') === '\\.\n') return 3;
  const at = held.indexOf('\n\\.\n');
  return at === -1 ? null : at + 4;
}

/** The name in `\connect psa` or `\connect -reuse-previous=on "dbname='p s a'"`; null: it is another line. */
export function connected(line: string): string | null {
  const [, rest] = /^\\connect (.+)$/.exec(line) ?? [];
  if (rest === undefined) return null;
  const [, quoted] = /^-reuse-previous=on "dbname='(.*)'"$/.exec(rest) ?? [];
  if (quoted !== undefined) return quoted.replace(/\\(['\\])/g, '$1').replaceAll('""', '"');
  return rest;
}

/** A name as `CREATE ROLE` has it, quoted or not. */
const unquoted = (name: string): string =>
  name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;

/**
 * Reads a dump to its end.
 * @throws ArtefactError when it does not come to its own last line, or a database in it does not
 */
export async function readDump(dump: Readable): Promise<DumpAll> {
  const databases: string[] = [];
  const roles: string[] = [];
  let [version, open, isWhole, bytes]: [string | null, string | null, boolean, number] = [
    null,
    null,
    false,
    0,
  ];
  for await (const piece of pieces(dump)) {
    if (piece.kind === 'rows') {
      bytes += piece.chunk.length;
      continue;
    }
    const { text } = piece;
    bytes += Buffer.byteLength(text) + 1;
    const name = connected(text);
    if (name !== null) {
      // Twice where the database has settings of its own.
      if (databases.at(-1) !== name) databases.push(name);
      open = name;
    }
    const role = roleMade(text);
    if (role !== null && databases.length === 0) roles.push(role);
    version ??= /^-- Dumped from database version (\S+)/.exec(text)?.[1] ?? null;
    if (text === END_OF_DATABASE) open = null;
    if (text === END_OF_ALL) isWhole = true;
  }
  if (open !== null)
    throw new ArtefactError(`Unable to use the dump: that of the database "${open}" is cut off.`);
  if (!isWhole)
    throw new ArtefactError(`Unable to use the dump: it does not end with "${END_OF_ALL.slice(3)}".`);
  return { version, databases, roles, bytes };
}

/** The role that a line makes; null: it is another line. */
const roleMade = (line: string): string | null => {
  const [, role] = /^CREATE ROLE (.+);$/.exec(line) ?? [];
  return role === undefined ? null : unquoted(role);
};

/**
 * The roles that a dump makes. They stand before its first database, and no further is read: of a dump of hours the first
 * kilobytes.
 */
export async function readRoles(dump: Readable): Promise<readonly string[]> {
  const roles: string[] = [];
  for await (const piece of pieces(dump)) {
    if (piece.kind === 'rows' || connected(piece.text) !== null) break;
    const role = roleMade(piece.text);
    if (role !== null) roles.push(role);
  }
  return roles;
}

/** What to take out of a dump. */
export interface Wanted {
  readonly database: string;
  /** The name that it gets; what is granted and set on the database itself goes to that one. */
  readonly as: string;
  /** Roles that are not there: what makes them, and what they may. */
  readonly missingRoles: ReadonlySet<string>;
}

/** A name as SQL takes it whatever is in it. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/**
 * Writes what makes one database anew under another name.
 * @param begin told when its content comes: what is to be done before, on the server as a whole (roles that are missing, the
 * database itself, what is granted on it); @returns where the content goes
 * @returns whether the database is in the dump
 */
export async function extractDatabase(
  dump: Readable,
  { database, as, missingRoles }: Wanted,
  begin: (before: readonly string[]) => Promise<Writable>,
): Promise<boolean> {
  let place: 'globals' | 'before' | 'inside' | 'after' = 'globals';
  let into: Writable | null = null;
  const before: string[] = [];
  const ofRole = /^(?:CREATE|ALTER) ROLE ("(?:[^"]|"")+"|\S+?)(?:;| .*;)$/;
  const ofDatabase = new RegExp(
    `^((?:ALTER|COMMENT ON|CREATE) DATABASE |(?:GRANT|REVOKE) .* ON DATABASE )(${[database, quoteName(database)].map(RegExp.escape).join('|')})( .*)$`,
  );
  for await (const piece of pieces(dump)) {
    if (piece.kind === 'rows') {
      if (place === 'inside') await put(into!, piece.chunk);
      continue;
    }
    const { text } = piece;
    const name = connected(text);
    if (name !== null) {
      place = name === database ? 'inside' : 'before';
      if (place === 'inside') into ??= await begin(before);
      continue;
    }
    const [, what, , rest] = ofDatabase.exec(text) ?? [];
    const renamed = what === undefined ? null : `${what}${quoteName(as)}${rest}`;
    if (place === 'inside') {
      await put(into!, `${renamed ?? text}\n`);
      if (text === END_OF_DATABASE) place = 'after';
      continue;
    }
    const role = ofRole.exec(text)?.[1] ?? memberOf(text);
    if (place === 'globals' && role !== undefined && missingRoles.has(unquoted(role))) before.push(text);
    if (renamed !== null) before.push(renamed);
  }
  return into !== null;
}

/** The role that `GRANT a TO b` gives something to. */
const memberOf = (text: string): string | undefined =>
  /^GRANT (?:"(?:[^"]|"")+"|\S+) TO ("(?:[^"]|"")+"|[^\s;]+)/.exec(text)?.[1];

async function put(into: Writable, chunk: Buffer | string): Promise<void> {
  if (!(await written(into, chunk))) throw new Error('who read the dump has gone');
}
