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
