import { isMap, isScalar, isSeq, parseDocument } from 'yaml';
import { loadInventory } from '../inventory/load.ts';
import type { InventoryError } from '../inventory/problem.ts';

/** The new text, or why there is none: the file has no such number, or would not hold with it. */
export type Scaled =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly errors: readonly InventoryError[] };

/**
 * The text of an inventory with another number of replicas. Only the number is exchanged, so comments, order and the
 * way it is written stay.
 */
export function scaledInventory(text: string, file: string, service: string, replicas: number): Scaled {
  const services = parseDocument(text).get('services');
  const entry = isSeq(services)
    ? services.items.find((item) => isMap(item) && item.get('name') === service)
    : undefined;
  const value = isMap(entry) ? entry.get('replicas', true) : undefined;
  if (!isScalar(value) || !value.range) {
    const error: InventoryError = {
      ...{ file, line: 1, column: 1, path: 'services' },
      message: `There is no plain number of replicas for "${service}".`,
      fix: `Write "replicas: ${replicas}" there by hand, then run psactl apply.`,
    };
    return { ok: false, errors: [error] };
  }
  const [start, end] = value.range;
  const next = `${text.slice(0, start)}${replicas}${text.slice(end)}`;
  const loaded = loadInventory(next, file);
  return loaded.ok ? { ok: true, text: next } : loaded;
}
