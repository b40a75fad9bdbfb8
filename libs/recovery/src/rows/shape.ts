import { quoteName } from '../dump-text.ts';
import type { Session } from './session.ts';

/** Rows of `child` belong to, or name, a row of `parent`: its columns hold what that has in `parentColumns`. */
export interface Relation {
  readonly child: string;
  readonly columns: readonly string[];
  readonly parent: string;
  readonly parentColumns: readonly string[];
}

/** A table as it stands now. Names as SQL writes them. */
export interface Shape {
  readonly table: string;
  /** Those that can be written: what PostgreSQL makes itself is left out. */
  readonly columns: readonly string[];
  readonly nullable: ReadonlySet<string>;
  /** PostgreSQL numbers them: they are put with their row, and never changed afterwards. */
  readonly numbered: ReadonlySet<string>;
  /** Columns of the primary key; empty: it has none. */
  readonly key: readonly string[];
  /** Rows of it may be changed; else they are only ever added, such as a ticket's history. */
  readonly isChangeable: boolean;
}

export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** The login role of the service that a table is of, as `provision` makes it. */
export const roleOfTable = (table: string): string => quoteName(`psa_${table.split('.')[0]}`);

const TABLE = (oid: string) =>
  `(select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = ${oid})`;
const NAMES = (oid: string, numbers: string) =>
  `(select json_agg(quote_ident(a.attname) order by k.place)::text from unnest(${numbers}) with ordinality as k(number, place) join pg_attribute a on a.attrelid = ${oid} and a.attnum = k.number)`;

/** What hangs on a table by foreign keys, however far, and what all of that names outside of it. */
export interface Family {
  readonly inside: readonly Relation[];
  readonly outside: readonly Relation[];
}

/** Reads the foreign keys that the database has today: a table that is new is in it because it hangs on the root. */
export async function familyOf(session: Session, root: string, isAlone = false): Promise<Family> {
  const grow = isAlone ? 'false' : 'true';
  const rows = await session.rows(
    [
      `with recursive owned as (select ${literal(root)}::regclass::oid as id union`,
      `select f.conrelid from pg_constraint f join owned on f.confrelid = owned.id where f.contype = 'f' and f.conparentid = 0 and ${grow})`,
      `select ${TABLE('f.conrelid')}, ${NAMES('f.conrelid', 'f.conkey')}, ${TABLE('f.confrelid')}, ${NAMES('f.confrelid', 'f.confkey')},`,
      'f.confrelid in (select id from owned) from pg_constraint f',
      "where f.contype = 'f' and f.conparentid = 0 and f.conrelid in (select id from owned) order by 1, 2",
    ].join(' '),
  );
  const relations = rows.map(([child, columns, parent, parentColumns, isInside]) => ({
    relation: {
      ...{ child: child!, columns: JSON.parse(columns!), parent: parent! },
      parentColumns: JSON.parse(parentColumns!),
    } satisfies Relation,
    isInside: isInside === 't' && child !== parent,
  }));
  const those = (isInside: boolean) =>
    relations.filter((one) => one.isInside === isInside).map(({ relation }) => relation);
  return { inside: those(true), outside: those(false).filter(({ child, parent }) => child !== parent) };
}

/** The table as it stands; null: there is none of that name. `isParted`: its rows stand in parts, each a table of its own. */
export async function shapeOf(
  session: Session,
  table: string,
): Promise<(Shape & { readonly isParted: boolean }) | null> {
  const id = `to_regclass(${literal(table)})`;
  const [facts] = await session.rows(
    [
      `select c.relkind = 'p', coalesce(${NAMES('c.oid', "(select conkey from pg_constraint where conrelid = c.oid and contype = 'p')")}, '[]'),`,
      `coalesce((select has_table_privilege(r.oid, c.oid, 'UPDATE') from pg_roles r where r.rolname = 'psa_' || (select nspname from pg_namespace where oid = c.relnamespace)), true)`,
      `from pg_class c where c.oid = ${id} and c.relkind in ('r', 'p')`,
    ].join(' '),
  );
  if (!facts) return null;
  const columns = await session.rows(
    `select quote_ident(attname), attnotnull, attidentity = 'a' from pg_attribute where attrelid = ${id} and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`,
  );
  return {
    table,
    columns: columns.map(([name]) => name!),
    nullable: new Set(columns.flatMap(([name, notNull]) => (notNull === 't' ? [] : [name!]))),
    numbered: new Set(columns.flatMap(([name, , isNumbered]) => (isNumbered === 't' ? [name!] : []))),
    key: JSON.parse(facts[1]!) as string[],
    isParted: facts[0] === 't',
    isChangeable: facts[2] === 't',
  };
}
