import { randomUUID } from 'node:crypto';
import { type TestDatabase, testDatabase } from '@psa/test-kit/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

describe('psa.protect, mode customer', () => {
  let db: TestDatabase;
  const tenant = randomUUID();
  const [mine, other] = [randomUUID(), randomUUID()];

  beforeAll(async () => {
    db = await testDatabase();
    await db.admin.unsafe(`
      create table crm.things (tenant_id uuid not null, id uuid default gen_random_uuid(), customer_id uuid, visibility text not null);
      call psa.protect('crm.things', 'customer', 'visibility = ''public''');
      grant select, insert on crm.things to psa_crm`);
    await db.admin`
      insert into crm.things (tenant_id, customer_id, visibility)
      select ${tenant}, case when n % 2 = 0 then ${mine}::uuid else ${other}::uuid end, 'public'
      from generate_series(1, 4000) n`;
    await db.admin`
      insert into crm.things (tenant_id, customer_id, visibility) values
        (${tenant}, ${mine}, 'internal'), (${tenant}, null, 'public'), (${randomUUID()}, ${mine}, 'public')`;
    await db.admin`analyze crm.things`;
  });
  afterAll(() => db.drop());

  const count = (tenant_id: string, customer_id: string | null) =>
    db.databaseFor('crm').read({ tenant_id, customer_id }, async ({ sql }) => {
      const [row] = await sql<{ n: number }[]>`select count(*)::int as n from crm.things`;
      return row!.n;
    });

  it('shows staff all of the tenant, portal users the public rows of their customer, strangers nothing', async () => {
    expect(await count(tenant, null)).toBe(4002);
    expect(await count(tenant, mine)).toBe(2000);
    expect(await count(tenant, randomUUID())).toBe(0);
    expect(await count(randomUUID(), null)).toBe(0);
  });

  it('keeps portal users from writing for another customer', async () => {
    const insert = (customer_id: string) =>
      db.databaseFor('crm').tx(
        { tenant_id: tenant, customer_id: mine },
        ({ sql }) => sql`
          insert into crm.things (tenant_id, customer_id, visibility) values (${tenant}, ${customer_id}, 'public')`,
      );
    await expect(insert(other)).rejects.toThrow(/row-level security/);
    await expect(insert(mine)).resolves.toBeDefined();
  });

  it('lets the planner expect many rows for staff, so that it reads lists in index order', async () => {
    const expected = await db
      .databaseFor('crm')
      .read({ tenant_id: tenant, customer_id: null }, async ({ sql }) => {
        const [row] = await sql.unsafe(
          'explain (format json) select * from crm.things where tenant_id = $1',
          [tenant],
        );
        const [{ Plan }] = row!['QUERY PLAN'] as [{ Plan: { 'Plan Rows': number } }];
        return Plan['Plan Rows'];
      });
    expect(expected).toBeGreaterThan(1000);
  });
});

describe('functions with the owner’s rights', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await testDatabase();
  });
  afterAll(() => db.drop());

  /** Functions past row-level security whose names could be bent, or that somebody but their service may run. */
  const loose = () =>
    db.admin<{ name: string }[]>`
      select n.nspname || '.' || p.proname as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where p.prosecdef and n.nspname not like 'pg\\_%' and (
        -- Schemas where no service may make anything, and the session's own last: it may make things there.
        not exists (
          select from unnest(p.proconfig) as setting
          where setting ~ ('^search_path=((pg_catalog|psa|public|' || n.nspname || '), )+pg_temp$'))
        or exists (
          select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
          left join pg_roles r on r.oid = a.grantee
          where a.privilege_type = 'EXECUTE' and r.rolname is distinct from 'psa_owner'
            and r.rolname is distinct from 'psa_' || n.nspname))`;

  it('pin their search path and are run by the role of their service alone', async () => {
    expect(await loose()).toEqual([]);
    await db.admin.unsafe(`
      create function crm.unpinned() returns int language sql security definer as 'select 1';
      revoke all on function crm.unpinned() from public;
      create function crm.public() returns int language sql security definer
        set search_path = pg_catalog, pg_temp as 'select 1'`);
    expect((await loose()).map(({ name }) => name).sort()).toEqual(['crm.public', 'crm.unpinned']);
  });
});
