/** A run of letters and digits, with where it stands in the text. */
export interface Token {
  /** As written. */
  readonly text: string;
  readonly start: number;
}

const WORD = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu;
/** Longer runs are no words but keys, hashes and the like: they are found by their beginning. */
const MAX_WORD = 64;

/** The words of a text, in order; at most `most` of them. */
export function* tokens(text: string, most = Number.POSITIVE_INFINITY): Generator<Token> {
  let count = 0;
  for (const match of text.matchAll(WORD)) {
    if (count++ >= most) return;
    yield { text: match[0], start: match.index };
  }
}

/** Lower case in one Unicode form, as the stemmers expect it: umlauts stay. */
export const lower = (word: string): string => word.slice(0, MAX_WORD).normalize('NFC').toLowerCase();

/** Without accents: é → e, ü → u, ß → ss. */
export const fold = (word: string): string =>
  word.normalize('NFKD').replace(/\p{M}/gu, '').replaceAll('ß', 'ss').replaceAll('ø', 'o');

/**
 * The other spelling of a word that may have been written without umlauts: mueller → muller, as `fold` makes
 * of Müller. Null where there is none. "que" is not "qü".
 */
export function withoutUmlautSpelling(folded: string): string | null {
  const other = folded.replace(/(?<!q)([aou])e/g, '$1');
  return other === folded ? null : other;
}

/** True for words that may be mistyped: letters only, three at least. Numbers and keys are meant exactly. */
export const mayBeMistyped = (word: string): boolean => /^\p{L}{3,32}$/u.test(word);

/** Edits that are forgiven by length of the typed word, as Elasticsearch's `AUTO`: 0, from 3 letters 1, from 6 letters 2. */
export const forgivenEdits = (word: string): number => (word.length < 3 ? 0 : word.length < 6 ? 1 : 2);

/** The word, and what it becomes when one letter is left out. */
export function shortened(word: string): string[] {
  const forms = new Set([word]);
  for (let i = 0; i < word.length; i++) forms.add(word.slice(0, i) + word.slice(i + 1));
  return [...forms];
}

/**
 * Edits between two words: letters put in, left out, replaced, or two neighbours swapped (optimal string
 * alignment). Stops early with `limit + 1` when the words are further apart than `limit`.
 */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let best = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, before[j - 2]! + 1);
      }
      row.push(cost);
      if (cost < best) best = cost;
    }
    // A swap reaches back two rows, so one row over the limit is not yet the end.
    if (best > limit && Math.min(...last) > limit) return limit + 1;
    before = last;
    last = row;
  }
  return last[b.length]!;
}

/** The words nearest to a mistyped one, nearest first; those further than is forgiven are left out. */
export function nearest(typed: string, candidates: readonly string[], most: number): string[] {
  const limit = forgivenEdits(typed);
  return candidates
    .map((word) => ({ word, distance: editDistance(typed, word, limit) }))
    .filter(({ distance }) => distance > 0 && distance <= limit)
    .sort((a, b) => a.distance - b.distance || (a.word < b.word ? -1 : 1))
    .slice(0, most)
    .map(({ word }) => word);
}
