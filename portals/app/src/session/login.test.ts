import { describe, expect, it } from 'vitest';
import { ApiError } from '../api/error.ts';
import { loginFieldProblem, loginProblem } from './login-problem.ts';
import { otherPortal, safeNext } from './session.ts';

describe('login', () => {
  const error = (status: number, code: string, more = {}) =>
    new ApiError({ status, code, message: '', ...more });
  const now = Date.parse('2026-11-05T12:00:00Z');

  it('tells the reasons apart', () => {
    expect(loginProblem(error(401, 'INVALID_CREDENTIALS'), now)).toEqual({ kind: 'wrong' });
    expect(loginProblem(error(0, 'NETWORK_ERROR'), now)).toEqual({ kind: 'offline' });
    // Says itself which limit it is and how long it lasts.
    expect(loginProblem(error(429, 'RATE_LIMIT_EXCEEDED', { retryAfter: 20 }), now).kind).toBe('other');
    expect(loginProblem(error(500, 'INTERNAL_ERROR'), now).kind).toBe('other');
  });

  it('knows until when an account is locked', () => {
    const details = [
      { field: 'locked_until', code: 'limit', message: '', values: { until: '2026-11-05T12:15:00Z' } },
    ];
    expect(loginProblem(error(423, 'ACCOUNT_LOCKED', { details }), now)).toEqual({
      kind: 'locked',
      until: now + 900_000,
    });
    expect(loginProblem(error(403, 'ACCOUNT_LOCKED', { retryAfter: 60 }), now)).toEqual({
      kind: 'locked',
      until: now + 60_000,
    });
    expect(loginProblem(error(423, 'ACCOUNT_LOCKED'), now)).toEqual({ kind: 'locked', until: null });
  });

  it('asks for what is missing first', () => {
    expect(loginFieldProblem('', '')).toEqual({ email: 'email_missing', password: 'password_missing' });
    expect(loginFieldProblem('anna', 'x')).toEqual({ email: 'email_invalid' });
    expect(loginFieldProblem(' anna@kunde.example ', 'x')).toBeNull();
  });

  it('goes on only inside the portal', () => {
    expect(safeNext('/tickets?status=new')).toBe('/tickets?status=new');
    for (const bad of [
      null,
      '',
      'tickets',
      '//evil.example',
      '/\\evil.example',
      '/\t/evil.example',
      'https://e.example',
      '/login',
      '/login?next=/',
    ]) {
      expect(safeNext(bad)).toBe('/');
    }
  });

  it('sends everyone to their own portal', () => {
    const me = (audience: 'staff' | 'customer') => ({ audience }) as Parameters<typeof otherPortal>[0];
    expect(otherPortal(me('customer'), 'staff')).toBe('/portal/');
    expect(otherPortal(me('staff'), 'customer')).toBe('/');
    expect(otherPortal(me('staff'), 'staff')).toBeNull();
  });
});
