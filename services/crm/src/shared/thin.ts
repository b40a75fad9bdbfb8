import type { ListRequest } from '@psa/service-kit/list';

/** One object thinned to the `fields` that were asked for. */
export function thin<T extends object>(object: T, request: Pick<ListRequest, 'fields'>): Partial<T> {
  if (!request.fields) return object;
  const wanted = request.fields;
  return Object.fromEntries(Object.entries(object).filter(([name]) => wanted.has(name))) as Partial<T>;
}

/** The changes of a PATCH that differ from what is stored; empty when there are none. */
export function changesOf<Row extends object, Patch extends Partial<Row>>(row: Row, patch: Patch): Patch {
  return Object.fromEntries(
    Object.entries(patch).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(row[name as keyof Row] ?? null),
    ),
  ) as Patch;
}
