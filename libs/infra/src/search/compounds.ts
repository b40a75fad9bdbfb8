import { withoutUmlautSpelling } from '@psa/domain/text';
import { ENDS, STARTS } from './german-words.ts';

const SHORTEST = 7;
const SHORTEST_PART = 3;
const LONGEST = 48;
/** Words of so many letters begin compounds without a linking letter too: Treiberinstallation. */
const LONG = 5;
/** Endings of a compound's last word: Druckern, Servers, Anlagen. */
const ENDINGS = ['', 'n', 's', 'en', 'es', 'e', 'er', 'ern', 'ns'];
const MOST_KEPT = 50_000;

let words: { readonly starts: ReadonlySet<string>; readonly ends: ReadonlySet<string> } | undefined;
const known = new Map<string, readonly string[]>();

/**
 * The words that a German compound is made of, and what neighbours among them make: netzwerkdrucker → netz, werk,
 * drucker, netzwerk, werkdrucker. Empty for other words. Beginnings are those that German really builds compounds
 * with (see german-words.ts), so that Sekunde has no Kunde in it and Apparat no Rat.
 * @param folded a word of `fold`
 */
export function partsOf(folded: string): readonly string[] {
  if (folded.length < SHORTEST || folded.length > LONGEST || !/^[a-z]+$/.test(folded)) return [];
  let parts = known.get(folded);
  if (!parts) {
    parts = combined(whole(folded) ?? whole(withoutUmlautSpelling(folded) ?? '') ?? []);
    if (known.size >= MOST_KEPT) known.clear();
    known.set(folded, parts);
  }
  return parts;
}

/** A last word as it is before one with an ending: bondrucker is bon and drucker, not bond and ruck-er. */
const whole = (word: string) => split(word, ['']) ?? split(word, ENDINGS);

/** The longest beginnings first: "arbeits" before "arbeit". */
function split(word: string, endings: readonly string[]): string[] | null {
  words ??= { starts: new Set(STARTS.split(/\s+/)), ends: new Set(ENDS.split(/\s+/)) };
  for (let at = word.length - SHORTEST_PART; at >= SHORTEST_PART; at--) {
    const [start, rest] = [word.slice(0, at), word.slice(at)];
    if (!words.starts.has(start) && !(at >= LONG && words.ends.has(start))) continue;
    // Of three letters both, they are chance.
    if (at + rest.length >= SHORTEST && isEnd(rest, words.ends, endings)) return [start, rest];
    const more = split(rest, endings);
    if (more) return [start, ...more];
  }
  return null;
}

const isEnd = (word: string, ends: ReadonlySet<string>, endings: readonly string[]) =>
  endings.some(
    (ending) =>
      word.endsWith(ending) &&
      (ending === '' || word.length - ending.length >= 4) &&
      ends.has(word.slice(0, word.length - ending.length)),
  );

function combined(parts: readonly string[]): string[] {
  const all = new Set<string>();
  for (let from = 0; from < parts.length; from++) {
    for (let to = from + 1; to <= parts.length; to++) {
      if (to - from < parts.length) all.add(parts.slice(from, to).join(''));
    }
  }
  return [...all];
}
