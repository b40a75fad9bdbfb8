import { expect, it } from 'vitest';
import { sizeText } from './sizes.ts';

it.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [1_000, '1000 bytes'],
  [1_536, '1.5 KiB'],
  [4_000, '3.9 KiB'],
  [1_048_575, '1 MiB'],
  [25 * 2 ** 20, '25 MiB'],
  [1.5 * 2 ** 30, '1.5 GiB'],
  [2 ** 50, '1024 TiB'],
])('%i bytes are %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});
