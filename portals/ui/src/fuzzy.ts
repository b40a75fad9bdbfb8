import { foldText, withoutUmlautSpelling } from '@psa/domain/text';

/**
 * How well `text` answers `query`, higher is better; null when it does not. Every word of the query must be
 * found: as a word's beginning (best), inside, or as its letters in order. Both are folded as lists and search fold
 * them, so that what is found there is found here, "mueller" for "Müller" too.
 */
export function fuzzyScore(query: string, text: string): number | null {
  const target = foldText(text);
  let score = 0;
  for (const spellings of wordsOf(query)) {
    const best = Math.max(...spellings.map((word) => wordScore(word, target)));
    if (best < 0) return null;
    score += best;
  }
  // Of two equal matches the shorter text is meant.
  return score - target.length / 1000;
}

/** The words of a query, each in the spellings that it may be meant in. */
const wordsOf = (query: string): string[][] =>
  foldText(query)
    .split(' ')
    .filter(Boolean)
    .map((word) => [word, withoutUmlautSpelling(word)].filter((one) => one !== null));

/** Whether every word of the query stands in `text`, as lists on the server filter: "yilmaz" finds Yılmaz. */
export function holds(query: string, text: string): boolean {
  const target = foldText(text);
  return wordsOf(query).every((spellings) => spellings.some((word) => target.includes(word)));
}

/** How well a word answers; -1 when it does not. */
function wordScore(word: string, target: string): number {
  const at = target.indexOf(word);
  if (at === 0) return 4;
  if (at > 0) return /[\p{L}\p{N}]/u.test(target[at - 1]!) ? beginsAWord(word, target) : 3;
  let from = 0;
  let gaps = 0;
  for (const letter of word) {
    const found = target.indexOf(letter, from);
    if (found < 0) return -1;
    if (from > 0) gaps += found - from;
    from = found + 1;
  }
  return word.length < 2 ? -1 : Math.max(0.1, 1 - gaps / 20);
}

function beginsAWord(word: string, target: string): number {
  for (let at = target.indexOf(word); at >= 0; at = target.indexOf(word, at + 1)) {
    if (at > 0 && !/[\p{L}\p{N}]/u.test(target[at - 1]!)) return 3;
  }
  return 2;
}

/** Items that answer the query, best first; all in their own order when the query is empty. */
export function fuzzyFilter<T>(query: string, items: readonly T[], textOf: (item: T) => string): T[] {
  if (query.trim() === '') return [...items];
  return items
    .map((item) => ({ item, score: fuzzyScore(query, textOf(item)) }))
    .filter((entry): entry is { item: T; score: number } => entry.score !== null)
    .sort((a, b) => b.score - a.score)
    .map((entry) => entry.item);
}
