import type { SearchDocument } from '@psa/contracts/ports/search';
import type { Stems } from './postgres-stems.ts';
import { type Clause, exactForm, isDropped, type Term } from './query-text.ts';
import { fold, lower, mayBeMistyped, tokens, withoutUmlautSpelling } from './words.ts';

/** The two tsvectors of a document in PostgreSQL's text form, and the words for the vocabulary. */
interface DocumentLexemes {
  readonly head: string;
  readonly words: string;
  /** Folded word → word as written in lower case. */
  readonly vocabulary: ReadonlyMap<string, string>;
}

/** Words of a part that are indexed: about 100 kB of text. A tsvector holds 1 MB and 16,383 positions at most. */
const MOST_WORDS = 12_000;
const MOST_INTERNAL = 4_000;
/** tsvector keeps at most this many positions of a lexeme. */
const MOST_POSITIONS = 256;

/** Every word of documents that a stem must be known of. */
export function wordsOf(documents: readonly SearchDocument[]): Set<string> {
  const words = new Set<string>();
  for (const doc of documents) {
    for (const [text, most] of partsOf(doc))
      for (const token of tokens(text, most)) words.add(lower(token.text));
  }
  return words;
}

const partsOf = (doc: SearchDocument): [string, number][] => [
  [doc.title, MOST_WORDS],
  [doc.keywords.join('\n'), MOST_WORDS],
  [doc.body, MOST_WORDS],
  [doc.internal, MOST_INTERNAL],
];

/** The lexemes of a document. Positions run through title, keywords and body with a gap between, so that no phrase spans two of them. */
export function lexemesOf(doc: SearchDocument, stems: Stems): DocumentLexemes {
  const head = new Vector();
  const all = new Vector();
  const vocabulary = new Map<string, string>();
  const add = (text: string, most: number, weight: string, prefix: string, start: number, into: Vector[]) => {
    let position = start;
    for (const token of tokens(text, most)) {
      const word = lower(token.text);
      position++;
      if (stems.isStop(word)) continue;
      const folded = fold(word);
      if (mayBeMistyped(folded) && !vocabulary.has(folded)) vocabulary.set(folded, word);
      for (const lexeme of lexemesOfWord(word, folded, stems)) {
        for (const vector of into) vector.add(prefix + lexeme, position, weight);
      }
    }
    return position + 10;
  };
  let at = add(doc.title, MOST_WORDS, 'A', '', 0, [head, all]);
  for (const keyword of doc.keywords) {
    const exact = `=${exactForm(keyword)}`;
    head.add(exact, at + 1, 'B');
    all.add(exact, at + 1, 'B');
    at = add(keyword, 100, 'B', '', at, [head, all]);
  }
  at = add(doc.body, MOST_WORDS, '', '', at, [all]);
  add(doc.internal, MOST_INTERNAL, '', '!', at, [all]);
  return { head: head.text(), words: all.text(), vocabulary };
}

/**
 * The word itself, its spelling without umlauts, and the stems of both. Words and stems share one space: where the
 * stem is the word, as in half of them, there is one lexeme to store instead of two.
 */
export function lexemesOfWord(word: string, folded: string, stems: Stems): Set<string> {
  const lexemes = new Set([folded]);
  for (const stem of stems.of(word)) lexemes.add(stem);
  const other = withoutUmlautSpelling(folded);
  if (other !== null) {
    lexemes.add(other);
    for (const stem of stems.of(other)) lexemes.add(stem);
  }
  return lexemes;
}

class Vector {
  readonly #lexemes = new Map<string, string[]>();

  add(lexeme: string, position: number, weight: string): void {
    const at = `${Math.min(position, 16_383)}${weight}`;
    const known = this.#lexemes.get(lexeme);
    if (!known) this.#lexemes.set(lexeme, [at]);
    else if (known.length < MOST_POSITIONS) known.push(at);
  }

  text(): string {
    const parts: string[] = [];
    for (const [lexeme, positions] of this.#lexemes) parts.push(`${quote(lexeme)}:${positions.join(',')}`);
    return parts.join(' ');
  }
}

const quote = (lexeme: string) => `'${lexeme.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

/** Widened terms: the folded word → the words that stand in for it. */
export type Widened = ReadonlyMap<string, readonly string[]>;

/** One term as a tsquery, with the lexemes of internal text where the asker may search it. */
export function termQuery(term: Term, stems: Stems, widened: Widened, internal: boolean): string {
  const inWords = alternatives(term, stems, widened, '').join(' | ');
  return internal ? `(${inWords} | ${alternatives(term, stems, widened, '!').join(' | ')})` : `(${inWords})`;
}

/**
 * All clauses as one tsquery in text form: joined by `&` for matching, by `|` for ranking. Empty where nothing
 * is left to look for.
 */
export function matchQuery(
  clauses: readonly Clause[],
  stems: Stems,
  widened: Widened,
  internal: boolean,
  join: '&' | '|',
): string {
  return clauses
    .map((clause) => {
      if (clause.length === 1) return termQuery(clause[0]!, stems, widened, internal);
      const phrase = (prefix: string) => phraseQuery(clause, stems, widened, prefix);
      return internal ? `(${phrase('')} | ${phrase('!')})` : phrase('');
    })
    .join(` ${join} `);
}

/** Words side by side; a stop word within keeps its place, since it has one in the document too. */
function phraseQuery(clause: Clause, stems: Stems, widened: Widened, prefix: string): string {
  let text = '';
  let distance = 0;
  for (const term of clause) {
    distance++;
    if (isDropped(term, stems)) continue;
    const one = `(${alternatives(term, stems, widened, prefix).join(' | ')})`;
    text += text === '' ? one : ` <${distance}> ${one}`;
    distance = 0;
  }
  return `(${text})`;
}

function alternatives(term: Term, stems: Stems, widened: Widened, prefix: string): string[] {
  const found = new Set<string>();
  const addWord = (word: string, folded: string, beginning: boolean) => {
    // Stems are no beginnings: "drucken" does not ask for "Druckluft".
    const whole = new Set([folded, withoutUmlautSpelling(folded)]);
    for (const lexeme of lexemesOfWord(word, folded, stems)) {
      found.add(`${quote(prefix + lexeme)}${beginning && whole.has(lexeme) ? ':*' : ''}`);
    }
  };
  const instead = widened.get(term.folded);
  if (instead) for (const word of instead) addWord(word, fold(word), false);
  else addWord(term.word, term.folded, term.prefix);
  return [...found];
}

/** Exact keywords as a tsquery. */
export const exactQuery = (identifiers: readonly string[]) =>
  identifiers.map((one) => quote(`=${one}`)).join(' | ');
