import { passwordProblems } from '@psa/domain/password-policy';
import { describe, expect, it } from 'vitest';
import { ApiError } from './api-error.ts';
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
  it('knows every reason of the policy', () => {
    const context = { email: 'beck@firma.example', words: ['Mustermann'] };
    for (const password of [
      'kurz',
      'x'.repeat(200),
      'beck und mehr',
      'mustermann-haus',
      'password2024!',
      'abababababab',
    ]) {
      for (const { code, message } of passwordProblems(password, context)) {
        expect([password, refusedPasswordProblem(refusal('new_password', message))]).toEqual([
          password,
          code,
        ]);
      }
    }
  });

  it('tells an unknown reason as a refusal, and leaves other fields alone', () => {
    expect(refusedPasswordProblem(refusal('new_password', 'was leaked'))).toBe('not_good');
    expect(refusedPasswordProblem(refusal('token', 'is invalid'))).toBeNull();
  });
});
