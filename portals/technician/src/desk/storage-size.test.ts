import { GIB } from '@psa/contracts/limits';
import { createFormats } from '@psa/ui/i18n/format';
import { expect, it } from 'vitest';
import { gibField, readGib } from './storage-size.ts';

const de = createFormats('de');
const en = createFormats('en');

it('reads a limit with comma or point, nothing as the platform’s, and no nonsense', () => {
  expect(['2', ' 0,5 ', '1.25', '0', '512 MB', '1 TiB'].map((text) => readGib(text, 'de'))).toEqual([
    ...[2 * GIB, 0.5 * GIB, 1.25 * GIB, 0],
    ...[GIB / 2, 1024 * GIB],
  ]);
  expect(readGib('  ', 'de')).toBeNull();
  for (const bad of ['-1', '1e3', 'viel', '1,2,3', '2.000.000', '1048577', '2 PB']) {
    expect(readGib(bad, 'de'), bad).toBeUndefined();
  }
});

it('writes into the field what it reads from it', () => {
  expect(gibField(20 * GIB, 20 * GIB, de)).toBe('');
  for (const [formats, language] of [
    [de, 'de'],
    [en, 'en'],
  ] as const) {
    expect(readGib(gibField(1_234.5 * GIB, GIB, formats), language)).toBe(1_234.5 * GIB);
  }
});
