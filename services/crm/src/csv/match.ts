import { sortKey } from '@psa/domain/text';

/** Records created from a file belong to this source. */
export const CSV_SOURCE = 'csv';

/** Names are the same when they differ in case and spacing only: "Muller" is not "Müller". */
export const nameOf = (name: string) => name.normalize('NFC').toLowerCase().replace(/\s+/gu, ' ').trim();

/** A customer number of ours, however it is written (the portal shows K10001); null for another system's. */
export function ownNumber(text: string | null): number | null {
  const digits = /^k?0*([1-9]\d{0,8})$/i.exec(text ?? '')?.[1];
  return digits === undefined ? null : Number(digits);
}

/** The folded names to look records up by. */
export const nameKeys = (names: readonly (string | null | undefined)[]): string[] => [
  ...new Set(names.flatMap((name) => (name ? [sortKey(name)] : []))),
];

export const same = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** Of wanted values those that differ from what is there. */
export const differing = (row: object, wanted: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(wanted).filter(([field, value]) => !same(row[field as keyof object], value)),
  );
