import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cut, fold, foldText, foldTextGerman, lower, MAX_KEY, MAX_WORD, sortKey, storable } from './text.ts';

describe('folding', () => {
  it.each([
    ['Müller', 'muller'],
    ['STRAẞE', 'strasse'],
    ['İstanbul', 'istanbul'],
    ['Oﬃce', 'office'],
    ['Łódź', 'lodz'],
    ['Dru\u00ADcker', 'drucker'],
    ['Ｄｒｕｃｋｅｒ', 'drucker'],
    ['Ångström', 'angstrom'],
    // Vowel signs of Thai and Hindi and the voicing of kana are letters.
    ['พิมพ์', 'พิมพ์'],
    ['किताब', 'किताब'],
    ['ガ', 'ガ'],
    ['ｶﾞ', 'ガ'],
  ])('%s is %s', (word, folded) => {
    expect(fold(lower(word))).toBe(folded.normalize('NFKC'));
    expect(foldText(word)).toBe(folded.normalize('NFKC'));
  });

  it('spells umlauts out where it is told to', () => {
    expect(foldTextGerman('Müller  &  Söhne')).toBe('mueller & soehne');
    expect(foldText('Müller  &  Söhne')).toBe('muller & sohne');
  });

  const anything = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc
      .array(fc.constantFrom('\uFDFA', 'ﬃ', 'İ', 'ẞ', '\u0301', '\uD800', '\0', '\u200D', '🖨️', 'ǆ', 'a', ' '))
      .map((all) => all.join('')),
    fc.nat(20_000).map((n) => `a${'\u0301'.repeat(n)}`),
  );

  it('has a length that is kept after folding, and is the same the second time', () => {
    fc.assert(
      fc.property(anything, (text) => {
        const word = lower(text);
        for (const one of [word, fold(word)]) {
          expect(one.length).toBeLessThanOrEqual(MAX_WORD);
          expect(one.isWellFormed()).toBe(true);
          expect(one).not.toMatch(/[\0\s\p{Cf}]/u);
        }
        expect(lower(word)).toBe(word);
        expect(sortKey(text).length).toBeLessThanOrEqual(MAX_KEY);
        // A row of an index of PostgreSQL has 2,704 bytes at most.
        expect(Buffer.byteLength(sortKey(text))).toBeLessThan(2_000);
        expect(storable(text)).not.toContain('\0');
      }),
      { examples: [['a\0\u0301']] },
    );
  });

  it('never cuts a character in half', () => {
    expect(cut('ab🖨', 3)).toBe('ab');
    expect(cut('ab🖨', 4)).toBe('ab🖨');
  });
});
