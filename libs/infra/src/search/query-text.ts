import { createHash } from 'node:crypto';
import { cut, fold, lower, storable } from '@psa/domain/text';
import { joinedForm, linked } from './joined.ts';
import { type Token, tokens } from './words.ts';

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
  /** A pair of letters of a script without spaces: it has no stem, and nobody mistypes it. */
  readonly dense: boolean;
}

/** Words that must stand side by side, or a single word. */
export type Clause = readonly Term[];

/** What was typed between two spaces: all its clauses must match, or the number that it makes without its signs. */
export interface Choice {
  readonly clauses: readonly Clause[];
  readonly joined: string | null;
}
/** Choices that must match all, or the number that they make together, or one of `instead`. All groups must match. */
export interface Group {
  readonly choices: readonly Choice[];
  readonly joined: string | null;
  /** What was typed in quotes is meant as it stands. */
  readonly quoted?: true;
  /** Synonyms: expressions that mean the same as the choices together. */
  readonly instead?: readonly Clause[];
}

interface QueryText {
  readonly groups: readonly Group[];
  /** Numbers, addresses and the like as typed, lower case: a document that has one as keyword comes first. */
  readonly identifiers: readonly string[];
}

const MAX_LENGTH = 500;
const MAX_TERMS = 16;
/** One letter begins a tenth of all words: no use as a prefix, and dear. */
const MIN_PREFIX = 2;

/**
 * What a person typed, as clauses. Words in quotes stand side by side, so do the parts of an address or
 * number (`a@b.de`, `10.0.0.1`) and the letters of scripts without spaces. There are no operators: signs separate words
 * and mean nothing.
 */
export function parseQuery(text: string): QueryText {
  const clean = cut(text, MAX_LENGTH).replace(/[„“”«»‟]/g, '"');
  const groups: Group[] = [];
  const identifiers: string[] = [];
  // Every second part stands between quotes; an odd quote at the end opens nothing.
  const parts = clean.split('"');
  const budget = { left: MAX_TERMS };
  parts.forEach((part, index) => {
    const quoted = index % 2 === 1 && index < parts.length - 1;
    if (quoted) {
      const clause = taken(budget, side([...tokens(part, MAX_TERMS)]));
      if (clause.length > 0)
        groups.push({ choices: [{ clauses: [clause], joined: null }], joined: null, quoted: true });
      return;
    }
    const isLast = !parts.slice(index + 1).some((later) => /[\p{L}\p{N}]/u.test(later));
    groups.push(...groupsOf(part, isLast, budget, identifiers));
  });
  return { groups, identifiers };
}

interface Chunk {
  readonly text: string;
  readonly tokens: readonly Token[];
}

function groupsOf(part: string, isLast: boolean, budget: { left: number }, identifiers: string[]): Group[] {
  const chunks: Chunk[] = [];
  for (const { 0: text, index } of part.matchAll(/\S+/gu)) {
    const words = [...tokens(text, MAX_TERMS)].map((token) => ({
      ...token,
      start: token.start + index,
      end: token.end + index,
    }));
    if (words.length > 0) chunks.push({ text, tokens: words });
  }
  const groups: Group[] = [];
  for (let i = 0; i < chunks.length && budget.left > 0; ) {
    let to = i + 1;
    while (to < chunks.length && linked(part, chunks[to - 1]!.tokens.at(-1)!, chunks[to]!.tokens[0]!)) to++;
    const together = chunks.slice(i, to);
    groups.push({
      choices: together.map((chunk) => {
        if (isIdentifier(chunk.text)) identifiers.push(exactForm(chunk.text));
        const clauses = clausesOf(chunk, isLast && chunk === chunks.at(-1)).map((one) => taken(budget, one));
        return { clauses: clauses.filter((one) => one.length > 0), joined: joinedForm(part, chunk.tokens) };
      }),
      joined:
        together.length > 1
          ? joinedForm(
              part,
              together.flatMap((chunk) => chunk.tokens),
            )
          : null,
    });
    i = to;
  }
  return groups.filter((group) => group.choices.some((choice) => choice.clauses.length > 0));
}

