import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from '@psa/contracts/limits';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { passwordProblems } from './password-policy.ts';

const codes = (password: string, email?: string, words?: string[]): string[] =>
  passwordProblems(password, { ...(email ? { email } : {}), ...(words ? { words } : {}) }).map((r) => r.code);

describe('passwordProblems', () => {
  it.each([
    'vier Elche tanzen Walzer',
    'kNq7-dLw2-xRt9',
    'regenschirmkaktus',
    'пароль-из-слов-и-снега',
    'a password with many words in it',
    '🐘🦒🐢🦊🐙🦉🐝🦋🐬🦔🐿🦚',
  ])('accepts %s', (password) => {
    expect(passwordProblems(password, { email: 'anna.schmidt@kunde.example' })).toEqual([]);
  });

  it('measures length in code points', () => {
    expect(codes('kNq7-dLw2-x')).toEqual(['too_short']);
    expect(codes('🐘🦒🐢🦊🐙🦉')).toEqual(['too_short']);
    expect(codes('xk'.repeat(64).concat('q'))).toEqual(['too_long']);
    expect(codes('vier Elche '.repeat(11).concat('tanzen!'))).toEqual([]);
  });

  it('refuses the e-mail address in any spelling', () => {
    expect(codes('AnnaSchmidt-am-See', 'anna.schmidt@kunde.example')).toEqual(['contains_email']);
    expect(codes('xx anna.schmidt 7q', 'anna.schmidt@kunde.example')).toEqual(['contains_email']);
    expect(codes('vier Elche tanzen', 'el@kunde.example')).toEqual([]);
    expect(codes('el', 'el@kunde.example')).toEqual(['too_short', 'contains_email']);
  });

  it('refuses words of the context', () => {
    expect(codes('Nordlicht rules 88', undefined, ['Nordlicht GmbH', 'Nordlicht'])).toEqual([
      'contains_context',
    ]);
  });

  it.each([
    'password1234',
    'Passwort2024!',
    'passwordpassword',
    'P4ssw0rd2024!',
    'Willkommen123!',
    'admin-admin-2025',
    'qwertzuiop12',
    'correct horse battery staple',
    'Sommer2024!!',
  ])('refuses the common %s', (password) => {
    expect(codes(password)).toContain('too_common');
  });

  it.each([
    'aaaaaaaaaaaa',
    'xyzxyzxyzxyz',
    '123456789012',
    'abcdefghijkl',
    '210987654321',
    'qwertyuiopasdf',
    '1q2w3e4r5t6z'.replace('z', 'y'),
  ])('refuses the regular %s', (password) => {
    expect(codes(password)).toContain('too_regular');
  });

  it('asks for length alone of random passwords', () => {
    const random = fc.string({
      unit: fc.constantFrom(...'bfgjkpvwxzBFGJKPVWXZ+=~#'),
      minLength: 1,
      maxLength: 140,
    });
    fc.assert(
      fc.property(random, (password) => {
        fc.pre(new Set(password.toLowerCase()).size > 8 || password.length < MIN_PASSWORD_LENGTH);
        const expected =
          password.length > MAX_PASSWORD_LENGTH
            ? ['too_long']
            : password.length < MIN_PASSWORD_LENGTH
              ? ['too_short']
              : [];
        expect(codes(password).filter((code) => code !== 'too_regular' || password.length >= 12)).toEqual(
          expected,
        );
      }),
    );
  });

  it('gives reasons for any text and any address, never an error', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (password, email) => {
        for (const reason of passwordProblems(password, { email })) expect(reason.message).not.toBe('');
      }),
    );
  });
});
