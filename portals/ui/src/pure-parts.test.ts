import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiError } from './api-error.ts';
import { linePath, shares, total } from './charts/chart-data.ts';
import { initials } from './components/avatar.tsx';
import { addFiles } from './file-check.ts';
import { fuzzyFilter, fuzzyScore } from './fuzzy.ts';
import { findNear, moveActive } from './list-place.ts';
import { loginFieldProblem, loginProblem } from './login-problem.ts';
import { retryDelay, shouldRetry } from './query-client.ts';
import { otherPortal, safeNext } from './session.ts';
import { slaState } from './sla-state.ts';

describe('SLA clock', () => {
  const HOUR = 3_600_000;
  const start = Date.parse('2026-11-05T08:00:00Z');
  const due = start + 10 * HOUR;
  const at = (hours: number, more = {}) =>
    slaState({ dueAt: due, startedAt: start, ...more }, start + hours * HOUR);

  it('runs, comes to be at risk, is overdue', () => {
    expect(at(5)).toEqual({ phase: 'running', remaining: 5 * HOUR, used: 0.5 });
    expect(at(8).phase).toBe('at_risk');
    expect(at(11)).toEqual({ phase: 'overdue', remaining: -HOUR, used: 1 });
  });

  it('stands still while paused', () => {
    const pausedAt = start + 4 * HOUR;
    expect(at(5, { pausedAt })).toEqual(at(9, { pausedAt }));
    expect(at(9, { pausedAt })).toMatchObject({ phase: 'paused', remaining: 6 * HOUR });
    // The platform does not say when it would be due while nobody knows how long the pause lasts.
    expect(at(9, { pausedAt, dueAt: null }).phase).toBe('paused');
    expect(at(9, { dueAt: null }).phase).toBe('none');
  });

  it('ends met or missed, whatever the time is', () => {
    expect(at(20, { metAt: due }).phase).toBe('met');
    expect(at(5, { metAt: due + 1 }).phase).toBe('missed');
  });

  it('needs no start, and tells when there is no deadline', () => {
    expect(slaState({ dueAt: due }, due - HOUR / 2)).toMatchObject({ phase: 'at_risk', used: null });
    expect(slaState({ dueAt: due }, due - 2 * HOUR).phase).toBe('running');
    expect(slaState({ dueAt: null }, due).phase).toBe('none');
    expect(slaState({ dueAt: 'nonsense' }, due).phase).toBe('none');
  });
});

describe('list', () => {
  it('moves by keys and stays inside', () => {
    expect(moveActive('j', -1, 10, 5)).toBe(0);
    expect(moveActive('ArrowDown', 9, 10, 5)).toBe(9);
    expect(moveActive('k', -1, 10, 5)).toBe(0);
    expect(moveActive('PageUp', 3, 10, 5)).toBe(0);
    expect(moveActive('End', 0, 10, 5)).toBe(9);
    expect(moveActive('q', 0, 10, 5)).toBeNull();
    expect(moveActive('j', -1, 0, 5)).toBeNull();
  });

  it('finds a row again after others came or went', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string(), { minLength: 1 }),
        fc.nat(),
        fc.nat(200),
        (keys, pick, hint) => {
          const index = pick % keys.length;
          const keyAt = (i: number) => (i >= 0 ? keys[i] : undefined);
          expect(findNear(keyAt, keys.length, keys[index]!, hint)).toBe(index);
          expect(findNear(keyAt, keys.length, `${keys.join('')}x`, hint)).toBe(-1);
        },
      ),
    );
  });
});

describe('command search', () => {
  it('prefers beginnings, then parts, then letters in order', () => {
    const titles = ['Kunden', 'Neuer Kunde', 'Ankunft', 'Kategorien und Netze'];
    expect(fuzzyFilter('kun', titles, (x) => x)).toEqual([
      'Kunden',
      'Neuer Kunde',
      'Ankunft',
      'Kategorien und Netze',
    ]);
    expect(fuzzyFilter('', titles, (x) => x)).toEqual(titles);
  });

  it('does not mind accents, case or ß, and wants every word', () => {
    expect(fuzzyScore('ubersicht', 'Übersicht')).not.toBeNull();
    expect(fuzzyScore('strasse', 'Straße')).not.toBeNull();
    expect(fuzzyScore('neu xyz', 'Neues Ticket')).toBeNull();
  });
});