function clausesOf({ text, tokens: words }: Chunk, mayBeLast: boolean): Clause[] {
  const clauses: Term[][] = [];
  if (isIdentifier(text) && words.length > 1) clauses.push(side(words));
  else {
    let dense = false;
    for (const token of words) {
      if (!token.dense) clauses.push([termOf(token)]);
      else if (!token.last) {
        if (dense) clauses.at(-1)!.push(termOf(token));
        else clauses.push([termOf(token)]);
      } else if (!dense) clauses.push([{ ...termOf(token), prefix: true }]);
      dense = token.dense && !token.last;
    }
  }
  const last = clauses.at(-1)?.at(-1);
  if (mayBeLast && last && !last.dense && mayBePrefix(last.folded))
    clauses.push([...clauses.pop()!.slice(0, -1), { ...last, prefix: true }]);
  return clauses;
}

/** Words side by side. The last letter of a script without spaces stands in its pair already. */
function side(words: readonly Token[]): Term[] {
  const last = words.at(-1);
  const paired = last?.last === true && words.at(-2)?.dense === true && words.at(-2)?.last === false;
  return (paired ? words.slice(0, -1) : words).map(termOf);
}

/** A word as it is compared. */
export function termOf(token: Token): Term {
  const word = lower(token.text);
  return { typed: token.text, word, folded: fold(word), prefix: false, dense: token.dense };
}

function taken(budget: { left: number }, clause: Clause): Clause {
  const kept = clause.slice(0, budget.left);
  budget.left -= kept.length;
  return kept;
}

/** Has a digit or an @, which ordinary words have not. */
const isIdentifier = (chunk: string) => /[\p{N}@]/u.test(chunk);
const trimSigns = (chunk: string) => chunk.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '');
const MAX_EXACT = 200;
/** A whole keyword, as it is compared. */
export const exactForm = (keyword: string) =>
  cut(trimSigns(storable(cut(keyword, 2 * MAX_EXACT)).normalize('NFKC')).toLowerCase(), MAX_EXACT);
const MAX_TITLE_WORDS = 60;
/**
 * The words of a title as one short key, whatever signs stand between them: who types a whole title gets that object
 * first. Null for a text without words.
 */
export function titleHash(title: string): string | null {
  const words = [...tokens(title, MAX_TITLE_WORDS)].map((token) => fold(lower(token.text)));
  if (words.length === 0) return null;
  return createHash('sha256').update(words.join(' ')).digest('base64url').slice(0, 8);
}
/** A number is meant as it stands: 42 is not 4200. */
const mayBePrefix = (folded: string) => folded.length >= MIN_PREFIX && !/^\p{N}+$/u.test(folded);

export const clausesIn = (groups: readonly Group[]): Clause[] =>
  groups.flatMap((group) => group.choices.flatMap((choice) => choice.clauses));
/** What was typed, without its synonyms. */
export const termsIn = (groups: readonly Group[]): Term[] => clausesIn(groups).flat();
export const synonymsIn = (groups: readonly Group[]): Term[] =>
  groups.flatMap((group) => (group.instead ?? []).flat());

/** Says which words say nothing by themselves. */
export interface StopWords {
  isStop(word: string): boolean;
}

/** Stop words are not looked for; one that is being typed may become another word. */
export const isDropped = (term: Term, stops: StopWords) => !term.prefix && stops.isStop(term.word);

/**
 * Groups without stop words. A stop word at the end counts as a beginning only when nothing else was typed:
 * "man" finds Manager, "Drucker an" does not ask for a word with "an".
 */
export function withoutStopWords(groups: readonly Group[], stops: StopWords): Group[] {
  const says = (clause: Clause) => clause.some((term) => !stops.isStop(term.word));
  if (clausesIn(groups).some(says)) {
    return groups
      .map((group) => ({
        ...group,
        choices: group.choices
          .map((choice) => ({
            ...choice,
            clauses: choice.clauses
              .filter(says)
              .map((clause) =>
                clause.map((term) => (stops.isStop(term.word) ? { ...term, prefix: false } : term)),
              ),
          }))
          .filter((choice) => choice.clauses.length > 0),
      }))
      .filter((group) => group.choices.length > 0);
  }
  const all = clausesIn(groups);
  return all.length === 1 && all[0]!.length === 1 && all[0]![0]!.prefix ? [...groups] : [];
}
