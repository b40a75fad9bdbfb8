import { describe, expect, it } from 'vitest';
import { ApiError } from '../api/error.ts';
import { newPasswordProblem, refusedPasswordProblem } from './password-problem.ts';

const refusal = (field: string, code: string) =>
  new ApiError({
    status: 400,
    code: 'VALIDATION_ERROR',
    message: '',
    details: [{ field, code, message: '' }],
  });

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
  it.each(['too_short', 'too_long', 'contains_email', 'contains_context', 'too_common', 'too_regular'])(
    'reads the reason of the policy: %s',
    (code) => {
      expect(refusedPasswordProblem(refusal('new_password', code))).toBe(code);
    },
  );

  it('tells an unknown reason as a refusal, and leaves other fields alone', () => {
    expect(refusedPasswordProblem(refusal('new_password', 'leaked'))).toBe('not_good');
    expect(refusedPasswordProblem(refusal('token', 'expired'))).toBeNull();
  });
});
