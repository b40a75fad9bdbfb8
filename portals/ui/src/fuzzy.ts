/**
 * How well `text` answers `query`, higher is better; null when it does not. Every word of the query must be
 * found: as a word's beginning (best), inside, or as its letters in order. Case and accents do not count.
 */
export function fuzzyScore(query: string, text: string): number | null {
  const words = fold(query).split(/\s+/).filter(Boolean);
  const target = fold(text);
  let score = 0;
  for (const word of words) {
    const best = wordScore(word, target);
    if (best === null) return null;
    score += best;
  }
  // Of two equal matches the shorter text is meant.
  return score - target.length / 1000;
}

function fold(text: string): string {
  return text.toLowerCase().replaceAll('ß', 'ss').normalize('NFD').replace(/\p{M}/gu, '');
}

function wordScore(word: string, target: string): number | null {
  const at = target.indexOf(word);
  if (at === 0) return 4;
  if (at > 0) return /[\p{L}\p{N}]/u.test(target[at - 1]!) ? beginsAWord(word, target) : 3;
  let from = 0;
  let gaps = 0;
  for (const letter of word) {
    const found = target.indexOf(letter, from);
    if (found < 0) return null;
    if (from > 0) gaps += found - from;
    from = found + 1;
  }
  return word.length < 2 ? null : Math.max(0.1, 1 - gaps / 20);
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
