import { fold, lower, tokens } from './words.ts';

/** One word of a query. */
export interface Term {
  /** As typed. */
  readonly typed: string;
  /** Lower case, umlauts kept. */
  readonly word: string;
  /** Without accents. */
  readonly folded: string;
  /** Also finds words that begin with it: the last word, which may still be being typed. */
  readonly prefix: boolean;
}

/** Words that must stand side by side, or a single word. All clauses must match. */
export type Clause = readonly Term[];

interface QueryText {
  readonly clauses: readonly Clause[];
  /** Numbers, addresses and the like as typed, lower case: a document that has one as keyword comes first. */
  readonly identifiers: readonly string[];
}

const MAX_LENGTH = 500;
const MAX_TERMS = 16;
/** One letter begins a tenth of all words: no use as a prefix, and dear. */
const MIN_PREFIX = 2;

/**
 * What a person typed, as clauses. Words in quotes stand side by side, so do the parts of an address or
 * number (`a@b.de`, `10.0.0.1`). There are no operators: signs separate words and mean nothing.
 */
export function parseQuery(text: string): QueryText {
  const clean = text
    .slice(0, MAX_LENGTH)
    .normalize('NFC')
    .replace(/[„“”«»‟]/g, '"');
  const clauses: Clause[] = [];
  const identifiers: string[] = [];
  let quoted = false;
  let lastIsLoose = false;
  // Every second part stands between quotes; an odd quote at the end opens nothing.
  const parts = clean.split('"');
  parts.forEach((part, index) => {
    quoted = index % 2 === 1 && index < parts.length - 1;
    for (const chunk of quoted ? [part] : part.split(/\s+/)) {
      const words = termsOf(chunk);
      if (words.length === 0) continue;
      lastIsLoose = !quoted;
      if (!quoted && isIdentifier(chunk)) identifiers.push(exactForm(chunk));
      if (quoted || (isIdentifier(chunk) && words.length > 1)) clauses.push(words);
      else clauses.push(...words.map((word) => [word]));
    }
  });
  const kept = limit(clauses);
  const last = kept.at(-1)?.at(-1);
  if (lastIsLoose && last && mayBePrefix(last.folded)) {
    kept.push([...kept.pop()!.slice(0, -1), { ...last, prefix: true }]);
  }
  return { clauses: kept, identifiers };
}

const termsOf = (text: string): Term[] =>
  [...tokens(text, MAX_TERMS)].map((token) => {
    const word = lower(token.text);
    return { typed: token.text, word, folded: fold(word), prefix: false };
  });

/** Has a digit or an @, which ordinary words have not. */
const isIdentifier = (chunk: string) => /[\p{N}@]/u.test(chunk);
const trimSigns = (chunk: string) => chunk.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '');
/** A whole keyword, as it is compared. */
export const exactForm = (keyword: string) => trimSigns(keyword.normalize('NFC')).toLowerCase().slice(0, 250);
/** A number is meant as it stands: 42 is not 4200. */
const mayBePrefix = (folded: string) => folded.length >= MIN_PREFIX && !/^\p{N}+$/u.test(folded);

function limit(clauses: readonly Clause[]): Clause[] {
  const kept: Clause[] = [];
  let count = 0;
  for (const clause of clauses) {
    if (count + clause.length > MAX_TERMS) break;
    kept.push(clause);
    count += clause.length;
  }
  return kept;
}

/** Says which words say nothing by themselves. */
export interface StopWords {
  isStop(word: string): boolean;
}

/** Stop words are not looked for; one that is being typed may become another word. */
export const isDropped = (term: Term, stops: StopWords) => !term.prefix && stops.isStop(term.word);

/**
 * Clauses without stop words. A stop word at the end counts as a beginning only when nothing else was typed:
 * "man" finds Manager, "Drucker an" does not ask for a word with "an".
 */
export function withoutStopWords(clauses: readonly Clause[], stops: StopWords): Clause[] {
  const kept = clauses.filter((clause) => clause.some((term) => !stops.isStop(term.word)));
  if (kept.length > 0) {
    return kept.map((clause) =>
      clause.map((term) => (stops.isStop(term.word) ? { ...term, prefix: false } : term)),
    );
  }
  const last = clauses.at(-1);
  return last?.length === 1 && last[0]!.prefix && clauses.length === 1 ? [last] : [];
}
