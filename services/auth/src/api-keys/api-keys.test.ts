import { createHash } from 'node:crypto';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuthTest, authTest } from '../auth.test-helper.ts';

let t: AuthTest;
beforeAll(async () => {
  t = await authTest();
});
afterAll(() => t.close());

const exchange = (api_key: string) => t.as(null, 'POST', '/internal/api-keys/exchange', { api_key });
const create = (token: string, body: object) => t.as(token, 'POST', '/api/v1/api-keys', body);

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
    expect((await t.events('api_key.created.v1')).at(-1)!.data).toEqual({ api_key_id: id, name: 'psactl' });
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
    for (const method of ['GET', 'DELETE'] as const) {
      expect((await t.as(other.access, method, `/api/v1/api-keys/${id}`)).status).toBe(404);
    }
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
    // A key made with the narrow key would have the owner's rights: refused.
    expect((await create(token, { name: 'wide' })).status).toBe(403);

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
    for (const key of ['psa_', 'nonsense', `psa_abcdefgh_${'x'.repeat(43)}`, '\u0000']) {
      const answer = await exchange(key);
      expect(answer.status).toBe(401);
      expect(answer.body.error.code).toBe('TOKEN_INVALID');
    }
    expect((await exchange('')).status).toBe(400);
    const { access } = await t.session();
    expect((await create(access, { name: 'x', role: 'wizard' })).status).toBe(400);
    expect((await create(access, { name: 'x', role: 'customer_user' })).status).toBe(400);
  });
});
