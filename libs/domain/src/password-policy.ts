/**
 * What a password must be, after NIST SP 800-63B: long enough, not guessable from its context, not among
 * the common ones. No rules of composition and no expiry: they make passwords worse.
 */

import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from '@psa/contracts/limits';

export type PasswordProblem =
  | 'too_short'
  | 'too_long'
  | 'contains_email'
  | 'contains_context'
  | 'too_common'
  | 'too_regular';

export interface PasswordReason {
  code: PasswordProblem;
  message: string;
  values?: { least: number } | { most: number };
}

export interface PasswordContext {
  email?: string;
  /** Further words an attacker would try: the company's or the person's name. */
  words?: readonly string[];
}

/** Shorter parts occur in good passwords by chance. */
const SHORTEST_CONTEXT = 4;

/**
 * Words that lead every list of leaked passwords. Only the words: as twelve characters are required, what
 * must be caught is `password2024!` and `passwordpassword`, which `isCommon` does by taking a password apart.
 */
const COMMON_WORDS: ReadonlySet<string> = new Set(
  (
    'password passwort passwords password1 passw0rd admin administrator root welcome willkommen letmein login ' +
    'master monkey dragon sunshine princess football baseball superman batman iloveyou ichliebedich schatz ' +
    'hallo hello test testing user guest gast default changeme secret geheim trustno1 whatever starwars pokemon ' +
    'qwerty qwertz qwertyuiop qwertzuiop asdf asdfgh asdfghjkl yxcvbnm zxcvbnm qweasd qweasdzxc qazwsx qazwsxedc ' +
    'abc abcd abcde abcdef abcdefg sommer winter herbst fruehling summer spring autumn berlin hamburg muenchen ' +
    'michael thomas daniel andreas jennifer jessica charlie ashley shadow access computer internet server firma ' +
    'company office support service helpdesk ticket correcthorsebatterystaple thisismypassword mypassword ' +
    'meinpasswort neuespasswort newpassword'
  ).split(' '),
);

/** Rows of keys and of the alphabet: a password that walks along one of them is no secret. */
const SEQUENCES = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890123456789',
  'qwertyuiop',
  'qwertzuiop',
  'asdfghjkl',
  'zxcvbnm',
  'yxcvbnm',
  '1q2w3e4r5t6y7u8i9o0p',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm',
];

/** Letters and digits only, lower case, without accents: how context and password are compared. */
function bare(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}

/** The same with the usual substitutions of digits and signs for letters undone. */
function plain(text: string): string {
  const letters: Record<string, string> = {
    '0': 'o',
    '1': 'i',
    '3': 'e',
    '4': 'a',
    '5': 's',
    '7': 't',
    '@': 'a',
    $: 's',
    '!': 'i',
  };
  return bare(text.replace(/[013457@$!]/g, (sign) => letters[sign] ?? sign));
}

/** Nothing but common words, besides digits and signs. */
function isCommon(password: string): boolean {
  const lower = password.normalize('NFKC').toLowerCase();
  const candidates = [lower, bare(lower), lower.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, ''), plain(lower)];
  // Digits and signs at the ends are dropped before substitutions are undone: `p4ssw0rd2024!`.
  candidates.push(plain(lower.replace(/^[\d\W_]+|[\d\W_]+$/g, '')));
  return candidates.some((text) => text !== '' && isMadeOfCommonWords(text.replace(/[^\p{L}\p{N}]/gu, '')));
}

function isMadeOfCommonWords(text: string): boolean {
  // reachable[i]: the first i characters are a row of common words, digits between them allowed.
  const reachable: boolean[] = [true];
  let usedWord = false;
  for (let end = 1; end <= text.length; end += 1) {
    let reached = reachable[end - 1] === true && /\d/.test(text[end - 1]!);
    for (let start = 0; start < end && !reached; start += 1) {
      reached = reachable[start] === true && COMMON_WORDS.has(text.slice(start, end));
      usedWord ||= reached;
    }
    reachable.push(reached);
  }
  return usedWord && reachable[text.length] === true;
}

/** One short block over and over, or rows of neighbouring keys or letters with at most four changes. */
function isRegular(password: string): boolean {
  const text = password.toLowerCase();
  for (let period = 1; period <= 4 && period * 2 <= text.length; period += 1) {
    if (
      text ===
      text
        .slice(0, period)
        .repeat(Math.ceil(text.length / period))
        .slice(0, text.length)
    )
      return true;
  }
  const rows = SEQUENCES.flatMap((row) => [row, [...row].reverse().join('')]);
  let rest = text;
  while (rest !== '') {
    let longest = 0;
    for (const row of rows) {
      let length = longest + 1;
      while (length <= rest.length && row.includes(rest.slice(0, length))) {
        longest = length;
        length += 1;
      }
    }
    if (longest < 3) return false;
    rest = rest.slice(longest);
  }
  return true;
}

/** Everything that speaks against a password; an empty list accepts it. Length counts Unicode code points. */
export function passwordProblems(password: string, context: PasswordContext = {}): PasswordReason[] {
  const normal = password.normalize('NFKC');
  const length = [...normal].length;
  if (length > MAX_PASSWORD_LENGTH) {
    // The other checks are skipped: their time grows with the length.
    const message = `Must have at most ${MAX_PASSWORD_LENGTH} characters`;
    return [{ code: 'too_long', message, values: { most: MAX_PASSWORD_LENGTH } }];
  }
  const reasons: PasswordReason[] = [];
  if (length < MIN_PASSWORD_LENGTH) {
    const message = `Must have at least ${MIN_PASSWORD_LENGTH} characters`;
    reasons.push({ code: 'too_short', message, values: { least: MIN_PASSWORD_LENGTH } });
  }
  const text = bare(normal);
  const contains = (word: string): boolean => word.length >= SHORTEST_CONTEXT && text.includes(word);
  const local = bare(context.email?.split('@')[0] ?? '');
  if (contains(local) || (local !== '' && text === local)) {
    reasons.push({ code: 'contains_email', message: 'Must not contain the e-mail address' });
  }
  if ((context.words ?? []).some((word) => contains(bare(word)))) {
    reasons.push({ code: 'contains_context', message: 'Must not contain your name or that of your company' });
  }
  if (isCommon(normal)) reasons.push({ code: 'too_common', message: 'Must not be a common password' });
  if (isRegular(normal))
    reasons.push({ code: 'too_regular', message: 'Must not be a repetition or a row of keys' });
  return reasons;
}
