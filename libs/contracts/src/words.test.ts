import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinWords, splitWords } from './words.ts';

describe('names in one parameter', () => {
  it('are separated by commas; one inside a name has a backslash', () => {
    expect(splitWords('Netzwerk,Server\\,Cloud,A, B,Netzwerk ,')).toEqual([
      'Netzwerk',
      'Server,Cloud',
      'A, B',
    ]);
    expect(joinWords(['A\\B', 'C,D'])).toBe('A\\\\B,C\\,D');
  });

  it('come back as they were written', () => {
    const word = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => text === text.trim());
    fc.assert(
      fc.property(fc.uniqueArray(word), (words) => {
        expect(splitWords(joinWords(words))).toEqual(words);
      }),
    );
  });
});
