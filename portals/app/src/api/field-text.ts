import { MIN_PASSWORD_LENGTH } from '@psa/contracts/limits';
import { fieldMessages } from '../i18n/field-messages.ts';
import { passwordMessages } from '../i18n/password-messages.ts';
import { refusedPasswordProblem } from '../session/password-problem.ts';
import { ApiError } from './error.ts';

/** What the platform says of a field, with the words for it. */
const KNOWN = [
  [/^must not be empty$|^is required$/, 'empty'],
  [/^must be a valid email$/, 'email'],
  [/^belongs to a user already$/, 'email_taken'],
  [/^must have at most (\d+) characters$/, 'long'],
  [/^is required for the role /, 'needs_customer'],
  [/^must be absent for the role /, 'no_customer'],
  [/^must not be shorter than the response time$/, 'resolution_short'],
  [/^is wrong$/, 'wrong'],
  [/^is not an address that takes mail$/, 'email'],
  [/^must be a web address/, 'website'],
  [/technician.*disabled$|^is disabled$|^must be a technician$/, 'no_technician'],
  [
    /^there is no such category|^there is no category |^must be one of the service desk’s categories/,
    'no_category',
  ],
  [/^there is no such |^names no |^is not known$/, 'gone'],
  [/^no technician has the skill "(.*)"$/, 'no_skill'],
  [/^must NOT have more than (\d+) items$/, 'many'],
  [/^lies in the future/, 'future'],
  [/^must set at least one deadline$/, 'no_deadline'],
  [/^must be reached within a year, /, 'never_reached'],
  [/^leaves the SLA policy "(.*)" a deadline that is not reached: /, 'policy_unreached'],
] as const;

/**
 * Why each field was refused, in the language of the moment. The platform's reasons are English; one that is unknown here
 * is told as a plain refusal.
 */
export function fieldTexts(error: unknown): Record<string, string> {
  if (!(error instanceof ApiError)) return {};
  const texts = Object.entries(error.fieldErrors()).map(([field, message]) => [field, textOf(message)]);
  const password = refusedPasswordProblem(error);
  return {
    ...Object.fromEntries(texts),
    ...(password && { password: passwordMessages.t(`problem.${password}`, { min: MIN_PASSWORD_LENGTH }) }),
  };
}

function textOf(message: string): string {
  for (const [pattern, key] of KNOWN) {
    const match = pattern.exec(message);
    if (match)
      return fieldMessages.t(key, { most: match[1] ?? '', policy: match[1] ?? '', skill: match[1] ?? '' });
  }
  return fieldMessages.t('refused');
}
