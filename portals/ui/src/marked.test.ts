import fc from 'fast-check';
import { expect, it } from 'vitest';
import { markedParts } from './marked.ts';

it('splits at the marks of the search', () => {
  expect(markedParts('Der \uE000Drucker\uE001 klemmt')).toEqual([
    { text: 'Der ', hit: false },
    { text: 'Drucker', hit: true },
    { text: ' klemmt', hit: false },
  ]);
});

it('loses no text, whatever the marks', () => {
  const token = fc.oneof(fc.constantFrom('\uE000', '\uE001'), fc.string({ unit: 'grapheme' }));
  fc.assert(
    fc.property(fc.array(token), (tokens) => {
      const text = tokens.join('');
      const parts = markedParts(text);
      expect(parts.map((part) => part.text).join('')).toBe(text.replace(/[\uE000\uE001]/g, ''));
      expect(parts.every((part) => part.text !== '')).toBe(true);
    }),
  );
});
