import { createHash } from 'node:crypto';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuthTest, authTest, PASSWORD } from '../auth.test-helper.ts';

let t: AuthTest;
beforeAll(async () => {
  t = await authTest();
});
afterAll(() => t.close());

const exchange = (api_key: string) => t.as(null, 'POST', '/internal/api-keys/exchange', { api_key });
const create = (token: string, body: object) =>
  t.as(token, 'POST', '/api/v1/api-keys', { current_password: PASSWORD, ...body });

describe('API keys', () => {
  it('are shown once, stored as a hash, exchanged for a token and listed for their owner only', async () => {
    const { access } = await t.session();
    const created = await create(access, { name: 'psactl' });
    expect(created.status).toBe(201);
    const { key, id, prefix, role } = created.body.data;
    expect(key).toMatch(/^psa_[a-z0-9]{8}_[A-Za-z0-9_-]{43}$/);
    expect(key.slice(4, 12)).toBe(prefix);
    expect(role).toBe('system_admin');
    const [row] = await t.db.admin`select encode(hash, 'hex') as hash from auth.api_keys where id = ${id}`;
    expect(row!.hash).toBe(createHash('sha256').update(key).digest('hex'));
    expect((await t.events('api_key.created.v1')).at(-1)!.data).toEqual({
      api_key_id: id,
      name: 'psactl',
      user_id: t.tenant.admin_id,
    });
    expect(JSON.stringify(await t.outbox())).not.toContain(key);

    const answer = await exchange(key);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ access_token: expect.any(String), expires_in: 900 });
    expect(decodeJwt(answer.body.access_token)).toMatchObject({
      sub: t.tenant.admin_id,
      sid: id,
      permissions: ['*'],
    });
    expect((await t.as(answer.body.access_token, 'GET', '/api/v1/auth/me')).status).toBe(200);
    const mine = (await t.as(access, 'GET', '/api/v1/api-keys')).body.data;
    expect(mine.find((one: { id: string }) => one.id === id).last_used_at).toBe(t.clock.now().toISOString());
    expect(JSON.stringify(mine)).not.toContain(key);

    await t.user({ email: 'else@first.example', role: 'system_admin' });
    const other = await t.session('else@first.example');
    expect((await t.as(other.access, 'GET', '/api/v1/api-keys')).body.data).toEqual([]);
    expect((await t.as(other.access, 'GET', `/api/v1/api-keys/${id}`)).status).toBe(404);
    const renamed = await t.as(access, 'PATCH', `/api/v1/api-keys/${id}`, { name: 'laptop' });
    expect(renamed.body.data.name).toBe('laptop');
  });

  it('end at once when revoked, with the tokens they gave', async () => {
    const { access } = await t.session();
    const { key, id } = (await create(access, { name: 'short' })).body.data;
    const token = (await exchange(key)).body.access_token;
    expect((await t.as(access, 'DELETE', `/api/v1/api-keys/${id}`)).status).toBe(204);
    expect((await exchange(key)).status).toBe(401);
    expect((await t.as(token, 'GET', '/api/v1/auth/me')).status).toBe(401);
    expect((await t.as(access, 'DELETE', `/api/v1/api-keys/${id}`)).status).toBe(404);
    expect((await t.as(access, 'GET', '/api/v1/auth/me')).status).toBe(200);
  });

  it('expire, and end with their owner', async () => {
    const id = await t.user({ email: 'owner@first.example' });
    const { access } = await t.session('owner@first.example');
    const short = (await create(access, { name: 'day', expires_in_days: 1 })).body.data;
    const long = (await create(access, { name: 'ever' })).body.data;
    t.clock.advance({ days: 1, seconds: 1 });
    expect((await exchange(short.key)).status).toBe(401);
    expect((await exchange(long.key)).status).toBe(200);
    await t.call('PATCH', `/api/v1/users/${id}`, { as: t.admin, body: { status: 'disabled' } });
    expect((await exchange(long.key)).status).toBe(401);
  });

  it('may do less than their owner, never more, also after the owner lost rights', async () => {
    const { access } = await t.session();
    const narrow = (await create(access, { name: 'narrow', role: 'dispatcher' })).body.data;
    const token = (await exchange(narrow.key)).body.access_token;
    expect(decodeJwt(token).role).toBe('dispatcher');
    expect((await t.as(token, 'GET', '/api/v1/roles')).status).toBe(403);

    const id = await t.user({ email: 'falling@first.example', role: 'service_manager' });
    const session = await t.session('falling@first.example');
    expect((await create(session.access, { name: 'up', role: 'system_admin' })).status).toBe(403);
    const key = (await create(session.access, { name: 'same', role: 'dispatcher' })).body.data.key;
    await t.call('PATCH', `/api/v1/users/${id}`, { as: t.admin, body: { role: 'billing' } });
    const shrunk = decodeJwt((await exchange(key)).body.access_token).permissions as string[];
    expect(shrunk).toContain('ticket:view:all');
    expect(shrunk).not.toContain('ticket:assign');
  });

  it('are refused in every other form', async () => {
    for (const key of ['psa_', 'nonsense', `psa_abcdefgh_${'x'.repeat(43)}`]) {
      const answer = await exchange(key);
      expect(answer.status).toBe(401);
      expect(answer.body.error.code).toBe('TOKEN_INVALID');
    }
    expect((await exchange('')).status).toBe(400);
    const { access } = await t.session();
    expect((await create(access, { name: 'x', role: 'wizard' })).status).toBe(400);
    expect((await create(access, { name: 'x', role: 'customer_user' })).status).toBe(400);
  });

  it('need the password to be made; wrong ones count like failed logins, all at once too', async () => {
    await t.user({ email: 'careless@first.example' });
    const { access } = await t.session('careless@first.example');
    const without = await t.as(access, 'POST', '/api/v1/api-keys', { name: 'x' });
    expect(without.body.error.details).toEqual([
      { field: 'current_password', code: 'required', message: 'is required' },
    ]);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        create(access, { name: 'x', current_password: i === 19 ? PASSWORD : `wrong ${i}` }),
      ),
    );
    const statuses = answers.map((answer) => answer.status);
    expect(statuses.filter((status) => status === 400)).toHaveLength(5);
    expect(statuses.filter((status) => status === 423)).toHaveLength(15);
  });

  it('are twenty at most, and none is made, renamed or revoked by a key', async () => {
    await t.user({ email: 'many@first.example' });
    const { access } = await t.session('many@first.example');
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, i) => create(access, { name: `key ${i}` })),
    );
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(20);
    expect(answers.filter((answer) => answer.status === 409)).toHaveLength(4);
    const { key, id } = answers.find((answer) => answer.status === 201)!.body.data;
    const token = (await exchange(key)).body.access_token;
    expect((await create(token, { name: 'child' })).status).toBe(403);
    expect((await t.as(token, 'PATCH', `/api/v1/api-keys/${id}`, { name: 'other' })).status).toBe(403);
    expect((await t.as(token, 'DELETE', `/api/v1/api-keys/${id}`)).status).toBe(403);
    expect((await t.as(token, 'GET', '/api/v1/api-keys')).status).toBe(200);
  });

  it('end with a new password, unless it is changed and they are kept', async () => {
    await t.user({ email: 'renew@first.example' });
    let session = await t.session('renew@first.example');
    const first = (await create(session.access, { name: 'one' })).body.data;
    const token = (await exchange(first.key)).body.access_token;
    const next = 'Grüne Dächer im Herbstlicht';
    const change = (current_password: string, new_password: string, more = {}) =>
      t.as(session.access, 'POST', '/api/v1/auth/change-password', {
        current_password,
        new_password,
        ...more,
      });
    expect((await change(PASSWORD, next, { keep_api_keys: true })).status).toBe(204);
    expect((await exchange(first.key)).status).toBe(200);
    expect((await change(next, PASSWORD)).status).toBe(204);
    expect((await exchange(first.key)).status).toBe(401);
    expect((await t.as(token, 'GET', '/api/v1/auth/me')).status).toBe(401);
    expect((await t.events('api_key.revoked.v1')).at(-1)!.data).toMatchObject({
      api_key_id: first.id,
      because: 'password_changed',
    });

    session = await t.session('renew@first.example');
    const second = (await create(session.access, { name: 'two' })).body.data;
    await t.as(null, 'POST', '/api/v1/auth/forgot-password', { email: 'renew@first.example' });
    await t.idle();
    const link = await t.mailedToken('renew@first.example');
    await t.as(null, 'POST', '/api/v1/auth/reset-password', { token: link, new_password: next });
    expect((await exchange(second.key)).status).toBe(401);
  });

  it('are seen and revoked by administrators, and by nobody else', async () => {
    const owner = await t.user({ email: 'staff@first.example' });
    const { access } = await t.session('staff@first.example');
    const { key, id } = (await create(access, { name: 'hidden' })).body.data;
    const admin = await t.session();
    const seen = await t.as(admin.access, 'GET', `/api/v1/api-keys?user_id=${owner}`);
    expect(seen.body.data).toMatchObject([{ id, name: 'hidden', user_id: owner, user_name: 'Somebody' }]);
    expect(JSON.stringify(seen.body)).not.toContain(key);
    const all = await t.as(admin.access, 'GET', '/api/v1/api-keys?user_id=all&limit=100&search=hidden');
    expect(all.body.data.map((one: { id: string }) => one.id)).toEqual([id]);
    await create(access, { name: 'Prüfgerät' });
    for (const search of ['pruefgeraet', 'prufgerat some'])
      expect((await t.as(access, 'GET', `/api/v1/api-keys?search=${search}`)).body.data).toMatchObject([
        { name: 'Prüfgerät' },
      ]);
    expect((await t.as(access, 'GET', '/api/v1/api-keys?user_id=all')).status).toBe(403);
    expect((await t.as(access, 'GET', `/api/v1/api-keys?user_id=${owner}`)).status).toBe(200);
    expect((await t.as(access, 'GET', '/api/v1/api-keys?user_id=some')).status).toBe(400);

    await t.user({ email: 'rival@first.example' });
    const rival = await t.session('rival@first.example');
    expect((await t.as(rival.access, 'DELETE', `/api/v1/api-keys/${id}`)).status).toBe(404);
    expect((await t.as(admin.access, 'DELETE', `/api/v1/api-keys/${id}`)).status).toBe(204);
    expect((await exchange(key)).status).toBe(401);
    const told = (await t.events('api_key.revoked.v1')).at(-1)!;
    expect(told).toMatchObject({
      actor: { id: t.tenant.admin_id },
      data: { api_key_id: id, user_id: owner, because: 'administrator' },
    });
  });
});
