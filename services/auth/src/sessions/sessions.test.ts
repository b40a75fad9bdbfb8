import { CSRF_HEADER, revokedUserKey } from '@psa/contracts/tokens';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AuthTest,
  authTest,
  cookieHeader,
  type Jar,
  keepCookies,
  PASSWORD,
} from '../auth.test-helper.ts';

let t: AuthTest;
beforeAll(async () => {
  t = await authTest();
});
afterAll(() => t.close());

const refresh = (token: string) => t.as(null, 'POST', '/api/v1/auth/refresh', { refresh_token: token });
const me = (token: string) => t.as(token, 'GET', '/api/v1/auth/me');

describe('signing in', () => {
  it('returns tokens that the guard accepts and tells who is signed in', async () => {
    const answer = await t.login('  ADMIN@first.example ');
    expect(answer.status).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['set-cookie']).toBeUndefined();
    const { access_token, refresh_token, token_type, expires_in, user } = answer.body.data;
    expect({ token_type, expires_in }).toEqual({ token_type: 'Bearer', expires_in: 900 });
    expect(refresh_token).toMatch(/^[\w-]{43}$/);
    expect(decodeJwt(access_token)).toMatchObject({
      iss: 'psa-platform',
      aud: 'psa-api',
      sub: t.tenant.admin_id,
      tid: t.tenant.tenant_id,
      role: 'system_admin',
      permissions: ['*'],
      audience: 'staff',
      tier: 'standard',
    });
    expect(decodeJwt(access_token).csrf).toBeUndefined();
    const mine = await me(access_token);
    expect(mine.body.data).toEqual(user);
    expect(user).toMatchObject({
      tenant_name: 'Erste IT',
      email: t.email,
      permissions: ['*'],
      customer_id: null,
    });
    const [row] = await t.db.admin`select last_login_at from auth.users where id = ${t.tenant.admin_id}`;
    expect(new Date(row!.last_login_at)).toEqual(t.clock.now());
    const event = (await t.events('user.logged_in.v1')).at(-1);
    expect(event).toMatchObject({
      tenant_id: t.tenant.tenant_id,
      data: { user_id: t.tenant.admin_id, address: '192.0.2.1' },
      actor: { id: t.tenant.admin_id },
    });
  });

  it('stores neither the password nor a token', async () => {
    const { refresh: token } = await t.session();
    const dump = JSON.stringify([
      await t.db.admin`select * from auth.users`,
      await t.db.admin`select *, encode(hash, 'escape') as text from auth.refresh_tokens`,
      await t.db.admin`select * from auth.signing_keys`,
      await t.outbox(),
    ]);
    expect(dump).not.toContain(PASSWORD);
    expect(dump).not.toContain(token);
    expect(dump).not.toContain('PRIVATE KEY');
  });

  it('answers the same, at the cost of one hash, for a wrong password, an unknown address and people without one', async () => {
    await t.user({ email: 'invited@first.example', password: undefined });
    const disabled = await t.user({ email: 'disabled@first.example' });
    await t.call('PATCH', `/api/v1/users/${disabled}`, { as: t.admin, body: { status: 'disabled' } });
    const hashes = async () => {
      const { text } = await t.as(null, 'GET', '/metrics');
      return Number(/^password_hashes_total\{.*\} (\d+)$/m.exec(text)?.[1]);
    };
    const answers = [];
    for (const [i, email] of ['admin', 'nobody', 'invited', 'disabled'].entries()) {
      const before = await hashes();
      const answer = await t.login(
        `${email}@first.example`,
        i === 0 ? 'wrong' : PASSWORD,
        `192.0.2.${10 + i}`,
      );
      expect((await hashes()) - before, email).toBe(1);
      const { code, message, details } = answer.body.error;
      answers.push({ status: answer.status, code, message, details });
    }
    expect(new Set(answers.map((a) => JSON.stringify(a))).size).toBe(1);
    expect(answers[0]).toMatchObject({ status: 401, code: 'INVALID_CREDENTIALS', details: [] });
    const refused = await t.events('audit.recorded.v1');
    expect(refused.at(-1)).toMatchObject({
      aggregate: { type: 'user', id: disabled },
      data: { action: 'login.refused', detail: { reason: 'account_disabled', address: '192.0.2.13' } },
    });
    await t.login();
  });

  it('makes a hash of older parameters anew', async () => {
    const { PasswordHasher } = await import('../passwords/hasher.ts');
    const old = await new PasswordHasher({ parameters: { memory: 1024, passes: 1, parallelism: 1 } }).hash(
      PASSWORD,
    );
    await t.db.admin`update auth.users set password_hash = ${old} where id = ${t.tenant.admin_id}`;
    expect((await t.login()).status).toBe(200);
    const [row] = await t.db.admin`select password_hash from auth.users where id = ${t.tenant.admin_id}`;
    expect(row!.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect((await t.login()).status).toBe(200);
  });

  it('takes fifty right passwords at once', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => t.login()));
    expect(answers.map((a) => a.status)).toEqual(Array(50).fill(200));
    expect(new Set(answers.map((a) => a.body.data.refresh_token)).size).toBe(50);
  });
});

