import type { SearchDocument } from '@psa/contracts/ports/search';
import { fold, lower, withoutUmlautSpelling } from '@psa/domain/text';
import { partsOf } from './compounds.ts';
import { asWritten, endingWith, joinedForms } from './joined.ts';
import type { Stems } from './postgres-stems.ts';
import { exactForm, type Group, isDropped, type Term, titleHash } from './query-text.ts';
import { mayBeMistyped, tokens } from './words.ts';

/** The two tsvectors of a document in PostgreSQL's text form, and the words for the vocabulary. */
interface DocumentLexemes {
  readonly head: string;
  readonly words: string;
  /** Folded word → word as written in lower case. */
  readonly vocabulary: ReadonlyMap<string, string>;
}

/** Words of a part that are indexed: about 100 kB of text. A tsvector has 16,383 positions at most. */
const MOST_WORDS = 12_000;
const MOST_INTERNAL = 4_000;
/** tsvector keeps at most this many positions of a lexeme. */
const MOST_POSITIONS = 256;
/**
 * A tsvector holds 1 MB of lexemes and positions, a lexeme 2,046 bytes. Counted as PostgreSQL stores them: the letters
 * in UTF-8, and two bytes a position.
 */
const MOST_BYTES = 700_000;

/** Every word of documents that a stem must be known of. */
export function wordsOf(documents: readonly SearchDocument[]): Set<string> {
  const words = new Set<string>();
  for (const doc of documents) {
    for (const [text, most] of partsOfDocument(doc))
      for (const token of tokens(text, most)) if (!token.dense) words.add(lower(token.text));
  }
  for (const word of [...words]) for (const part of partsOf(fold(word))) words.add(part);
  return words;
}

const partsOfDocument = (doc: SearchDocument): [string, number][] => [
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
  const add = (
    text: string,
    most: number,
    weight: string,
    prefix: string,
    start: number,
    isHead: boolean,
  ) => {
    let position = start;
    const put = (lexeme: string) => {
      all.add(prefix + lexeme, position, weight);
      if (!isHead) return;
      head.add(lexeme, position, weight);
      all.add(HEAD + lexeme, position, '');
    };
    const words = [...tokens(text, most)];
    const joined = joinedForms(text, words);
    for (const [i, token] of words.entries()) {
      const word = lower(token.text);
      position++;
      for (const form of joined.get(i) ?? []) put(form);
      if (stems.isStop(word)) continue;
      const folded = fold(word);
      if (mayBeMistyped(folded) && !token.dense && !vocabulary.has(folded)) vocabulary.set(folded, word);
      if (token.dense) put(folded);
      else for (const lexeme of lexemesOfWord(word, folded, stems)) put(lexeme);
      for (const part of partsOf(folded)) {
        if (!vocabulary.has(part)) vocabulary.set(part, part);
        for (const lexeme of lexemesOfWord(part, part, stems)) put(lexeme);
      }
    }
    return position + 10;
  };
  // First: these fit in any case.
  const marks = [
    ...(doc.state?.status ? [STATE + doc.state.status] : []),
    ...(doc.state?.open ? [OPEN] : []),
    ...titleForm(doc.title),
  ];
  for (const mark of marks) {
    head.add(mark, 1, '');
    all.add(mark, 1, '');
  }
  let at = add(doc.title, MOST_WORDS, 'A', '', 0, true);
  for (const keyword of doc.keywords) {
    const exact = `=${exactForm(keyword)}`;
    head.add(exact, at + 1, 'B');
    all.add(exact, at + 1, 'B');
    at = add(keyword, 100, 'B', '', at, true);
  }
  at = add(doc.body, MOST_WORDS, '', '', at, false);
  add(doc.internal, MOST_INTERNAL, '', '!', at, false);
  return { head: head.text(), words: all.text(), vocabulary };
}

/** Begins the state of an object: which, and that it goes on. No word has such a sign. */
const STATE = '$';
const OPEN = `${STATE}${STATE}`;

/** Begins what stands in title or keywords once more, so that the index tells these matches apart by itself. */
const HEAD = '^';

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
  lexemes.delete('');
  return lexemes;
}

class Vector {
  readonly #lexemes = new Map<string, string[]>();
  #bytes = 0;

