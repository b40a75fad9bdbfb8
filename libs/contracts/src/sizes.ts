/** Units of 1,024, as limits are set in: what is shown beside a limit must add up to it. */
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
export type SizeUnit = (typeof UNITS)[number];

/** A size as people read it, with one decimal at most: 1536 is 1.5 KiB, and whatever is more than nothing is not 0. */
export function sizeOf(bytes: number): { value: number; unit: SizeUnit } {
  let value = bytes;
  let step = 0;
  const rounded = () => (step === 0 ? value : Math.round(value * 10) / 10);
  // The rounded value decides: 1,048,575 bytes are 1 MiB, not 1,024 KiB.
  while (rounded() >= 1024 && step < UNITS.length - 1) {
    value /= 1024;
    step += 1;
  }
  return { value: rounded(), unit: UNITS[step]! };
}

/** In the English of the platform's own messages. */
export function sizeText(bytes: number): string {
  const { value, unit } = sizeOf(bytes);
  if (unit === 'B') return value === 1 ? '1 byte' : `${value} bytes`;
  return `${value} ${unit}`;
}
