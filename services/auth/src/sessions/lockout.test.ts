import { type TestService, testService } from '@psa/test-kit/service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authService } from '../app.ts';
import { type AuthTest, authTest, PASSWORD } from '../auth.test-helper.ts';
import { ensureSetupToken } from '../tenants/service.ts';
import { addressKey, afterFailure, GUESSES } from './lockout.ts';

let t: AuthTest;
beforeAll(async () => {
  t = await authTest();
});
afterAll(() => t.close());

/** Another address for each attempt, so that only the account can lock. */
let next = 0;
const address = () => `198.51.100.${(next = (next % 250) + 1)}`;
const attempts = async (email: string, passwords: string[]) => {
  const answers = [];
  for (const password of passwords) answers.push(await t.login(email, password, address()));
  return answers;
};
const five = Array<string>(5).fill('wrong');

describe('lockout', () => {
  it('of an account: five times 401, then 423 even with the right password, until the clock says so', async () => {
    const id = await t.user({ email: 'locked@first.example' });
    const answers = await attempts('locked@first.example', [...five, 'wrong', PASSWORD]);
    expect(answers.map((a) => a.status)).toEqual([401, 401, 401, 401, 401, 423, 423]);
    const { error } = answers.at(-1)!.body;
    expect(error).toMatchObject({ code: 'ACCOUNT_LOCKED', retry_after: 900 });
    expect(answers.at(-1)!.headers['retry-after']).toBe('900');
    const until = new Date(t.clock.now().getTime() + 900_000).toISOString();
    expect(error.details).toEqual([
      { field: 'locked_until', code: 'limit', message: until, values: { until } },
    ]);
    const locks = (await t.events('user.locked.v1')).filter((e) => e.data.user_id === id);
    expect(locks.map((e) => e.data.until)).toEqual([until]);
    expect((await t.call('GET', `/api/v1/users/${id}`, { as: t.admin })).body.data.locked_until).toBe(until);

    t.clock.advance({ minutes: 14, seconds: 59 });
    expect((await attempts('locked@first.example', [PASSWORD]))[0]!.status).toBe(423);
    t.clock.advance({ seconds: 2 });
    expect((await attempts('locked@first.example', [PASSWORD]))[0]!.status).toBe(200);
    const [row] = await t.db.admin`select failed_logins, locked_until from auth.users where id = ${id}`;
    expect(row).toEqual({ failed_logins: 0, locked_until: null });
  });

  it('of an address that belongs to nobody looks exactly the same', async () => {
    await t.user({ email: 'known@first.example' });
    const shape = (answers: Awaited<ReturnType<typeof attempts>>) =>
      answers.map(({ status, body, headers }) => ({
        status,
        error: { ...body.error, request_id: '', timestamp: '' },
        retryAfter: headers['retry-after'],
      }));
    const known = shape(await attempts('known@first.example', [...five, 'wrong', PASSWORD]));
    const unknown = shape(await attempts('unknown@first.example', [...five, 'wrong', PASSWORD]));
    expect(unknown).toEqual(known);
    t.clock.advance({ minutes: 15, seconds: 1 });
    expect((await attempts('unknown@first.example', ['wrong']))[0]!.status).toBe(401);
  });

  it('of a network address: whatever accounts were tried', async () => {
    await t.user({ email: 'bystander@first.example' });
    for (let i = 0; i < 5; i++) {
      expect((await t.login(`spray${i}@first.example`, 'wrong', '203.0.113.7')).status).toBe(401);
    }
    const refused = await t.login('bystander@first.example', PASSWORD, '203.0.113.7');
    expect(refused.status).toBe(423);
    expect(refused.body.error.code).toBe('ACCOUNT_LOCKED');
    expect((await t.login('bystander@first.example', PASSWORD, '203.0.113.8')).status).toBe(200);
    t.clock.advance({ minutes: 15, seconds: 1 });
    expect((await t.login('bystander@first.example', PASSWORD, '203.0.113.7')).status).toBe(200);
  });

  it('a right password starts the count anew, and old failures do not count', async () => {
    await t.user({ email: 'clumsy@first.example' });
    const four = five.slice(1);
    for (let i = 0; i < 2; i++) {
      const answers = await attempts('clumsy@first.example', [...four, PASSWORD]);
      expect(answers.map((a) => a.status)).toEqual([401, 401, 401, 401, 200]);
    }
    await attempts('clumsy@first.example', four);
    t.clock.advance({ minutes: 16 });
    const later = await attempts('clumsy@first.example', [...four, PASSWORD]);
    expect(later.at(-1)!.status).toBe(200);
  });

  it('guessing in parallel gains nothing: five failures count, the rest is refused', async () => {
    await t.user({ email: 'parallel@first.example' });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => t.login('parallel@first.example', 'wrong', address())),
    );
    const statuses = answers.map((a) => a.status);
    expect(statuses.filter((s) => s === 401)).toHaveLength(5);
    expect(statuses.filter((s) => s === 423)).toHaveLength(15);
  });

  it('of a network address is not lifted by signing in oneself', async () => {
    await t.user({ email: 'thief@first.example' });
    const from = '203.0.113.20';
    const statuses = [];
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 4; i++) {
        statuses.push((await t.login(`victim${round}${i}@first.example`, 'wrong', from)).status);
      }
      statuses.push((await t.login('thief@first.example', PASSWORD, from)).status);
    }
    expect(statuses.slice(0, 7)).toEqual([401, 401, 401, 401, 200, 401, 423]);
    expect(new Set(statuses.slice(6))).toEqual(new Set([423]));
    t.clock.advance({ minutes: 16 });
    // One's own typing errors are forgiven: an office behind one address is not locked out by them.
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 3; i++)
        expect((await t.login('thief@first.example', 'wrong', from)).status).toBe(401);
      const both = [1, 2].map(() => t.login('thief@first.example', PASSWORD, from));
      expect((await Promise.all(both)).map((answer) => answer.status)).toEqual([200, 200]);
    }
    for (let i = 0; i < 5; i++)
      expect((await t.login(`v${i}@first.example`, 'wrong', from)).status).toBe(401);
    expect((await t.login('v6@first.example', 'wrong', from)).status).toBe(423);
  });

  it('guessing in parallel from one address tells five at most', async () => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) => t.login(`spread${i}@first.example`, 'wrong', '203.0.113.21')),
    );
    expect(answers.filter((answer) => answer.status === 401)).toHaveLength(5);
    expect(answers.filter((answer) => answer.status === 423)).toHaveLength(25);
  });

  it('guessing the current password in parallel tells five at most, and the right one nothing after them', async () => {
    await t.user({ email: 'eighty@first.example' });
    const { access } = await t.session('eighty@first.example');
    const answers = await Promise.all(
      Array.from({ length: 80 }, (_, i) =>
        t.as(access, 'POST', '/api/v1/auth/change-password', {
          current_password: i === 79 ? PASSWORD : `guess ${i}`,
          new_password: 'Grüne Dächer im Herbstlicht',
        }),
      ),
    );
    const count = (status: number) => answers.filter((answer) => answer.status === status).length;
    expect([count(400), count(423), count(204)]).toEqual([5, 75, 0]);
  });

  it('of links: an address that tries many has to wait', async () => {
    const reset = (_: unknown, i: number) =>
      t.as(
        null,
        'POST',
        '/api/v1/auth/reset-password',
        { token: `${i}`.padStart(43, 'x'), new_password: 'Grüne Dächer im Herbstlicht' },
        { 'x-forwarded-for': '203.0.113.22' },
      );
    const statuses = (await Promise.all(Array.from({ length: 30 }, reset))).map((answer) => answer.status);
    expect(statuses.filter((status) => status === 400)).toHaveLength(20);
    expect(statuses.filter((status) => status === 423)).toHaveLength(10);
  });

  describe('of guesses at secrets, eighty at once', () => {
    const eighty = Array.from({ length: 80 }, (_, i) => `${i}`.padStart(43, 'x'));
    const from = (address: string) => ({ 'x-forwarded-for': address });
    const count = (answers: { status: number }[], status: number) =>
      answers.filter((answer) => answer.status === status).length;
    const ways: [string, number, string, (secret: string, address: string) => ReturnType<AuthTest['as']>][] =
      [
        [
          'set-up',
          400,
          'setup',
          (token, address) => {
            const body = { token, tenant_name: 'X', name: 'X', email: 'x@x.example', password: PASSWORD };
            return fresh.call('POST', '/api/v1/auth/setup', { as: null, body, headers: from(address) });
          },
        ],
        [
          'refresh',
          401,
          'refresh',
          (token, address) =>
            t.as(null, 'POST', '/api/v1/auth/refresh', { refresh_token: token }, from(address)),
        ],
        [
          'API key',
          401,
          'key',
          (secret, address) => {
            const api_key = secret.startsWith('psa_') ? secret : `psa_abcdefgh_${secret}`;
            return t.as(null, 'POST', '/internal/api-keys/exchange', { api_key }, from(address));
          },
        ],
      ];
    let fresh: TestService;
    let right: Record<string, string>;
    beforeAll(async () => {
      fresh = await testService(authService);
      await t.user({ email: 'holder@first.example' });
      const { access, refresh } = await t.session('holder@first.example');
      const input = { name: 'script', current_password: PASSWORD };
      const { key } = (await t.as(access, 'POST', '/api/v1/api-keys', input)).body.data;
      right = { setup: (await ensureSetupToken(fresh.deps))!, refresh, key };
    });
    afterAll(() => fresh.close());

    it.each(ways)(
      '%s: only so many are told, then the right one waits too',
      async (_, wrong, kind, guess) => {
        const most = GUESSES[kind as keyof typeof GUESSES];
        const answers = await Promise.all(eighty.map((secret) => guess(secret, '203.0.113.30')));
        expect([count(answers, wrong), count(answers, 423)]).toEqual([most, 80 - most]);
        const held = await guess(right[kind]!, '203.0.113.30');
        expect([held.status, held.body.error.code]).toEqual([423, 'ACCOUNT_LOCKED']);
        expect((await guess(right[kind]!, '203.0.113.31')).status).toBeLessThan(300);
      },
    );

    it.each(ways)('%s: the same wrong one again is one guess', async (_, wrong, _kind, guess) => {
      const answers = await Promise.all(eighty.map(() => guess('y'.repeat(43), '203.0.113.32')));
      // The set-up of the platform is over by now: there is nothing left to guess.
      expect(count(answers, wrong) + count(answers, 409)).toBe(80);
    });

    it('an office that refreshes is never in its own way', async () => {
      await t.user({ email: 'office@first.example' });
      // Twenty browsers of four tabs each.
      const signedIn = await Promise.all(eighty.slice(60).map(() => t.session('office@first.example')));
      const office = [signedIn, signedIn, signedIn, signedIn].flat();
      const refresh = ways[1]![3];
      const renewed = await Promise.all(office.map((one) => refresh(one.refresh, '203.0.113.33')));
      expect(count(renewed, 200)).toBe(80);
      // Spent ones, after their grace: the platform knows them, so they are no guesses.
      t.clock.advance({ seconds: 11 });
      const spent = await Promise.all(office.map((one) => refresh(one.refresh, '203.0.113.33')));
      expect(count(spent, 401)).toBe(80);
      const { refresh: last } = await t.session('office@first.example');
      expect((await refresh(last, '203.0.113.33')).status).toBe(200);
    });
  });

  it('a wrong current password counts as well', async () => {
    await t.user({ email: 'taken@first.example' });
    const { access } = await t.session('taken@first.example');
    const change = () =>
      t.as(access, 'POST', '/api/v1/auth/change-password', {
        current_password: 'wrong',
        new_password: 'Grüne Dächer im Herbstlicht',
      });
    for (let i = 0; i < 5; i++) expect((await change()).status).toBe(400);
    expect((await change()).status).toBe(423);
    expect((await attempts('taken@first.example', [PASSWORD]))[0]!.status).toBe(423);
  });
});