describe('files', () => {
  const file = (name: string, size = 10, type = 'image/png') => ({ name, size, type, lastModified: 1 });
  const limits = { maxBytes: 100, maxFiles: 2, accept: ['image/*', 'application/pdf'] };

  it('takes what fits and says why not', () => {
    const result = addFiles(
      [file('a')],
      [file('a'), file('big', 101), file('x', 1, 'text/html'), file('b')],
      limits,
    );
    expect(result.files.map((f) => f.name)).toEqual(['a', 'b']);
    expect(result.refused).toEqual([
      { reason: 'too_large', name: 'big' },
      { reason: 'wrong_type', name: 'x' },
    ]);
    expect(addFiles(result.files, [file('c'), file('d')], limits).refused).toEqual([{ reason: 'too_many' }]);
  });

  it('knows a file by its ending when the machine calls its type something else', () => {
    const csv = { maxBytes: 100, maxFiles: 1, accept: ['.csv', 'text/csv'] };
    for (const type of ['application/vnd.ms-excel', '', 'text/csv'])
      expect(addFiles([], [file('Kunden.CSV', 1, type)], csv).refused).toEqual([]);
    expect(addFiles([], [file('kunden.xlsx', 1, '')], csv).refused).toEqual([
      { reason: 'wrong_type', name: 'kunden.xlsx' },
    ]);
  });

  it('refuses by name what the type does not tell', () => {
    const refuses = (name: string) => name.endsWith('.exe');
    const result = addFiles([], [file('setup.exe', 1, ''), file('a.png')], { ...limits, refuses });
    expect(result.files.map((f) => f.name)).toEqual(['a.png']);
    expect(result.refused).toEqual([{ reason: 'wrong_type', name: 'setup.exe' }]);
  });
});

describe('login', () => {
  const error = (status: number, code: string, more = {}) =>
    new ApiError({ status, code, message: '', ...more });
  const now = Date.parse('2026-11-05T12:00:00Z');

  it('tells the reasons apart', () => {
    expect(loginProblem(error(401, 'INVALID_CREDENTIALS'), now)).toEqual({ kind: 'wrong' });
    expect(loginProblem(error(0, 'NETWORK_ERROR'), now)).toEqual({ kind: 'offline' });
    expect(loginProblem(error(429, 'RATE_LIMIT_EXCEEDED', { retryAfter: 20 }), now)).toEqual({
      kind: 'rate_limited',
      seconds: 20,
    });
    expect(loginProblem(error(500, 'INTERNAL_ERROR'), now).kind).toBe('other');
  });

  it('knows until when an account is locked', () => {
    const details = [{ field: 'locked_until', message: '2026-11-05T12:15:00Z' }];
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

describe('retries', () => {
  const error = (status: number, retryAfter: number | null = null) =>
    new ApiError({ status, code: 'X', message: '', retryAfter });

  it('repeats only what may come out differently', () => {
    expect([0, 429, 502, 503, 504].map((s) => shouldRetry(0, error(s)))).toEqual(Array(5).fill(true));
    expect([400, 401, 403, 404, 409, 500].map((s) => shouldRetry(0, error(s)))).toEqual(Array(6).fill(false));
    expect(shouldRetry(3, error(503))).toBe(false);
    expect(shouldRetry(0, new Error('bug'))).toBe(false);
  });

  it('waits as the server asked', () => {
    expect(retryDelay(0, error(429, 5), () => 0)).toBe(5000);
    expect(retryDelay(0, error(429, 900), () => 0)).toBe(60_000);
    expect([0, 1, 2].map((n) => retryDelay(n, error(503), () => 0.5))).toEqual([500, 1000, 2000]);
  });
});

describe('charts', () => {
  it('shares a whole and drops what cannot be drawn', () => {
    const data = [
      { label: 'a', value: 3 },
      { label: 'b', value: -2 },
      { label: 'c', value: Number.NaN },
      { label: 'd', value: 1 },
    ];
    expect(total(data)).toBe(4);
    expect(shares(data).map((s) => [s.from, s.share])).toEqual([
      [0, 0.75],
      [0.75, 0],
      [0.75, 0],
      [0.75, 0.25],
    ]);
    expect(shares([{ label: 'a', value: 0 }])[0]!.share).toBe(0);
  });

  it('draws lines inside their box', () => {
    expect(linePath([1, 3], 10, 4)).toBe('M0 4L10 0');
    expect(linePath([2, 2], 10, 4)).toBe('M0 2L10 2');
    expect(linePath([], 10, 4)).toBe('');
  });
});

it('takes initials from the first and last name', () => {
  expect([initials('Anna Maria Beck'), initials('özil'), initials('  ')]).toEqual(['AB', 'Ö', '']);
});