describe('rotation', () => {
  it('spends a refresh token for its successor, in the same session', async () => {
    const first = await t.session();
    const answer = await refresh(first.refresh);
    expect(answer.status).toBe(200);
    const next = answer.body.data;
    expect(next.refresh_token).not.toBe(first.refresh);
    expect(decodeJwt(next.access_token).sid).toBe(decodeJwt(first.access).sid);
    expect((await me(next.access_token)).status).toBe(200);
  });

  it('two tabs at once get the same successor, and both go on', async () => {
    const first = await t.session();
    const both = await Promise.all([refresh(first.refresh), refresh(first.refresh)]);
    expect(both.map((a) => a.status)).toEqual([200, 200]);
    expect(both[0].body.data.refresh_token).toBe(both[1].body.data.refresh_token);
    for (const { body } of both) expect((await me(body.data.access_token)).status).toBe(200);
    t.clock.advance({ minutes: 15 });
    expect((await refresh(both[0].body.data.refresh_token)).status).toBe(200);
  });

  it('within the grace a late tab gets what is current, even after two rotations', async () => {
    const first = await t.session();
    const second = (await refresh(first.refresh)).body.data.refresh_token;
    t.clock.advance({ seconds: 4 });
    const third = (await refresh(second)).body.data.refresh_token;
    t.clock.advance({ seconds: 5 });
    expect((await refresh(first.refresh)).body.data.refresh_token).toBe(third);
  });

  it('a spent token after the grace ends the whole session', async () => {
    const stolen = await t.session();
    const current = (await refresh(stolen.refresh)).body.data;
    t.clock.advance({ seconds: 11 });
    const replay = await refresh(stolen.refresh);
    expect(replay.status).toBe(401);
    expect(replay.body.error.code).toBe('TOKEN_INVALID');
    expect((await refresh(current.refresh_token)).status).toBe(401);
    expect((await me(current.access_token)).body.error.code).toBe('TOKEN_INVALID');
    const sid = decodeJwt(stolen.access).sid as string;
    const [row] = await t.db.admin`select revoked_because from auth.sessions where id = ${sid}`;
    expect(row!.revoked_because).toBe('reuse');
    const events = (await t.events('session.reuse_detected.v1')).filter((e) => e.data.session_id === sid);
    expect(events).toHaveLength(1);
  });

  it('does not outlive a week unused, nor thirty days in use', async () => {
    const idle = await t.session();
    t.clock.advance({ days: 7, seconds: 1 });
    expect((await refresh(idle.refresh)).status).toBe(401);
    let { refresh: token } = await t.session();
    for (let day = 6; day < 30; day += 6) {
      t.clock.advance({ days: 6 });
      const answer = await refresh(token);
      expect(answer.status, `day ${day}`).toBe(200);
      token = answer.body.data.refresh_token;
    }
    t.clock.advance({ days: 6, seconds: 1 });
    expect((await refresh(token)).status).toBe(401);
  });

  it('refuses what is no token, and bodies that are none', async () => {
    expect((await refresh('nonsense')).status).toBe(401);
    expect((await t.as(null, 'POST', '/api/v1/auth/refresh')).body.error.code).toBe(
      'AUTHENTICATION_REQUIRED',
    );
    const wrong = await t.as(null, 'POST', '/api/v1/auth/refresh', { refresh_token: 5, more: 1 });
    expect(wrong.status).toBe(400);
    expect(wrong.body.error.details.map((d: { field: string }) => d.field)).toEqual(
      expect.arrayContaining(['refresh_token', 'more']),
    );
  });

  it('brings present rights, at once, after a change of role', async () => {
    const id = await t.user({ email: 'rising@first.example' });
    const { access, refresh: token } = await t.session('rising@first.example');
    expect((await me(access)).status).toBe(200);
    await t.call('PATCH', `/api/v1/users/${id}`, { as: t.admin, body: { role: 'dispatcher' } });
    expect(await t.deps.cache.get(revokedUserKey(id))).not.toBeNull();
    expect((await me(access)).status).toBe(401);
    // In the same second as the change.
    const fresh = await refresh(token);
    expect(decodeJwt(fresh.body.data.access_token).role).toBe('dispatcher');
    expect((await me(fresh.body.data.access_token)).body.data.permissions).toContain('customer:create');
  });
});

