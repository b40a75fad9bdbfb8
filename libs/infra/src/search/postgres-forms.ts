import { fold, lower } from '@psa/domain/text';
import { partsOf } from './compounds.ts';
import { lexemesOfWord } from './postgres-lexemes.ts';
import type { PostgresStems } from './postgres-stems.ts';

const MOST_KEPT = 60_000;

/**
 * The lexemes that a word of a text stands under in the index, as written. Kept, because the texts of a page have some
 * thousand words and nearly all of them were in the last pages too: to work them out took two thirds of a search's time
 * here.
 */
export class PostgresForms {
  readonly #stems: PostgresStems;
  readonly #kept = new Map<string, readonly string[]>();

  constructor(stems: PostgresStems) {
    this.#stems = stems;
  }

  /** @param missing gets the words whose stems would have to be asked for; while it has any, nothing is kept */
  of(text: string, missing: Set<string>): readonly string[] {
    const kept = this.#kept.get(text);
    if (kept) return kept;
    const stems = this.#stems.known(missing);
    const word = lower(text);
    const folded = fold(word);
    const lexemes = new Set(lexemesOfWord(word, folded, stems));
    for (const part of partsOf(folded)) for (const one of lexemesOfWord(part, part, stems)) lexemes.add(one);
    const found = [...lexemes];
    if (missing.size === 0) {
      if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
      this.#kept.set(copied(text), found.map(copied));
    }
    return found;
  }
}

/** A piece of a text holds on to the whole text; a copy does not. */
const copied = (piece: string): string => Buffer.from(piece, 'utf16le').toString('utf16le');

/**
 * Says at a glance which words of a text cannot have a lexeme that begins as one of these: nine in ten. A lexeme begins
 * with two letters that stand in its word, be it a stem or a part of a compound; but for words with accents, with a
 * spelling of umlauts, and the English "dying", "lying" and "tying", which are not judged here.
 */
export function glance(lexemes: Iterable<string>): (word: string) => boolean {
  const heads = new Set(Array.from(lexemes, (one) => RegExp.escape(one.slice(0, 2))));
  const pattern = new RegExp(['[^\\0-\\x7f]', '[aou]e', 'ying', ...heads].join('|'), 'i');
  return (word) => pattern.test(word);
}
