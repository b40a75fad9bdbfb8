import { DEFAULT_ROLES } from '@psa/contracts/permissions';
import { revokedUserKey } from '@psa/contracts/tokens';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuthTest, authTest } from '../auth.test-helper.ts';

let t: AuthTest;
beforeAll(async () => {
  t = await authTest();
});
afterAll(() => t.close());

const call = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object, as = t.admin) =>
  t.call(method, `/api/v1/roles${path}`, { as, body });
const title = { de: 'Nachtschicht', en: 'Night shift' };
const create = (name: string, permissions: string[], as = t.admin) =>
  call('POST', '', { name, title, audience: 'staff', permissions }, as);
const idOf = async (name: string) => {
  const { body } = await call('GET', '?limit=100');
  return body.data.find((role: { name: string }) => role.name === name).id as string;
};

describe('roles', () => {
  it('a tenant starts with the default ones, as system roles', async () => {
    const { body } = await call('GET', '?limit=100&sort=name');
    const names = body.data.map((role: { name: string }) => role.name);
    expect(names).toEqual(Object.keys(DEFAULT_ROLES).sort());
    expect(body.data.every((role: { system: boolean }) => role.system)).toBe(true);
    expect((await call('GET', '/permissions')).body.data).toContain('ticket:view:all');
  });

  it('are created, changed and deleted, with row and event', async () => {
    const created = await create('night_shift', ['ticket:view:all', 'ticket:comment']);
    expect(created.status).toBe(201);
    const role = created.body.data;
    expect(role).toMatchObject({ name: 'night_shift', title, system: false, version: 1 });
    const [row] = await t.db.admin`select tenant_id, permissions from auth.roles where id = ${role.id}`;
    expect(row).toEqual({
      tenant_id: t.tenant.tenant_id,
      permissions: ['ticket:view:all', 'ticket:comment'],
    });
    expect((await t.events('role.created.v1')).at(-1)!.data).toMatchObject({ role_id: role.id });
    expect((await create('night_shift', [])).status).toBe(409);
    const changed = await call('PATCH', `/${role.id}`, { permissions: ['ticket:view:all'] });
    expect(changed.body.data).toMatchObject({ permissions: ['ticket:view:all'], version: 2 });
    expect(changed.headers.etag).toBe('"2"');
    expect((await call('DELETE', `/${role.id}`)).status).toBe(204);
    expect((await call('GET', `/${role.id}`)).status).toBe(404);
    expect((await t.events('role.deleted.v1')).at(-1)!.data).toEqual({
      role_id: role.id,
      name: 'night_shift',
    });
    expect((await create('night_shift', [])).status).toBe(201);
  });

  it('are found in every spelling of their title, as everything else is', async () => {
    const body = {
      name: 'watch',
      title: { de: 'Überwachung', en: 'Watch' },
      audience: 'staff',
      permissions: [],
    };
    expect((await call('POST', '', body)).status).toBe(201);
    for (const search of ['ueberwachung', 'uberwach', 'ÜBERWACHUNG', 'watch']) {
      const found = await call('GET', `?search=${encodeURIComponent(search)}`);
      expect([search, found.body.data.map((role: { name: string }) => role.name)]).toEqual([
        search,
        ['watch'],
      ]);
    }
  });

  it('refuse unknown permissions by their place', async () => {
    const answer = await create('odd', ['ticket:create', 'ticket:fly', 'moon:*']);
    expect(answer.status).toBe(400);
    expect(answer.body.error.details.map((d: { field: string }) => d.field)).toEqual([
      'permissions[1]',
      'permissions[2]',
    ]);
  });

  it('system roles cannot be deleted, and the administrator keeps everything', async () => {
    const refused = await call('DELETE', `/${await idOf('dispatcher')}`);
    expect([refused.status, refused.body.error.reason]).toEqual([409, 'platform_role']);
    const admin = await idOf('system_admin');
    expect((await call('PATCH', `/${admin}`, { permissions: ['ticket:view:all'] })).status).toBe(409);
    expect((await call('PATCH', `/${admin}`, { title })).status).toBe(200);
  });

  it('a role that somebody holds cannot be deleted', async () => {
    const id = (await create('held', ['ticket:create'])).body.data.id;
    const user = await t.user({ email: 'holder@first.example', role: 'held' });
    expect((await call('DELETE', `/${id}`)).status).toBe(409);
    await t.call('PATCH', `/api/v1/users/${user}`, { as: t.admin, body: { role: 'billing' } });
    expect((await call('DELETE', `/${id}`)).status).toBe(204);
  });

  it('deleting a role while somebody gets it never leaves a user without one', async () => {
    const id = (await create('contested', ['ticket:create'])).body.data.id;
    const [user] = await Promise.all([
      t.call('POST', '/api/v1/users', {
        as: t.admin,
        body: { email: 'contested@first.example', name: 'Con Tested', role: 'contested' },
      }),
      call('DELETE', `/${id}`),
    ]);
    const rows = await t.db.admin`
      select 1 from auth.users u join auth.roles r on r.tenant_id = u.tenant_id and r.id = u.role_id
      where u.deleted_at is null and r.deleted_at is not null`;
    expect(rows).toHaveLength(0);
    expect([201, 400]).toContain(user.status);
  });

  it('nobody gives permissions that they do not hold; taking away is free', async () => {
    const as = { ...t.admin, role: 'hr', permissions: ['role:manage', 'role:view', 'ticket:*'] };
    expect((await create('fine', ['ticket:create', 'ticket:*'], as)).status).toBe(201);
    const refused = await create('too_much', ['ticket:create', 'user:create'], as);
    expect(refused.status).toBe(403);
    expect(refused.body.error.message).toContain('user:create');
    expect((await create('far_too_much', ['*'], as)).status).toBe(403);
    const dispatcher = await idOf('dispatcher');
    const held = DEFAULT_ROLES.dispatcher!.permissions;
    expect(
      (await call('PATCH', `/${dispatcher}`, { permissions: [...held, 'role:manage', 'audit:view'] }, as))
        .status,
    ).toBe(403);
    const fewer = [...new Set(held)].filter((name) => name !== 'customer:create');
    expect((await call('PATCH', `/${dispatcher}`, { permissions: fewer }, as)).status).toBe(200);
    expect(
      (await call('PATCH', `/${dispatcher}`, { permissions: [...fewer, 'customer:create'] }, as)).status,
    ).toBe(403);
  });

  it('a change reaches those who are signed in', async () => {
    const id = (await create('watched', ['ticket:create'])).body.data.id;
    const user = await t.user({ email: 'watched@first.example', role: 'watched' });
    const { access, refresh } = await t.session('watched@first.example');
    await call('PATCH', `/${id}`, { permissions: ['ticket:create', 'customer:view'] });
    expect(await t.deps.cache.get(revokedUserKey(user))).not.toBeNull();
    expect((await t.as(access, 'GET', '/api/v1/auth/me')).status).toBe(401);
    const fresh = await t.as(null, 'POST', '/api/v1/auth/refresh', { refresh_token: refresh });
    expect(fresh.body.data.user.permissions).toEqual(['ticket:create', 'customer:view', 'self:manage']);
  });
});
