/**
 * How texts are compared: one rule for what is stored and what is asked for, in lists, in the search index and in
 * both of its adapters. A character may unfold into many (U+FDFA into 18 letters), so lengths are cut after folding.
 */

/** Letters of a word that are compared, after folding. Longer runs are keys and hashes: found by their beginning. */
export const MAX_WORD = 64;
/** Letters of a sort key: an index row of PostgreSQL takes 2,704 bytes. */
export const MAX_KEY = 300;
/** Read of a word before folding: a letter with all its accents, zero-width signs between the letters. */
const MAX_RAW = 8 * MAX_WORD;

/** Letters that Unicode decomposition leaves alone although people type them without the extra. */
const PLAIN: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ı: 'i',
};
const PLAIN_LETTER = /[ßæœøłđðþı]/g;
/** Accents, Arabic and Hebrew vowel points. Not the vowels of Thai or Hindi, nor the voicing of kana: these are letters. */
const ACCENTS = new RegExp(
  `[${[
    ['0300', '036F'],
    ['0591', '05BD'],
    ['05BF', '05BF'],
    ['05C1', '05C2'],
    ['05C4', '05C5'],
    ['064B', '065F'],
    ['0670', '0670'],
    ['1AB0', '1AFF'],
    ['1DC0', '1DFF'],
    ['20D0', '20FF'],
    ['FE20', 'FE2F'],
  ]
    .map(([from, to]) => `\\u${from}-\\u${to}`)
    .join('')}]`,
  'g',
);
const PLAIN_GERMAN = /^[A-Za-z0-9ÄÖÜäöüß]+$/;
const PLAIN_WORD = /^[a-z0-9]{0,64}$/;
const NO_WORD = /[^\p{L}\p{N}\p{M}]/gu;

/** The first `most` UTF-16 units, never half a character. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = /[\uD800-\uDBFF]/.test(text[most - 1]!) ? most - 1 : most;
  return text.slice(0, end);
}

/** What PostgreSQL and JSON can hold: no NUL, no half of a surrogate pair. */
export const storable = (text: string): string => text.replaceAll('\0', '').toWellFormed();

/** A word in lower case and one Unicode form, as stemmers expect it: umlauts stay; zero-width signs go; at most 64 units. */
export function lower(word: string): string {
  // Nearly every word: the long way takes twenty times as long.
  if (PLAIN_GERMAN.test(word)) return word.slice(0, MAX_WORD).toLowerCase();
  const form = cut(word, MAX_RAW).toWellFormed().normalize('NFKC').toLowerCase().normalize('NFKC');
  // What stood between a letter and its accent has gone: they may be one now.
  return cut(form.replace(NO_WORD, '').normalize('NFKC'), MAX_WORD);
}

/** A word of {@link lower} without accents: é → e, ü → u, ß → ss. At most 64 units. */
export const fold = (word: string): string =>
  PLAIN_WORD.test(word) ? word : cut(bare(word).replace(NO_WORD, ''), MAX_WORD);

const bare = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(ACCENTS, '')
    .normalize('NFKC')
    .replace(PLAIN_LETTER, (letter) => PLAIN[letter]!);

/** A text in lower case, without accents and zero-width signs, spaces collapsed: "Müller  &  Söhne" becomes "muller & sohne". */
export function foldText(text: string): string {
  const small = storable(text)
    .normalize('NFKD')
    .replace(ACCENTS, '')
    .toLowerCase()
    .replace(/\p{Cf}/gu, '');
  return bare(small).replace(/\s+/gu, ' ').trim();
}

const GERMAN: Readonly<Record<string, string>> = { ä: 'ae', ö: 'oe', ü: 'ue' };

/** As {@link foldText}, with umlauts written out as Germans do without an umlaut key: "mueller & soehne". */
export const foldTextGerman = (text: string): string =>
  foldText(
    storable(text)
      .normalize('NFC')
      .toLowerCase()
      .normalize('NFC')
      .replace(/[äöü]/g, (letter) => GERMAN[letter]!),
  );

/** What rows are sorted by. */
export const sortKey = (text: string): string => cut(foldText(text), MAX_KEY);

/**
 * The other spelling of a folded word that may have been written without umlauts: mueller → muller, as `fold` makes
 * of Müller. Null where there is none. "que" is not "qü".
 */
export function withoutUmlautSpelling(folded: string): string | null {
  const other = folded.replace(/(?<!q)([aou])e/g, '$1');
  return other === folded ? null : other;
}