  /** What does not fit any more is left out: the document is found by what came before. */
  add(lexeme: string, position: number, weight: string): void {
    const at = `${Math.min(position, 16_383)}${weight}`;
    const known = this.#lexemes.get(lexeme);
    const cost = 2 + (known ? 0 : Buffer.byteLength(lexeme) + 4);
    if (this.#bytes + cost > MOST_BYTES) return;
    if (!known) this.#lexemes.set(lexeme, [at]);
    else if (known.length < MOST_POSITIONS) known.push(at);
    else return;
    this.#bytes += cost;
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

/** How a query is put into lexemes. */
export interface Wording {
  readonly stems: Stems;
  readonly widened: Widened;
  /** `all` texts, those without `internal` ones, or title and keywords alone. */
  readonly where: 'all' | 'public' | 'head';
  /** Letters that a match must stand under in `head`: A title, B keywords. */
  readonly weight?: 'A' | 'B';
}

/** Groups as one tsquery in text form: all must match. Empty where nothing is left to look for. */
export const matchQuery = (groups: readonly Group[], wording: Wording): string =>
  groups.map((group) => groupQuery(group, wording)).join(' & ');

/** One group as a tsquery. */
export function groupQuery({ instead = [], ...typed }: Group, wording: Wording): string {
  const synonyms = instead.map((clause) => clauseQuery(clause, wording)).filter((one) => one !== '()');
  return synonyms.length === 0
    ? typedQuery(typed, wording)
    : `(${[typedQuery(typed, wording), ...synonyms].join(' | ')})`;
}

function typedQuery({ choices, joined }: Omit<Group, 'instead'>, wording: Wording): string {
  const each = choices.map((choice) => {
    const words = choice.clauses.map((clause) => clauseQuery(clause, wording)).join(' & ');
    return choice.joined === null ? `(${words})` : `((${words}) | ${number(choice.joined, wording)})`;
  });
  const all = each.join(' & ');
  return joined === null ? `(${all})` : `((${all}) | ${number(joined, wording)})`;
}

/** A number without its signs, and the telephone numbers that end with it. */
function number(joined: string, wording: Wording): string {
  const whole = everywhere(asWritten(joined), wording, false);
  const end = endingWith(joined);
  return end === null ? whole : `${whole} | ${everywhere([end], wording, true)}`;
}

const PREFIXES = { all: ['', '!'], public: [''], head: [HEAD] } as const;
const prefixesOf = ({ where, weight }: Wording) => (weight ? [''] : PREFIXES[where]);

const everywhere = (lexemes: readonly string[], wording: Wording, beginning: boolean) =>
  `(${prefixesOf(wording)
    .flatMap((prefix) => lexemes.map((one) => quote(prefix + one) + ending(wording, beginning)))
    .join(' | ')})`;

const ending = ({ weight }: Wording, beginning: boolean) =>
  beginning || weight ? `:${beginning ? '*' : ''}${weight ?? ''}` : '';

/** Words side by side; a stop word within keeps its place, since it has one in the document too. */
function clauseQuery(clause: readonly Term[], wording: Wording): string {
  const phrases = prefixesOf(wording).map((prefix) => {
    let text = '';
    let distance = 0;
    for (const term of clause) {
      distance++;
      if (isDropped(term, wording.stems)) continue;
      const one = `(${alternatives(term, wording, prefix).join(' | ')})`;
      text += text === '' ? one : ` <${distance}> ${one}`;
      distance = 0;
    }
    return `(${text})`;
  });
  // Nothing but stop words, in which case it is so with every prefix.
  if (phrases[0] === '()') return '()';
  return phrases.length === 1 ? phrases[0]! : `(${phrases.join(' | ')})`;
}

function alternatives(term: Term, wording: Wording, prefix: string): string[] {
  const { stems, widened } = wording;
  const found = new Set<string>();
  const addWord = (word: string, folded: string, beginning: boolean) => {
    // Stems are no beginnings: "drucken" does not ask for "Druckluft".
    const whole = new Set([folded, withoutUmlautSpelling(folded)]);
    const lexemes = term.dense ? [folded] : lexemesOfWord(word, folded, stems);
    for (const lexeme of lexemes)
      found.add(quote(prefix + lexeme) + ending(wording, beginning && whole.has(lexeme)));
  };
  const instead = widened.get(term.folded);
  if (instead) for (const word of instead) addWord(word, fold(word), false);
  else addWord(term.word, term.folded, term.prefix);
  return [...found];
}

/** Exact keywords and the whole title as a tsquery. */
export const exactQuery = (identifiers: readonly string[], text: string) =>
  [...identifiers.map((one) => `=${one}`), ...titleForm(text)].map(quote).join(' | ');

/** The lexeme of a whole title; none for one without words. */
const titleForm = (title: string): string[] => {
  const hash = titleHash(title);
  return hash === null ? [] : [`=~${hash}`];
};

/** What matches besides: of these statuses. Empty where all are wanted. */
export const stateQuery = (statuses: readonly string[] | undefined): string =>
  statuses === undefined ? '' : `(${statuses.map((one) => quote(STATE + one)).join(' | ')})`;
/** Objects that go on. */
export const OPEN_QUERY = quote(OPEN);
