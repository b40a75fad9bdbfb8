import { GIB } from '@psa/contracts/limits';
import type { Formats } from '@psa/ui/i18n/format';
import type { Language } from '@psa/ui/i18n/i18n';
import { readBytes } from '@psa/ui/i18n/typed';

/** 1 PiB: the API takes no more. */
const MOST = 2 ** 50;

/** A limit as it stands in a field; nothing where it is the platform's own. */
export const gibField = (bytes: number, platform: number, formats: Pick<Formats, 'number'>): string =>
  bytes === platform ? '' : formats.number(bytes / GIB, { maximumFractionDigits: 9, useGrouping: false });

/** Bytes of a field: `2,5` are GiB, `500 MB` what it says; null for nothing, undefined for what is no limit. */
export function readGib(text: string, language: Language): number | null | undefined {
  if (text.trim() === '') return null;
  const bytes = readBytes(text, language, 'G');
  return bytes !== null && bytes <= MOST ? bytes : undefined;
}