describe('cookie sessions', () => {
  const loginWithCookies = async () => {
    const answer = await t.as(null, 'POST', '/api/v1/auth/login', {
      email: t.email,
      password: PASSWORD,
      session: 'cookie',
    });
    return { answer, jar: keepCookies({}, answer) };
  };
  const renew = (jar: Jar, csrf?: string) =>
    t.as(
      null,
      'POST',
      '/api/v1/auth/refresh',
      {},
      { ...cookieHeader(jar), ...(csrf ? { [CSRF_HEADER]: csrf } : {}) },
    );

  it('sets the three cookies, and puts no token in the body', async () => {
    const { answer, jar } = await loginWithCookies();
    expect(Object.keys(answer.body.data).sort()).toEqual(['expires_in', 'user']);
    const lines = answer.headers['set-cookie'] as string[];
    const line = (name: string) => lines.find((one) => one.startsWith(`${name}=`))!;
    for (const name of ['psa_access', 'psa_refresh']) expect(line(name)).toMatch(/HttpOnly/);
    for (const one of lines) expect(one).toMatch(/Secure/);
    for (const one of lines) expect(one).toMatch(/SameSite=Strict/);
    expect(line('psa_csrf')).not.toMatch(/HttpOnly/);
    expect(line('psa_access')).toMatch(/Path=\/(;|$)/);
    expect(line('psa_refresh')).toMatch(/Path=\/api\/v1\/auth(;|$)/);
    expect(decodeJwt(jar.psa_access!).csrf).toBe(jar.psa_csrf);
  });

  it('refreshes with the CSRF token only', async () => {
    const { jar } = await loginWithCookies();
    for (const csrf of [undefined, 'x'.repeat(43)]) {
      const refused = await renew(jar, csrf);
      expect(refused.status).toBe(403);
      expect(refused.body.error.code).toBe('CSRF_INVALID');
    }
    // The cookie's token in a body, as a thief would send it, does not get around it.
    expect((await refresh(jar.psa_refresh!)).status).toBe(403);
    const before = { ...jar };
    const answer = await renew(jar, jar.psa_csrf);
    expect(answer.status).toBe(200);
    expect(answer.body.data.access_token).toBeUndefined();
    keepCookies(jar, answer);
    expect(jar.psa_refresh).not.toBe(before.psa_refresh);
    expect(jar.psa_csrf).toBe(before.psa_csrf);
    expect(decodeJwt(jar.psa_access!).csrf).toBe(jar.psa_csrf);
  });

  it('two tabs end up with cookies that work, whichever answer comes last', async () => {
    const { jar } = await loginWithCookies();
    const answers = await Promise.all([renew(jar, jar.psa_csrf), renew(jar, jar.psa_csrf)]);
    for (const answer of answers) {
      const tab = keepCookies({ ...jar }, answer);
      t.clock.advance({ seconds: 1 });
      expect((await renew(tab, tab.psa_csrf)).status).toBe(200);
    }
  });

  it('clears the cookies of a session that is gone', async () => {
    const { jar } = await loginWithCookies();
    await t.as(
      null,
      'POST',
      '/api/v1/auth/logout',
      undefined,
      cookieHeader({ psa_refresh: jar.psa_refresh! }),
    );
    const answer = await renew(jar, jar.psa_csrf);
    expect(answer.status).toBe(401);
    expect(keepCookies(jar, answer)).toEqual({});
  });
});

describe('signing out', () => {
  it('ends the session by refresh token, by access token and by cookie', async () => {
    const ways = [
      (s: { refresh: string }) => t.as(null, 'POST', '/api/v1/auth/logout', { refresh_token: s.refresh }),
      (s: { access: string }) => t.as(s.access, 'POST', '/api/v1/auth/logout'),
      (s: { access: string }) =>
        t.as(null, 'POST', '/api/v1/auth/logout', undefined, cookieHeader({ psa_access: s.access })),
    ];
    for (const way of ways) {
      const session = await t.session();
      const other = await t.session();
      const answer = await way(session);
      expect(answer.status).toBe(204);
      expect(answer.text).toBe('');
      expect((await me(session.access)).status).toBe(401);
      expect((await refresh(session.refresh)).status).toBe(401);
      expect((await me(other.access)).status).toBe(200);
    }
    expect(await t.events('user.logged_out.v1')).not.toHaveLength(0);
  });

  it('is no error for nobody, or twice', async () => {
    const session = await t.session();
    for (const body of [undefined, {}, { refresh_token: 'nonsense' }, { refresh_token: session.refresh }]) {
      expect((await t.as(null, 'POST', '/api/v1/auth/logout', body)).status).toBe(204);
    }
    const before = (await t.events('user.logged_out.v1')).length;
    await t.as(null, 'POST', '/api/v1/auth/logout', { refresh_token: session.refresh });
    expect(await t.events('user.logged_out.v1')).toHaveLength(before);
    expect((await t.as('broken', 'POST', '/api/v1/auth/logout')).status).toBe(204);
  });
});
