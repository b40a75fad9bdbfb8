/** The changes of a PATCH that differ from what is stored; empty when there are none. */
export function changesOf<Row extends object, Patch extends Partial<Row>>(row: Row, patch: Patch): Patch {
  return Object.fromEntries(
    Object.entries(patch).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(row[name as keyof Row] ?? null),
    ),
  ) as Patch;
}
