import { significantDigits } from '@psa/domain/phone';
import { lower } from '@psa/domain/text';
import type { Token } from './words.ts';

/** Begins the joined form of numbers and keys among the words of a text; a letter, because tokenizers keep those. */
export const JOINED = 'ǂ';

/** Begins a telephone number from its last digit to its first: what ends alike begins alike. */
const BACKWARDS = 'ǁ';
/** Of a telephone number, without what tells from where it is dialled. */
const PHONE_DIGITS = [7, 15] as const;

const MOST_TOKENS = 8;
const MOST_LETTERS = 34;
/** Shorter ones are told apart by their signs: 1.5 is not 15. */
const FEWEST_LETTERS = 5;
const FEWEST_DIGITS = 6;
/** A single run of so many digits may be a telephone number written without its 0. */
const LONG_DIGITS = 7;
/** Between the groups of a number. */
const SIGNS = /^[\p{Zs}\t/().\-‐‑–_:]{1,4}$/u;
const DIGIT = /\p{N}/u;
const PLUS = /\+\s*\(?$/;

/**
 * Numbers and keys without their signs, by the place of their first word: 0871/96 53-210 → 8719653210, also of
 * +49 871 9653210 and 0049 (0)871 …; SRV-DC-01 → srvdc01; DE89 3704 0044 → de8937040044. Where a number begins within
 * a row of them nobody knows, so each word that begins with 0 or a plus sign counts as a beginning too. What begins so
 * may be a telephone number and is kept backwards as well, to be found by its last digits.
 */
export function joinedForms(text: string, tokens: readonly Token[]): Map<number, string[]> {
  const found = new Map<number, string[]>();
  if (!DIGIT.test(text)) return found;
  for (let i = 0; i < tokens.length; i++) {
    const beginsRun = i === 0 || !linked(text, tokens[i - 1]!, tokens[i]!);
    if (!beginsRun && !isBeginning(text, tokens[i]!)) continue;
    if (alone(text, tokens, i)) continue;
    const forms = windows(text, tokens, i, beginsRun);
    if (forms.length > 0) found.set(i, forms);
  }
  return found;
}

/** The joined form of a whole text, where it is one number or key; null otherwise. */
export function joinedForm(text: string, tokens: readonly Token[]): string | null {
  if (tokens.length === 0 || tokens.length > MOST_TOKENS) return null;
  for (let i = 1; i < tokens.length; i++) if (!linked(text, tokens[i - 1]!, tokens[i]!)) return null;
  return formOf(text, tokens, true);
}

/** A word without a digit and without a neighbour: nearly all are. */
const alone = (text: string, tokens: readonly Token[], i: number) =>
  !DIGIT.test(tokens[i]!.text) && (i + 1 === tokens.length || !linked(text, tokens[i]!, tokens[i + 1]!));

/** A joined form, and the same as one word: so it may stand in a text without any sign. */
export const asWritten = (joined: string): string[] => [joined, joined.slice(JOINED.length)];

function windows(text: string, tokens: readonly Token[], from: number, beginsRun: boolean): string[] {
  const forms: string[] = [];
  for (let to = from; to < tokens.length && to < from + MOST_TOKENS; to++) {
    if (to > from && !linked(text, tokens[to - 1]!, tokens[to]!)) break;
    const form = formOf(text, tokens.slice(from, to + 1), false);
    if (form === null) continue;
    const digits = form.slice(JOINED.length);
    // Within a row of them: the months and years of dates begin with 0 too.
    if (!beginsRun && digits.length < PHONE_DIGITS[0]) continue;
    forms.push(form);
    if (isBeginning(text, tokens[from]!) && isPhone(digits)) forms.push(BACKWARDS + reversed(digits));
  }
  return forms;
}

const reversed = (digits: string) => [...digits].reverse().join('');
const isPhone = (digits: string) =>
  /^[0-9]+$/.test(digits) && digits.length >= PHONE_DIGITS[0] && digits.length <= PHONE_DIGITS[1];

/** How the numbers begin backwards that end with these digits; null where what was typed are too few, or no digits. */
export function endingWith(joined: string): string | null {
  const digits = joined.slice(JOINED.length);
  return /^[0-9]{6,15}$/.test(digits) ? BACKWARDS + reversed(digits) : null;
}

/** Amounts, versions and addresses of the network: groups of at most three digits with dots between, and nothing else. */
function isDotted(text: string, tokens: readonly Token[]): boolean {
  return (
    tokens.length > 1 &&
    !isBeginning(text, tokens[0]!) &&
    tokens.every((token) => token.text.length <= 3) &&
    tokens.slice(1).every((token, i) => text.slice(tokens[i]!.end, token.start) === '.')
  );
}

/** `asked`: a number that is typed in one run may stand with signs in a text. */
function formOf(text: string, tokens: readonly Token[], asked: boolean): string | null {
  const letters = tokens.map((token) => lower(token.text)).join('');
  if (letters.length > MOST_LETTERS || !DIGIT.test(letters)) return null;
  if (!/^[0-9]+$/.test(letters)) {
    return letters.length >= FEWEST_LETTERS && (asked || tokens.length > 1) ? JOINED + letters : null;
  }
  if (letters.length < FEWEST_DIGITS || (!asked && isDotted(text, tokens))) return null;
  const plus = PLUS.test(text.slice(Math.max(0, tokens[0]!.start - 4), tokens[0]!.start));
  const isSingle = tokens.length === 1 && !asked;
  if (isSingle && !plus && letters.length < LONG_DIGITS && !letters.startsWith('0')) return null;
  return JOINED + significantDigits(letters, plus);
}

const isBeginning = (text: string, token: Token) =>
  token.text.startsWith('0') || /[+(]\s*$/.test(text.slice(Math.max(0, token.start - 3), token.start));

/** Whether two words may be of one number: within one chunk any by a sign, over a space only what has digits. */
export function linked(text: string, a: Token, b: Token): boolean {
  if (b.start <= a.end || b.start - a.end > 4) return false;
  const gap = text.slice(a.end, b.start);
  if (/\s/.test(gap) && !(DIGIT.test(a.text) && DIGIT.test(b.text))) return false;
  return SIGNS.test(gap);
}
