import fc from 'fast-check';
import { expect, it } from 'vitest';
import { groupsOf, linesOf } from './synonyms.ts';

it('reads lines as people and spreadsheets write them', () => {
  const text =
    '\uFEFF# Unsere Wörter\r\nDrucker = printer =  Multi  Gerät\r\n\r\nhandy;smartphone;\n"WLAN",wifi\nstörung\tausfall\tausfall\nallein';
  expect(groupsOf(text)).toEqual([
    ['Drucker', 'printer', 'Multi Gerät'],
    ['handy', 'smartphone'],
    ['WLAN', 'wifi'],
    ['störung', 'ausfall'],
    ['allein'],
  ]);
  expect(groupsOf('')).toEqual([]);
});

it('reads what it has written', () => {
  const word = fc.stringMatching(/^[a-zäöüß]{1,8}( [a-z]{1,5})?$/);
  fc.assert(
    fc.property(fc.array(fc.uniqueArray(word, { minLength: 2, maxLength: 5 })), (groups) => {
      expect(groupsOf(linesOf(groups))).toEqual(groups);
    }),
  );
});
