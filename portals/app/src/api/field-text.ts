import type { DetailCode } from '@psa/contracts/detail-codes';
import { MIN_PASSWORD_LENGTH } from '@psa/contracts/limits';
import { fieldMessages } from '../i18n/field-messages.ts';
import { passwordMessages } from '../i18n/password-messages.ts';
import { refusedPasswordProblem } from '../session/password-problem.ts';
import { ApiError, type FieldIssue } from './error.ts';

type Words = Parameters<typeof fieldMessages.t>[0];

/** The words for each code; a code without words does not compile. */
const WORDS = {
  required: 'empty',
  empty: 'empty',
  unknown_field: 'refused',
  unknown_value: 'choose',
  wrong_type: 'form',
  wrong_form: 'form',
  too_short: 'short',
  too_long: 'long',
  too_few: 'few',
  too_many: 'many',
  too_small: 'small',
  too_large: 'large',
  duplicate: 'duplicate',
  not_found: 'gone',
  not_a_technician: 'no_technician',
  no_category: 'no_category',
  no_skill: 'no_skill',
  no_tag: 'no_tag',
  not_for_you: 'not_for_you',
  must_be_absent: 'contradicts',
  needs_customer: 'needs_customer',
  no_customer: 'no_customer',
  wrong_audience: 'wrong_audience',
  taken: 'taken',
  incorrect: 'wrong',
  expired: 'expired',
  unchanged: 'unchanged',
  in_future: 'future',
  too_early: 'early',
  contradicts: 'contradicts',
  in_use: 'in_use',
  not_now: 'not_now',
  changed: 'changed',
  key_reused: 'refused',
  no_deadline: 'no_deadline',
  resolution_before_response: 'resolution_short',
  never_reached: 'never_reached',
  policy_never_reached: 'policy_unreached',
  contains_email: 'guessable',
  contains_context: 'guessable',
  too_common: 'guessable',
  too_regular: 'guessable',
  unreadable: 'form',
  ambiguous: 'ambiguous',
  not_text: 'form',
  wrong_encoding: 'form',
  no_name_column: 'form',
  no_heading: 'form',
  wrong_width: 'form',
  same_name: 'duplicate',
  same_customer: 'duplicate',
  same_entry: 'duplicate',
  no_customer_column: 'form',
  two_numbers: 'contradicts',
  limit: 'limit',
  not_valid: 'refused',
} as const satisfies Record<DetailCode, Words>;

/** What has a form that people know by name. */
const FORMS: Readonly<Record<string, Words>> = { 'idn-email': 'email', 'web-address': 'website' };

/**
 * Why each field was refused, in the language of the moment; of several problems the first. A code that is unknown here,
 * of a newer release, is told as a plain refusal.
 */
export function fieldTexts(error: unknown): Record<string, string> {
  if (!(error instanceof ApiError)) return {};
  const password = refusedPasswordProblem(error);
  return {
    ...Object.fromEntries(error.details.map((issue) => [issue.field, issueText(issue)]).reverse()),
    ...(password && { password: passwordMessages.t(`problem.${password}`, { min: MIN_PASSWORD_LENGTH }) }),
  };
}

/** The words for one issue, in the language of the moment. */
export function issueText({ field, code = '', values = {} }: Omit<FieldIssue, 'message'>): string {
  const value = (name: string) => String(values[name] ?? '');
  const known = Object.hasOwn(WORDS, code) ? WORDS[code as DetailCode] : 'refused';
  let words: Words = known;
  if (known === 'form') words = FORMS[value('form')] ?? known;
  if (known === 'taken' && field === 'email') words = 'email_taken';
  // A limit that does not say how much it is.
  if ((known === 'small' || known === 'few') && value('least') === '') words = 'refused';
  if ((known === 'large' || known === 'many' || known === 'long') && value('most') === '') words = 'too_much';
  return fieldMessages.t(words, {
    least: value('least'),
    most: value('most'),
    policy: value('policy'),
    skill: value('skill'),
    tag: value('tag'),
  });
}
