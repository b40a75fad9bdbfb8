import { type Comparison, compare } from '@psa/recovery/proof';

type Rows = ReadonlyMap<string, number>;

/**
 * What was restored of a source that goes on meanwhile: each table lies between two counts, before the moment and after it, and
 * one that nobody changed in between has that figure. Each that does not is named. Pure.
 * @param passing tables that rows pass through, as those that wait to be sent: two counts say nothing of the moment between
 */
export function between(
  before: Rows,
  found: Rows,
  after: Rows,
  passing: ReadonlySet<string>,
): readonly Comparison[] {
  const judged = [...before.keys()].filter((table) => !passing.has(table));
  const lost = [...before.keys()].filter((table) => passing.has(table) && !found.has(table));
  const lies = (table: string) => {
    const [a, b, rows] = [before.get(table) ?? 0, after.get(table) ?? 0, found.get(table)];
    return rows !== undefined && rows >= Math.min(a, b) && rows <= Math.max(a, b);
  };
  const wrong = [...judged.filter((table) => !lies(table)), ...lost];
  const still = judged.filter((table) => before.get(table) === after.get(table));
  const sum = (rows: Rows) => still.reduce((all, table) => all + (rows.get(table) ?? 0), 0);
  return [
    ...wrong.map((table) => compare(`rows of ${table}`, before.get(table)!, found.get(table) ?? 'no table')),
    compare('rows of tables that nobody changed', sum(before), sum(found)),
  ];
}
