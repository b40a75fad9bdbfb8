import type { Readable } from 'node:stream';
import { ArtefactError } from '../artefact.ts';
import { connected, pieces } from '../dump-text.ts';
import { copyHead, field } from './copy-text.ts';
import type { Relation } from './shape.ts';
import { Spool } from './spool.ts';

/** Rows of a table that were taken out of a backup. */
export interface Taken {
  /** As SQL writes it, with its schema. */
  readonly table: string;
  /** Columns that the backup has of it. */
  readonly columns: readonly string[];
  readonly rows: number;
  readonly spool: Spool;
}

/** What to take. */
export interface Wanted {
  readonly database: string;
  readonly root: string;
  /** Which rows of the root; told the values of `columns`, in their order. Null: all of them, unlooked at. */
  readonly which: {
    readonly columns: readonly string[];
    fits(values: readonly (string | null)[]): boolean;
  } | null;
  /** What goes with them: rows whose columns name a row that was taken. */
  readonly relations: readonly Relation[];
}

/** Hands the text of a dump to who reads it, each time from its beginning. */
export type ReadDump = <T>(read: (dump: Readable) => Promise<T>) => Promise<T>;

/**
 * Takes rows out of a dump's text, and those that hang on them, without a server and without the dump's other rows: a
 * table is read when all that it hangs on was read, so that a dump is read again where it has the tables the other way
 * round. At most as often as the longest chain of relations has members.
 * @returns tables in the order in which their rows can be put. Tables that the backup does not have are left out
 * @throws ArtefactError when the database or the root is not in it, or it is cut off
 */
export async function takeRows(open: ReadDump, wanted: Wanted): Promise<readonly Taken[]> {
  const order = orderOf(wanted.root, wanted.relations);
  const done = new Map<string, Taken | null>();
  const keys = new Map<Relation, Set<string>>();
  while (done.size < order.length) {
    const before = done.size;
    const seen = await open((dump) => readOnce(dump, wanted, { order, done, keys }));
    if (!seen)
      throw new ArtefactError(`Unable to take rows from the backup: "${wanted.database}" is not in it.`);
    if (!done.has(wanted.root))
      throw new ArtefactError(`Unable to take rows from the backup: ${wanted.root} is not in it.`);
    if (done.size === before) {
      // What was not met is not in it: of a release that did not have it yet.
      const next = order.find((table) => isReady(table, wanted, done));
      done.set(next ?? order.find((table) => !done.has(table))!, null);
    }
  }
  return order.flatMap((table) => done.get(table) ?? []);
}

/** The root, then what hangs on it, each behind what it hangs on. What hangs on each other comes in the order given. */
export function orderOf(root: string, relations: readonly Relation[]): readonly string[] {
  const order = [root];
  const left = new Set(relations.map(({ child }) => child).filter((child) => child !== root));
  while (left.size > 0) {
    const free = [...left].find((table) =>
      relations.every(({ child, parent }) => child !== table || parent === table || !left.has(parent)),
    );
    const next = free ?? [...left][0]!;
    order.push(next);
    left.delete(next);
  }
  return order;
}

const isReady = (table: string, { relations, root }: Wanted, done: ReadonlyMap<string, unknown>): boolean =>
  table === root ||
  relations.every(({ child, parent }) => child !== table || parent === table || done.has(parent));

interface State {
  readonly order: readonly string[];
  readonly done: Map<string, Taken | null>;
  readonly keys: Map<Relation, Set<string>>;
}

/** @returns whether the database is in it */
async function readOnce(dump: Readable, wanted: Wanted, { order, done, keys }: State): Promise<boolean> {
  let [isInside, isIn] = [false, false];
  let table: ReturnType<typeof taker> | null = null;
  for await (const piece of pieces(dump)) {
    if (piece.kind === 'line') {
      if (table) {
        done.set(table.name, table.taken());
        table = null;
      }
      const name = connected(piece.text);
      if (name !== null) {
        isInside = name === wanted.database;
        isIn ||= isInside;
        continue;
      }
      const head = isInside ? copyHead(piece.text) : null;
      if (!head || done.has(head.table) || !order.includes(head.table)) continue;
      if (isReady(head.table, wanted, done)) table = taker(head.table, head.columns, wanted, keys);
      continue;
    }
    await table?.take(piece.chunk);
  }
  if (table) throw new ArtefactError(`Unable to take rows from the backup: it is cut off in ${table.name}.`);
  return isIn;
}

const SEPARATOR = '\u0000';

function taker(name: string, columns: readonly string[], wanted: Wanted, keys: Map<Relation, Set<string>>) {
  const spool = new Spool();
  let rows = 0;
  const places = (names: readonly string[]) => {
    const at = names.map((one) => columns.indexOf(one));
    const missing = names.find((_, n) => at[n] === -1);
    if (missing !== undefined)
      throw new ArtefactError(`Unable to take rows from the backup: ${name} has no column ${missing} in it.`);
    return at;
  };
  const valuesAt = (fields: readonly string[], at: readonly number[]) => at.map((one) => field(fields[one]!));
  const tupleAt = (fields: readonly string[], at: readonly number[]) => {
    const values = valuesAt(fields, at);
    return values.includes(null) ? null : values.join(SEPARATOR);
  };
  const { relations, root, which } = wanted;
  const own = which && name === root ? { at: places(which.columns), fits: which.fits } : null;
  const ups = relations
    .filter(({ child, parent }) => child === name && parent !== name)
    .map((relation) => ({ at: places(relation.columns), known: keys.get(relation) ?? new Set() }));
  const downs = relations
    .filter(({ parent, child }) => parent === name && child !== name)
    .map((relation) => {
      const known = new Set<string>();
      keys.set(relation, known);
      return { at: places(relation.parentColumns), known };
    });
  const isAll = name === root && which === null && downs.length === 0;
  const belongs = (fields: readonly string[]) => {
    if (own) return own.fits(valuesAt(fields, own.at));
    if (name === root) return true;
    return ups.some(({ at, known }) => {
      const key = tupleAt(fields, at);
      return key !== null && known.has(key);
    });
  };
  return {
    name,
    taken: (): Taken => ({ table: name, columns, rows, spool }),
    async take(chunk: Buffer): Promise<void> {
      const kept: Buffer[] = [];
      for (let from = 0; from < chunk.length; ) {
        const feed = chunk.indexOf(10, from);
        const end = feed === -1 ? chunk.length : feed;
        const line = chunk.subarray(from, end);
        from = end + 1;
        if (line.length === 2 && line.toString('latin1') === '\\.') continue;
        if (!isAll) {
          const fields = line.toString('utf8').split('\t');
          if (!belongs(fields)) continue;
          for (const { at, known } of downs) {
            const key = tupleAt(fields, at);
            if (key !== null) known.add(key);
          }
        }
        rows++;
        kept.push(line, Buffer.from('\n'));
      }
      if (kept.length > 0) await spool.write(Buffer.concat(kept));
    },
  };
}
