import { GIB } from '@psa/contracts/limits';
import type { Formats } from '@psa/ui/i18n/format';

/** 1 PiB: the API takes no more. */
const MOST = 2 ** 50;

/** A limit as it stands in a field; nothing where it is the platform's own. */
export const gibField = (bytes: number, platform: number, formats: Pick<Formats, 'number'>): string =>
  bytes === platform ? '' : formats.number(bytes / GIB, { maximumFractionDigits: 9, useGrouping: false });

/** Bytes of a field that holds GiB, with comma or point; null for nothing, undefined for what is no limit. */
export function readGib(text: string): number | null | undefined {
  const typed = text.trim().replace(',', '.');
  if (typed === '') return null;
  if (!/^\d+(\.\d+)?$/.test(typed)) return undefined;
  const bytes = Math.round(Number(typed) * GIB);
  return bytes <= MOST ? bytes : undefined;
}
