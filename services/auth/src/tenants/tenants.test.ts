import { DEFAULT_ROLES } from '@psa/contracts/permissions';
import { testService } from '@psa/test-kit/service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authService } from '../app.ts';
import { type AuthTest, authTest, PASSWORD } from '../auth.test-helper.ts';
import { createTenant, ensureSetupToken } from './service.ts';

const first = { tenant_name: 'Erste IT', name: 'Ada Admin', email: 'ada@first.example', password: PASSWORD };

describe('set-up', () => {
  it('happens once, with the newest token, and then never again', async () => {
    const t = await testService(authService);
    const setUp = (token: string, change = {}) =>
      t.call('POST', '/api/v1/auth/setup', { as: null, body: { ...first, token, ...change } });
    const needed = async () => (await t.call('GET', '/api/v1/auth/setup', { as: null })).body.data.needed;
    try {
      expect(await needed()).toBe(true);
      const old = (await ensureSetupToken(t.deps))!;
      const token = (await ensureSetupToken(t.deps))!;
      const stored = JSON.stringify(
        await t.db.admin`select encode(hash, 'escape') as hash from auth.setup_tokens`,
      );
      expect(stored).not.toContain(token);
      expect((await setUp(old)).status).toBe(400);
      expect((await setUp('x'.repeat(43))).body.error.details[0].field).toBe('token');
      expect((await setUp(token, { password: 'short' })).body.error.details[0].field).toBe('password');
      expect((await setUp(token, { password: 'ErsteIT ErsteIT' })).status).toBe(400);

      const both = await Promise.all([setUp(token), setUp(token, { email: 'bob@first.example' })]);
      expect(both.map((a) => a.status).sort()).toEqual([201, 409]);
      const [tenant] = await t.db.admin`select tenant_id, name from auth.tenants`;
      expect(tenant!.name).toBe('Erste IT');
      const events = await t.outbox();
      expect(events.map((e) => e.type)).toEqual(['tenant.created.v1', 'user.created.v1']);
      expect(events[0]).toMatchObject({
        tenant_id: tenant!.tenant_id,
        data: { tenant_id: tenant!.tenant_id, name: 'Erste IT' },
      });
      const roles = await t.db.admin`select name, system from auth.roles`;
      expect(roles.map((role) => role.name).sort()).toEqual(Object.keys(DEFAULT_ROLES).sort());
      expect(await needed()).toBe(false);
      expect(await ensureSetupToken(t.deps)).toBeNull();
      expect((await setUp(token)).status).toBe(409);
      const email = events[1]!.data.email;
      const login = await t.call('POST', '/api/v1/auth/login', {
        as: null,
        body: { email, password: PASSWORD },
      });
      expect(login.body.data.user).toMatchObject({ role: 'system_admin', tenant_name: 'Erste IT' });
    } finally {
      await t.close();
    }
  });

  it('waits a week for its token', async () => {
    const t = await testService(authService);
    try {
      const token = (await ensureSetupToken(t.deps))!;
      t.clock.advance({ days: 7, seconds: 1 });
      const late = await t.call('POST', '/api/v1/auth/setup', { as: null, body: { ...first, token } });
      expect(late.status).toBe(400);
    } finally {
      await t.close();
    }
  });
});

