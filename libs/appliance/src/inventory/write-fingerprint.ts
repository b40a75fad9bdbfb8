import { isMap, isScalar, isSeq, parseDocument, type YAMLMap } from 'yaml';
import { loadInventory } from './load.ts';
import type { InventoryError } from './problem.ts';

/** The new text, or why there is none. */
export type WithFingerprint =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly errors: readonly InventoryError[] };

/**
 * The text of an inventory with a node's fingerprint. Only that is put in, beside the node's address, or exchanged:
 * comments, order and the way it is written stay.
 * @param file stands in the errors
 */
export function withFingerprint(
  text: string,
  file: string,
  { site, node, fingerprint }: { readonly site: string; readonly node: string; readonly fingerprint: string },
): WithFingerprint {
  const entry = named(named(parseDocument(text), 'sites', site), 'nodes', node);
  const value = `"${fingerprint}"`;
  const old = entry?.get('fingerprint', true);
  const address = entry?.items.find(({ key }) => isScalar(key) && key.value === 'address');
  let next: string | null = null;
  if (isScalar(old) && old.range) next = text.slice(0, old.range[0]) + value + text.slice(old.range[1]);
  else if (entry && isScalar(address?.key) && isScalar(address.value) && address.value.range) {
    const end = address.value.range[1];
    if (entry.flow) next = `${text.slice(0, end)}, fingerprint: ${value}${text.slice(end)}`;
    else {
      const key = address.key.range![0];
      const column = key - (text.lastIndexOf('\n', key) + 1);
      const line = text.indexOf('\n', end);
      const at = line < 0 ? text.length : line;
      next = `${text.slice(0, at)}\n${' '.repeat(column)}fingerprint: ${value}${text.slice(at)}`;
    }
  }
  if (next === null) {
    const error: InventoryError = {
      ...{ file, line: 1, column: 1, path: `sites.${site}.nodes.${node}.fingerprint` },
      message: 'There is no plain entry of this node.',
      fix: `Write it there by hand: fingerprint: ${value}`,
    };
    return { ok: false, errors: [error] };
  }
  const loaded = loadInventory(next, file);
  return loaded.ok ? { ok: true, text: next } : loaded;
}

/** The entry of a list that has this name. */
function named(
  from: { get(key: string): unknown } | undefined,
  list: string,
  name: string,
): YAMLMap | undefined {
  const items = from?.get(list);
  return isSeq(items)
    ? items.items.find((item): item is YAMLMap => isMap(item) && item.get('name') === name)
    : undefined;
}
