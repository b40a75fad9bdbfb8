import { expect, it } from 'vitest';
import { phoneForms, significantDigits } from './phone.ts';

it('a telephone number is found in whichever way it is written', () => {
  const written = ['0871/96 53-210', '+49 871 9653210', '0049 (0)871 9653210', '+49 (0) 871 / 96 53 210'];
  for (const one of written) expect(phoneForms(one)).toEqual(['498719653210', '08719653210']);
  expect(phoneForms('+43 1 23456')).toEqual(['43123456']);
  expect(phoneForms('Dw. 12')).toEqual([]);
});

it.each([
  ['08719653210', false, '8719653210'],
  ['498719653210', true, '8719653210'],
  ['004908719653210', false, '8719653210'],
  ['43123456', true, '43123456'],
  ['0000', false, '00'],
])('the digits %s (with a plus: %s) are %s wherever one dials', (digits, plus, expected) => {
  expect(significantDigits(digits, plus)).toBe(expected);
});
