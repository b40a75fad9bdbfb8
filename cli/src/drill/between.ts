import { type Comparison, compare } from '@psa/recovery/proof';

type Rows = ReadonlyMap<string, number>;

/**
 * What was restored of a source that goes on meanwhile: each table lies between two counts, before the moment and after it, and
 * one that nobody changed in between has that figure. Each that does not is named. Pure.
 */
export function between(before: Rows, found: Rows, after: Rows): readonly Comparison[] {
  const lies = (table: string) => {
    const [a, b, rows] = [before.get(table) ?? 0, after.get(table) ?? 0, found.get(table)];
    return rows !== undefined && rows >= Math.min(a, b) && rows <= Math.max(a, b);
  };
  const wrong = [...before.keys()].filter((table) => !lies(table));
  const still = [...before.keys()].filter((table) => before.get(table) === after.get(table));
  const sum = (rows: Rows) => still.reduce((all, table) => all + (rows.get(table) ?? 0), 0);
  return [
    ...wrong.map((table) => compare(`rows of ${table}`, before.get(table)!, found.get(table) ?? 'no table')),
    compare('rows of tables that nobody changed', sum(before), sum(found)),
  ];
}
