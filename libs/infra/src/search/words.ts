/** A word of a text, with where it stands. */
export interface Token {
  /** As written. In a script without spaces: a letter and the next one. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Of a script without spaces. */
  readonly dense: boolean;
  /** The last letter of a run of such a script: it has no next one. */
  readonly last: boolean;
}

/** Letters of scripts that are written without spaces between the words, and Hangul, whose words grow endings. */
const DENSE =
  '[[\\p{scx=Han}\\p{scx=Hira}\\p{scx=Kana}\\p{scx=Bopo}\\p{scx=Hang}\\p{scx=Thai}\\p{scx=Laoo}\\p{scx=Khmr}\\p{scx=Mymr}]&&\\p{L}]';
/** Such a letter with its vowel and tone signs; half-width kana have their voicing beside them. */
const CLUSTER = `${DENSE}[\\p{M}\\p{Cf}\\uFF9E\\uFF9F]*`;
// Signs without width (soft hyphens, joiners, marks of direction) stand within words and mean nothing.
const WORD = /[\p{L}\p{N}][\p{L}\p{N}\p{M}\p{Cf}]*/uy;
/** Below Thai no script is dense: most words need no second look. */
const MAY_BE_DENSE = /[^\0-\u0DFF]/;
const RUNS = new RegExp(`(?<dense>(?:${CLUSTER})+)|(?:(?!${DENSE})[^])+`, 'gv');
const CLUSTERS = new RegExp(CLUSTER, 'gv');

/** Of the characters of European languages: 1 letters and digits, 2 what stands within words and means nothing. */
const LATIN = Uint8Array.from({ length: 0x300 }, (_, code) => {
  const char = String.fromCharCode(code);
  return /[\p{L}\p{N}]/u.test(char) ? 1 : /\p{Cf}/u.test(char) ? 2 : 0;
});

/**
 * The words of a text, in order; at most `most` of them. Of 打印机 these are 打印, 印机 and 机: nobody needs to know
 * where its words end.
 */
export function* tokens(text: string, most = Number.POSITIVE_INFINITY): Generator<Token> {
  let count = 0;
  for (let start = 0; start < text.length; ) {
    const code = text.charCodeAt(start);
    if (code < LATIN.length && LATIN[code] !== 1) {
      start++;
      continue;
    }
    // By hand as far as the table goes: five times as fast as the expression, and nearly all texts end here.
    let end = start;
    let kind: number | undefined = 1;
    while (end < text.length && (kind = LATIN[text.charCodeAt(end)]) === 1) end++;
    if (end < text.length && kind !== 0) {
      WORD.lastIndex = start;
      const word = WORD.exec(text)?.[0] ?? '';
      end = start + Math.max(word.length, 1);
      if (MAY_BE_DENSE.test(word)) {
        for (const token of mixed(word, start)) {
          if (count++ >= most) return;
          yield token;
        }
        start = end;
        continue;
      }
      if (word === '') {
        start = end;
        continue;
      }
    }
    if (count++ >= most) return;
    yield { text: text.slice(start, end), start, end, dense: false, last: false };
    start = end;
  }
}

/** The words of a run of letters that may have dense ones among them. */
function* mixed(run: string, start: number): Generator<Token> {
  for (const part of run.matchAll(RUNS)) {
    const [text] = part;
    const from = start + part.index;
    if (part.groups?.dense === undefined) {
      if (/[\p{L}\p{N}]/u.test(text))
        yield { text, start: from, end: from + text.length, dense: false, last: false };
      continue;
    }
    let before: { text: string; start: number } | null = null;
    for (const cluster of text.matchAll(CLUSTERS)) {
      const one = { text: cluster[0], start: from + cluster.index };
      if (before !== null)
        yield {
          text: before.text + one.text,
          start: before.start,
          end: one.start + one.text.length,
          dense: true,
          last: false,
        };
      before = one;
    }
    yield { ...before!, end: before!.start + before!.text.length, dense: true, last: true };
  }
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
