import type { SynonymGroups } from '@psa/contracts/ports/search';
import { fold } from '@psa/domain/text';
import { type Clause, type Group, type Term, termOf, termsIn } from './query-text.ts';
import { tokens } from './words.ts';

/** Words of an expression that are looked at. */
const MOST_WORDS = 4;
/** Expressions that stand in for one: a word that is in every list would ask for ten thousand, and take a minute. */
const MOST_INSTEAD = 60;
/** Endings that German and English words take: the list has them without. */
const ENDINGS = ['', 'n', 's', 'e', 'es', 'er', 'en', 'ern'];
/** Shorter words have no endings taken off: "user" is not "us". */
const SHORTEST_STEM = 4;

interface Known {
  /** The first words of expressions, and all that begin with them, the longest first. */
  readonly byFirst: ReadonlyMap<
    string,
    readonly { readonly words: readonly string[]; readonly group: number }[]
  >;
  readonly clauses: readonly (readonly Clause[])[];
}

/** Groups come out of a cache by tenant: what is made of them is kept as long as they are. */
const made = new WeakMap<SynonymGroups, Known>();

function known(groups: SynonymGroups): Known {
  const kept = made.get(groups);
  if (kept) return kept;
  const byFirst = new Map<string, { words: string[]; group: number }[]>();
  const clauses = groups.map((expressions, group) =>
    expressions.flatMap((expression) => {
      const clause = [...tokens(expression, MOST_WORDS)].filter((token) => !token.last).map(termOf);
      if (clause.length === 0) return [];
      const words = clause.map((term) => term.folded);
      const those = byFirst.get(words[0]!) ?? [];
      those.push({ words, group });
      byFirst.set(words[0]!, those);
      return [clause];
    }),
  );
  for (const those of byFirst.values()) those.sort((a, b) => b.words.length - a.words.length);
  const all = { byFirst, clauses };
  made.set(groups, all);
  return all;
}

/** The forms under which a word may stand in the list: itself, and without an ending. */
function* bare(word: string): Generator<string> {
  for (const ending of ENDINGS) {
    const stem = word.slice(0, word.length - ending.length);
    if (word.endsWith(ending) && (ending === '' || stem.length >= SHORTEST_STEM)) yield stem;
  }
}

const isForm = (typed: string, listed: string) => bare(typed).some((stem) => stem === listed);

/** The words that a group asks for one by one; none for what stands in quotes, and for numbers. */
function wordsOf({ choices, joined, quoted }: Group): Term[] {
  const clauses = choices.flatMap((choice) => choice.clauses);
  return !quoted && joined === null && clauses.every((clause) => clause.length === 1) ? clauses.flat() : [];
}

/** A word of what was typed, with the group that it is of. */
interface Place {
  readonly folded: string;
  readonly group: number;
}

/**
 * Each word or expression that is listed is asked for together with those that mean the same. Of expressions that
 * overlap the longest counts. What is typed stays what it is: synonyms stand beside it.
 */
export function withSynonyms(groups: readonly Group[], synonyms: SynonymGroups | undefined): Group[] {
  if (synonyms === undefined || synonyms.length === 0) return [...groups];
  const list = known(synonyms);
  const words = groups.map(wordsOf);
  const places = words.flatMap((of, group) => of.map(({ folded }): Place => ({ folded, group })));
  const result: Group[] = [];
  for (let at = 0; at < groups.length; ) {
    const match = words[at]!.length === 0 ? null : matchAt(list, places, at);
    if (match === null) {
      result.push(groups[at]!);
      at++;
      continue;
    }
    const asked = groups.slice(at, match.after);
    const typed = words.slice(at, match.after).flat();
    const said = typed.map((term) => term.folded).join(' ');
    const instead = new Map<string, Clause>();
    for (const clause of [...match.lists].flatMap((one) => list.clauses[one]!)) {
      const form = clause.map((term) => term.folded).join(' ');
      if (form !== said && instead.size < MOST_INSTEAD) instead.set(form, clause);
    }
    result.push({
      choices: asked.flatMap((group) => group.choices),
      joined: null,
      instead: [...instead.values()],
    });
    at = match.after;
  }
  return result;
}

/** The longest listed expression that is typed here and ends with a group, and every list that has it. */
function matchAt(list: Known, places: readonly Place[], from: number) {
  const start = places.findIndex((place) => place.group === from);
  const first = places[start]!;
  let length = 0;
  let lists = new Set<number>();
  for (const stem of bare(first.folded)) {
    for (const { words: wanted, group } of list.byFirst.get(stem) ?? []) {
      if (wanted.length < length) continue;
      const last = places[start + wanted.length - 1];
      if (!last || places[start + wanted.length]?.group === last.group) continue;
      if (!wanted.every((word, i) => i === 0 || isForm(places[start + i]!.folded, word))) continue;
      if (wanted.length > length) [length, lists] = [wanted.length, new Set()];
      lists.add(group);
    }
  }
  return length === 0 ? null : { after: places[start + length - 1]!.group + 1, lists };
}

/** What asks for one word of a query alone: where it has synonyms by itself, with these. */
export function groupOf(groups: readonly Group[], term: Term): Group {
  const own = groups.find((group) => termsIn([group]).length === 1 && termsIn([group])[0] === term);
  const alone = { choices: [{ clauses: [[term]], joined: null }], joined: null };
  return own?.instead ? { ...alone, instead: own.instead } : alone;
}

/** Single words that mean the same as one of these: for a mistyped word, of which only the right one is listed. */
export function alsoMeant(words: readonly string[], synonyms: SynonymGroups | undefined): string[] {
  if (synonyms === undefined || synonyms.length === 0) return [];
  const list = known(synonyms);
  const also = new Set<string>();
  for (const word of words) {
    for (const stem of bare(fold(word))) {
      for (const { words: wanted, group } of list.byFirst.get(stem) ?? []) {
        if (wanted.length > 1) continue;
        for (const clause of list.clauses[group]!) if (clause.length === 1) also.add(clause[0]!.word);
      }
    }
  }
  for (const word of words) also.delete(word);
  return [...also].slice(0, MOST_INSTEAD);
}

/** Single listed words, folded: one that is mistyped may occur in no document. */
export const listedWords = (synonyms: SynonymGroups | undefined): string[] =>
  synonyms === undefined
    ? []
    : known(synonyms).clauses.flatMap((clauses) =>
        clauses.flatMap((clause) => (clause.length === 1 ? [clause[0]!.folded] : [])),
      );
