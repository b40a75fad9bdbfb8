import { CliError } from '../errors.ts';
import type { Cluster } from './cluster.ts';
import { primaryOf } from './primary.ts';
import { askSql } from './psql.ts';

/** Counted, not estimated; as superuser, so that no policy hides a row. */
export const COUNT_ROWS = `SELECT format('%I.%I', n.nspname, c.relname),
  (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %I.%I', n.nspname, c.relname), false, true, '')))[1]
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1;`;

/** The rows of every table of the platform's database: `tickets.tickets` → 4711. */
export async function rowsOf(cluster: Cluster): Promise<ReadonlyMap<string, number>> {
  const primary = await primaryOf(cluster);
  const lines = await askSql(cluster, primary.id, cluster.site.inventory.data.postgres.database, COUNT_ROWS);
  return new Map(
    lines.map((line) => {
      // A table's name may have the sign that stands between the columns.
      const at = line.lastIndexOf('|');
      return [line.slice(0, at), Number(line.slice(at + 1))] as const;
    }),
  );
}

/**
 * Those that rows pass through: of ten that came at least one has gone again, as the database has counted since it last began
 * to count. One that only grows, but for a row that somebody removes now and then, is none.
 */
export async function passingTables(cluster: Cluster): Promise<ReadonlySet<string>> {
  const primary = await primaryOf(cluster);
  const sql = `SELECT format('%I.%I', schemaname, relname) FROM pg_stat_user_tables WHERE n_tup_del * 10 > n_tup_ins;`;
  return new Set(await askSql(cluster, primary.id, cluster.site.inventory.data.postgres.database, sql));
}

/** What differs between two of them, for people; empty: nothing does. */
export function differingRows(
  a: ReadonlyMap<string, number>,
  b: ReadonlyMap<string, number>,
): readonly string[] {
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((table) => a.get(table) !== b.get(table))
    .map((table) => `${table}: ${a.get(table) ?? 'none'} and ${b.get(table) ?? 'none'}`);
}

/** @returns tables and rows. @throws CliError when two sites do not hold the same */
export async function compareRows(
  from: Cluster,
  to: Cluster,
): Promise<{ readonly tables: number; readonly rows: number }> {
  const [theirs, ours] = await Promise.all([rowsOf(from), rowsOf(to)]);
  const differing = differingRows(theirs, ours);
  if (differing.length > 0 || ours.size === 0)
    throw new CliError(
      `Unable to go on: ${from.site.site.name} and ${to.site.site.name} do not hold the same.`,
      {
        why: ours.size === 0 ? 'No table was found.' : differing.slice(0, 10).join('\n'),
        fix: `Nothing is lost: ${from.site.site.name} has all of it, and "psactl apply --site ${from.site.site.name}" starts it again. Then run this anew: --anew.`,
      },
    );
  return { tables: ours.size, rows: [...ours.values()].reduce((sum, count) => sum + count, 0) };
}
