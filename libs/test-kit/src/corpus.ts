import type { SearchDocument } from '@psa/contracts/ports/search';
import { COMPANIES, FIRST_NAMES, GLUE, LAST_NAMES, PARTS, TOPICS, TRADES } from './corpus-words.ts';

/** Chance that repeats itself: numbers in [0, 1) from a seed (mulberry32). */
export type Chance = () => number;

export function chance(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const pick = <T>(list: readonly T[], next: Chance): T => list[Math.floor(next() * list.length)]!;
const whole = (from: number, to: number, next: Chance) => from + Math.floor(next() * (to - from + 1));

/** A UUID made by chance: the same seed gives the same ids. */
export function uuidOf(next: Chance): string {
  const hex = Array.from({ length: 32 }, () => Math.floor(next() * 16).toString(16)).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

type Language = 'de' | 'en';

/**
 * Words with the frequencies of real text: the word of rank r comes with a probability in proportion to 1/r
 * (Zipf's law). The help desk's own words lead, made-up compounds and names follow.
 */
class Lexicon {
  readonly #words: Record<Language, readonly string[]>;
  readonly #sums: Record<Language, Float64Array>;

  constructor(size: number, next: Chance) {
    this.#words = { de: tail('de', size, next), en: tail('en', size, next) };
    this.#sums = { de: harmonic(this.#words.de.length), en: harmonic(this.#words.en.length) };
  }

  word(language: Language, next: Chance): string {
    const sums = this.#sums[language];
    const wanted = next() * sums.at(-1)!;
    let low = 0;
    let high = sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return this.#words[language][low]!;
  }
}

function tail(language: Language, size: number, next: Chance): string[] {
  const words = new Set(TOPICS[language]);
  const parts = PARTS[language];
  while (words.size < size) {
    const made = Array.from({ length: next() < 0.6 ? 2 : 3 }, () => pick(parts, next)).join('');
    const kind = next();
    if (kind < 0.1) words.add(pick(LAST_NAMES, next) + pick(parts, next));
    else if (kind < 0.2) words.add(`${pick(parts, next)}${whole(1, 9999, next)}`);
    else if (kind < 0.3) words.add(mistyped(made, next));
    else words.add(language === 'de' ? made[0]!.toUpperCase() + made.slice(1) : made);
  }
  return [...words];
}

function harmonic(length: number): Float64Array {
  const sums = new Float64Array(length);
  let sum = 0;
  for (let i = 0; i < length; i++) {
    // Shifted a little (Mandelbrot): the most frequent topic is in some percent of the texts, not in half of them.
    sum += 1 / (i + 8);
    sums[i] = sum;
  }
  return sums;
}

/** The word with one or, if it is long, sometimes two typing errors, as fingers make them; the first letter stays. */
export function mistyped(
  word: string,
  next: Chance,
  errors = word.length > 7 && next() < 0.2 ? 2 : 1,
): string {
  let letters = [...word];
  for (let i = 0; i < errors; i++) {
    const at = whole(1, letters.length - 2, next);
    const kind = next();
    if (kind < 0.3)
      letters = [...letters.slice(0, at), letters[at + 1]!, letters[at]!, ...letters.slice(at + 2)];
    else if (kind < 0.55) letters.splice(at, 1);
    else if (kind < 0.75) letters.splice(at, 0, letters[at]!);
    else letters[at] = pick([...'abcdefghijklmnopqrstuvwxyz'], next);
  }
  return letters.join('');
}

function sentence(lexicon: Lexicon, language: Language, words: number, next: Chance): string {
  const text = Array.from({ length: words }, () =>
    next() < 0.42
      ? GLUE[language][Math.floor(next() ** 2 * GLUE[language].length)]!
      : lexicon.word(language, next),
  ).join(' ');
  return `${text[0]!.toUpperCase()}${text.slice(1)}${next() < 0.1 ? '?' : '.'}`;
}

const paragraph = (lexicon: Lexicon, language: Language, sentences: number, next: Chance) =>
  Array.from({ length: sentences }, () => sentence(lexicon, language, whole(5, 16, next), next)).join(' ');

export interface CorpusOptions {
  readonly tenantId: string;
  readonly tickets: number;
  readonly customers: number;
  /** Default 1. */
  readonly seed?: number;
  /** Different words per language, made-up ones included. Default 30,000. */
  readonly vocabulary?: number;
}

/**
 * Help-desk texts in German (two thirds) and English, with comments, internal notes, typing errors, names and
 * numbers, as documents for a search index: first the customers, then the tickets, oldest first. The same
 * options give the same documents. Customers have tickets in the proportions of Zipf's law too.
 */
export function* corpus(options: CorpusOptions): Generator<SearchDocument> {
  const next = chance(options.seed ?? 1);
  const lexicon = new Lexicon(options.vocabulary ?? 30_000, next);
  const start = Date.UTC(2021, 0, 1);
  const step = (5 * 365 * 86_400_000) / Math.max(1, options.tickets);
  const customers: string[] = [];
  for (let i = 0; i < options.customers; i++) {
    const id = uuidOf(next);
    customers.push(id);
    const name = `${pick(COMPANIES, next)}${pick(COMPANIES, next).toLowerCase()} ${pick(TRADES, next)} ${whole(1, 99, next)}`;
    yield {
      tenant_id: options.tenantId,
      type: 'customer',
      id,
      customer_id: id,
      title: name,
      body: '',
      internal: paragraph(lexicon, 'de', 1, next),
      keywords: [String(10_000 + i), `info@${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.example`],
      summary: { customer_number: 10_000 + i, status: 'active' },
      state: { status: '', open: true },
      version: 1,
      updated_at: new Date(start).toISOString(),
    };
  }
  for (let i = 0; i < options.tickets; i++) {
    const language: Language = next() < 0.67 ? 'de' : 'en';
    // Few customers write much: the square of chance leans to the first.
    const customer = customers[Math.floor(next() ** 2 * customers.length)] ?? null;
    const comments = Math.floor(next() ** 2 * 5);
    const body = [
      paragraph(lexicon, language, whole(1, 5, next), next),
      ...Array.from({ length: comments }, () => paragraph(lexicon, language, whole(1, 3, next), next)),
      `${pick(FIRST_NAMES, next)} ${pick(LAST_NAMES, next)}`,
    ].join('\n\n');
    const number = 100_000 + i;
    yield {
      tenant_id: options.tenantId,
      type: 'ticket',
      id: uuidOf(next),
      customer_id: customer,
      title: sentence(lexicon, language, whole(3, 9, next), next).slice(0, -1),
      body,
      internal: next() < 0.4 ? paragraph(lexicon, language, whole(1, 2, next), next) : '',
      keywords: [String(number)],
      summary: { ticket_number: number, status: i % 5 === 0 ? 'in_progress' : 'closed', priority: 'medium' },
      state: { status: i % 5 === 0 ? 'in_progress' : 'closed', open: i % 5 === 0 },
      version: 1,
      updated_at: new Date(start + i * step).toISOString(),
    };
  }
}

/**
 * What people type, without end: one to three words of the corpus, by the same frequencies; in `typos` of them
 * (default 0.3) one word is mistyped; some are numbers, some beginnings, some phrases of a title.
 */
export function* corpusQueries(
  options: CorpusOptions & { readonly typos?: number },
): Generator<{ text: string; kind: 'words' | 'typo' | 'beginning' | 'number' }> {
  const lexicon = new Lexicon(options.vocabulary ?? 30_000, chance(options.seed ?? 1));
  const next = chance((options.seed ?? 1) + 1);
  for (;;) {
    const language: Language = next() < 0.67 ? 'de' : 'en';
    const words = Array.from({ length: whole(1, 3, next) }, () => lexicon.word(language, next));
    const kind = next();
    if (kind < (options.typos ?? 0.3)) {
      const at = whole(0, words.length - 1, next);
      if (words[at]!.length < 4) continue;
      words[at] = mistyped(words[at]!, next);
      yield { text: words.join(' '), kind: 'typo' };
    } else if (kind > 0.95) {
      yield { text: String(100_000 + whole(0, Math.max(0, options.tickets - 1), next)), kind: 'number' };
    } else if (kind > 0.75) {
      const last = words.pop()!;
      yield { text: [...words, last.slice(0, whole(2, 5, next))].join(' '), kind: 'beginning' };
    } else yield { text: words.join(' '), kind: 'words' };
  }
}
