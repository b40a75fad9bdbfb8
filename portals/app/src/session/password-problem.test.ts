import { describe, expect, it } from 'vitest';
import { ApiError } from '../api/error.ts';
import { newPasswordProblem, refusedPasswordProblem } from './password-problem.ts';

const refusal = (field: string, message: string) =>
  new ApiError({ status: 400, code: 'VALIDATION_ERROR', message: '', details: [{ field, message }] });

describe('newPasswordProblem', () => {
  it('counts characters as people do', () => {
    expect(newPasswordProblem('kurz', 'kurz')).toBe('too_short');
    expect(newPasswordProblem('🦊'.repeat(11), '🦊'.repeat(11))).toBe('too_short');
    expect(newPasswordProblem('🦊'.repeat(12), '🦊'.repeat(12))).toBeNull();
  });

  it('notices a typing error', () => {
    expect(newPasswordProblem('vier grüne Wände', 'vier grüne Wande')).toBe('unlike');
  });
});

describe('refusedPasswordProblem', () => {
  it.each([
    ['Must have at least 12 characters', 'too_short'],
    ['Must have at most 128 characters', 'too_long'],
    ['Must not contain the e-mail address', 'contains_email'],
    ['Must not contain your name or that of your company', 'contains_context'],
    ['Must not be a common password', 'too_common'],
    ['Must not be a repetition or a row of keys', 'too_regular'],
  ])('reads the reason of the policy: %s', (message, problem) => {
    expect(refusedPasswordProblem(refusal('new_password', message))).toBe(problem);
  });

  it('tells an unknown reason as a refusal, and leaves other fields alone', () => {
    expect(refusedPasswordProblem(refusal('new_password', 'was leaked'))).toBe('not_good');
    expect(refusedPasswordProblem(refusal('token', 'is invalid'))).toBeNull();
  });
});
