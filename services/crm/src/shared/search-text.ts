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
const GERMAN: Readonly<Record<string, string>> = { ä: 'ae', ö: 'oe', ü: 'ue' };

/** Lower case, without accents, spaces collapsed: "Müller  &  Söhne" becomes "muller & sohne". */
export function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .replace(/[ßæœøłđðþı]/g, (letter) => PLAIN[letter]!)
    .replace(/\s+/gu, ' ')
    .trim();
}

/** As {@link fold}, with umlauts written out as Germans do without an umlaut key: "mueller & soehne". */
export function foldGerman(text: string): string {
  const spelled = text
    .normalize('NFC')
    .toLowerCase()
    .normalize('NFC')
    .replace(/[äöü]/g, (letter) => GERMAN[letter]!);
  return fold(spelled);
}

/** What a row is found by: its parts in both spellings, one per line so that no match spans two of them. */
export function searchText(parts: readonly (string | number | null | undefined)[]): string {
  const lines = new Set<string>();
  for (const part of parts) {
    if (part === null || part === undefined || part === '') continue;
    lines.add(fold(String(part)));
    lines.add(foldGerman(String(part)));
  }
  return [...lines].filter((line) => line !== '').join('\n');
}

/** One word to look for, in its two spellings (often equal). */
export interface Needle {
  readonly plain: string;
  readonly german: string;
}

/** Words asked for at most; later ones of a longer text are not looked at. */
export const MAX_NEEDLES = 8;

/** The words of a search; each must occur somewhere in {@link searchText}, in any order. */
export function needles(search: string): Needle[] {
  return search
    .split(/\s+/u)
    .map((word) => ({ plain: fold(word), german: foldGerman(word) }))
    .filter((needle) => needle.plain !== '')
    .slice(0, MAX_NEEDLES);
}

/** A LIKE pattern for "contains", with the wildcards of the text itself disarmed. */
export const contains = (text: string) => `%${text.replace(/[\\%_]/g, (c) => `\\${c}`)}%`;