describe('counting', () => {
  it('locks at the fifth failure within the window', () => {
    const now = new Date('2026-01-05T09:00:00Z');
    let state = { failed_logins: 0, failed_since: null, locked_until: null } as Parameters<
      typeof afterFailure
    >[0];
    for (let i = 1; i <= 4; i++) {
      state = afterFailure(state, now);
      expect(state).toEqual({ failed_logins: i, failed_since: now, locked_until: null });
    }
    expect(afterFailure(state, now).locked_until).toEqual(new Date('2026-01-05T09:15:00Z'));
    expect(afterFailure(state, new Date('2026-01-05T09:15:01Z'))).toMatchObject({ failed_logins: 1 });
  });

  it('takes IPv6 by network', () => {
    expect(addressKey('192.0.2.1')).toBe('login:address:192.0.2.1');
    expect(addressKey('::ffff:192.0.2.1')).toBe('login:address:192.0.2.1');
    expect(addressKey('2001:db8:0:7::1')).toBe(addressKey('2001:db8:0:7:abcd:1:2:3'));
    expect(addressKey('2001:db8:0:7::1')).not.toBe(addressKey('2001:db8:0:8::1'));
    expect(addressKey('2001:0db8::1')).toBe('login:address:2001:db8:0:0/64');
    expect(addressKey('::1')).toBe('login:address:0:0:0:0/64');
  });
});