describe('isolation', () => {
  let t: AuthTest;
  let foreign: { tid: string; sub: string; role: string };
  beforeAll(async () => {
    t = await authTest();
    const other = await createTenant(t.deps, {
      name: 'Zweite IT',
      admin: { email: 'admin@second.example', name: 'Bea', password: PASSWORD },
    });
    foreign = { tid: other.tenant_id, sub: other.admin_id, role: 'system_admin' };
  });
  afterAll(() => t.close());

  it('another tenant sees and changes nothing by any route', async () => {
    const user = await t.user({ email: 'ours@first.example' });
    const { access } = await t.session();
    const key = (await t.as(access, 'POST', '/api/v1/api-keys', { name: 'ours', current_password: PASSWORD }))
      .body.data.id;
    const roles = await t.call('GET', '/api/v1/roles?limit=100', { as: t.admin });
    const role = roles.body.data[0].id;
    for (const url of [`/api/v1/users/${user}`, `/api/v1/roles/${role}`, `/api/v1/api-keys/${key}`]) {
      expect((await t.call('GET', url, { as: foreign })).status, url).toBe(404);
      const body = url.includes('roles') ? { title: { de: 'x', en: 'x' } } : { name: 'x' };
      expect((await t.call('PATCH', url, { as: foreign, body })).status, url).toBe(404);
      expect((await t.call('DELETE', url, { as: foreign })).status, url).toBe(404);
    }
    const users = await t.call('GET', '/api/v1/users', { as: foreign });
    expect(users.body.data.map((one: { id: string }) => one.id)).toEqual([foreign.sub]);
    // A last administrator of one tenant is not helped by those of another.
    const demote = await t.call('PATCH', `/api/v1/users/${foreign.sub}`, {
      as: foreign,
      body: { role: 'billing' },
    });
    expect(demote.status).toBe(409);
  });

  it('an e-mail address is taken for every tenant', async () => {
    const answer = await t.call('POST', '/api/v1/users', {
      as: foreign,
      body: { email: t.email.toUpperCase(), name: 'Copy', role: 'billing' },
    });
    expect(answer.status).toBe(409);
  });

  it('no table shows anything of a tenant to another, to nobody, or to a foreign customer', async () => {
    await t.session();
    await t.as((await t.session()).access, 'POST', '/api/v1/api-keys', { name: 'row' });
    const tables = await t.db.admin<{ name: string; has_tenant: boolean }[]>`
      select c.relname as name, exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id'
        and not a.attisdropped) as has_tenant
      from pg_class c where c.relnamespace = 'auth'::regnamespace and c.relkind in ('r', 'p')`;
    expect(tables.length).toBeGreaterThan(12);
    const rows = (scope: { tenant_id: string; customer_id: string | null }, table: string) =>
      t.deps.db.read(scope, (tx) => tx.sql`select * from ${tx.sql(table)}`);
    const nobody = '00000000-0000-7000-8000-000000000000';
    let seenByOwner = 0;
    for (const { name, has_tenant } of tables) {
      for (const scope of [
        { tenant_id: foreign.tid, customer_id: null },
        { tenant_id: nobody, customer_id: null },
      ]) {
        const seen = await rows(scope, name);
        const leaked = seen.filter((row) => !has_tenant || row.tenant_id !== scope.tenant_id);
        expect(leaked, name).toHaveLength(0);
      }
      // Settings of the tenant are for all its people; whatever belongs to persons is not.
      if (!['tenants', 'roles'].includes(name)) {
        const customer = await rows({ tenant_id: t.tenant.tenant_id, customer_id: nobody }, name);
        expect(customer, name).toHaveLength(0);
      }
      seenByOwner += (await rows({ tenant_id: t.tenant.tenant_id, customer_id: null }, name)).length;
    }
    expect(seenByOwner).toBeGreaterThan(10);
  });

  it('writes into another tenant are refused by the database', async () => {
    const write = t.deps.db.tx(
      { tenant_id: foreign.tid, customer_id: null },
      (tx) =>
        tx.sql`insert into tenants (tenant_id, name, created_at, updated_at)
        values (gen_random_uuid(), 'Fake', now(), now())`,
    );
    await expect(write).rejects.toMatchObject({ code: '42501' });
  });

  it('the look-ups across tenants are for this service alone and have a fixed search path', async () => {
    const functions = await t.db.admin<{ name: string; owner: string; config: string[]; acl: string }[]>`
      select p.proname as name, r.rolname as owner, p.proconfig as config, p.proacl::text as acl
      from pg_proc p join pg_roles r on r.oid = p.proowner
      where p.pronamespace = 'auth'::regnamespace and p.prosecdef order by 1`;
    expect(functions.map((f) => f.name)).toEqual([
      'find_api_key',
      'find_password_token',
      'find_refresh_token',
      'find_user_by_email',
      'take_setup_token',
      'tenant_exists',
    ]);
    for (const f of functions) {
      expect(f.owner, f.name).toBe('psa_owner');
      expect(f.config, f.name).toEqual(['search_path=auth, pg_temp']);
      expect(f.acl.replace(/[{}]/g, '').split(',').sort(), f.name).toEqual([
        'psa_auth=X/psa_owner',
        'psa_owner=X/psa_owner',
      ]);
    }
  });
});
