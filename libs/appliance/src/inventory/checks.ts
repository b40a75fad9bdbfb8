import type { FieldPath, Problem } from './problem.ts';
import type { Inventory } from './schema.ts';

/** One problem for each value that stands a second time. */
export function duplicates(
  entries: readonly { readonly value: string; readonly path: FieldPath }[],
  what: string,
): Problem[] {
  const first = new Map<string, FieldPath>();
  return entries.flatMap(({ value, path }) => {
    if (first.has(value))
      return [{ path, message: `${what} ${value} stands twice.`, fix: 'Give each its own.' }];
    first.set(value, path);
    return [];
  });
}

/** True when there is a storage of that name that may hold that content. */
export function holds(
  storages: Inventory['sites'][number]['storages'],
  name: string,
  content: 'rootdir' | 'vztmpl' | 'backup',
): boolean {
  return storages.some((storage) => storage.name === name && storage.content.includes(content));
}
