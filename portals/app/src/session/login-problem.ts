import { ApiError } from '../api/error.ts';

/** Why a sign-in failed, as the form tells it. */
export type LoginProblem =
  | { kind: 'wrong' }
  /** `until` in ms since epoch; null when the server did not say. */
  | { kind: 'locked'; until: number | null }
  | { kind: 'offline' }
  | { kind: 'other'; error: unknown };

/** Reads a failed sign-in. The lock's end is taken from the detail `locked_until`, else from Retry-After. */
export function loginProblem(error: unknown, now: number): LoginProblem {
  if (!(error instanceof ApiError)) return { kind: 'other', error };
  if (error.unreachable) return { kind: 'offline' };
  if (error.code === 'ACCOUNT_LOCKED' || error.status === 423) {
    const named = Date.parse(String(error.issueOf('locked_until')?.values?.until ?? ''));
    if (!Number.isNaN(named)) return { kind: 'locked', until: named };
    return { kind: 'locked', until: error.retryAfter === null ? null : now + error.retryAfter * 1000 };
  }
  if (error.status === 401 || error.code === 'INVALID_CREDENTIALS') return { kind: 'wrong' };
  return { kind: 'other', error };
}

/** What is missing before the server is asked; null when it may be. */
export function loginFieldProblem(email: string, password: string) {
  const problem: { email?: 'email_missing' | 'email_invalid'; password?: 'password_missing' } = {};
  if (email.trim() === '') problem.email = 'email_missing';
  else if (!/^\S+@\S+$/.test(email.trim())) problem.email = 'email_invalid';
  if (password === '') problem.password = 'password_missing';
  return problem.email || problem.password ? problem : null;
}
