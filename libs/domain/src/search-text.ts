import { phoneForms } from './phone.ts';
import { foldText, foldTextGerman } from './text.ts';

/** What a row is found by: its parts in both spellings, one per line so that no match spans two of them. */
export function searchText(parts: readonly (string | number | null | undefined)[]): string {
  const lines = new Set<string>();
  for (const part of parts) {
    if (part === null || part === undefined || part === '') continue;
    lines.add(foldText(String(part)));
    lines.add(foldTextGerman(String(part)));
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
  // A telephone number is one thing, whatever stands between its digits.
  const [number] = /^[\d\s+()/.-]+$/.test(search) ? phoneForms(search) : [];
  if (number !== undefined) return [{ plain: foldText(search), german: number }];
  return search
    .split(/\s+/u)
    .map((word) => ({ plain: foldText(word), german: foldTextGerman(word) }))
    .filter((needle) => needle.plain !== '')
    .slice(0, MAX_NEEDLES);
}

/** A LIKE pattern for "contains", with the wildcards of the text itself disarmed. */
export const contains = (text: string) => `%${text.replace(/[\\%_]/g, (c) => `\\${c}`)}%`;

/** Whether a row is found: every needle occurs in its {@link searchText}. For lists that are too short for an index. */
export const isFound = (text: string, wanted: readonly Needle[]): boolean =>
  wanted.every(({ plain, german }) => text.includes(plain) || text.includes(german));
