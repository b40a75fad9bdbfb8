import type { DetailCode } from '@psa/contracts/detail-codes';
import { MIN_PASSWORD_LENGTH } from '@psa/contracts/limits';
import type { ApiError } from '../api/error.ts';

export type PasswordProblem =
  | 'too_short'
  | 'too_long'
  | 'contains_email'
  | 'contains_context'
  | 'too_common'
  | 'too_regular'
  | 'not_good'
  | 'unlike';

/** The policy's reasons, as the platform codes them. One that is new here is told as a plain refusal. */
const REASONS = [
  'too_short',
  'too_long',
  'contains_email',
  'contains_context',
  'too_common',
  'too_regular',
] as const satisfies readonly (DetailCode & PasswordProblem)[];

/** What can be said of a new password before the server is asked; null when it may be. */
export function newPasswordProblem(password: string, repeated: string): PasswordProblem | null {
  if ([...password.normalize('NFKC')].length < MIN_PASSWORD_LENGTH) return 'too_short';
  return password === repeated ? null : 'unlike';
}

/** Why the server refused the new password; null when the refusal was about something else. */
export function refusedPasswordProblem(error: ApiError): PasswordProblem | null {
  const detail = error.details.find(({ field }) => field === 'new_password' || field === 'password');
  if (!detail) return null;
  return REASONS.find((code) => code === detail.code) ?? 'not_good';
}
