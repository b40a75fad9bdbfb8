import { randomUUID } from 'node:crypto';
import { migrate } from '@psa/infra/database/migrate';
import { provision } from '@psa/infra/database/provision';
import { type TestDatabase, testDatabase } from '@psa/test-kit/database';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Scope } from './context.ts';
import { systemContext } from './context.ts';
import { Database, type Tx, toIso } from './database.ts';
import { systemIds } from './ids.ts';
import { once, onceEach } from './inbox.ts';
import { envelope } from './outbox.ts';
import { inSavepoint } from './transaction.ts';

const fixtures = { service: 'kit_test', folder: new URL('./fixtures/', import.meta.url) };
const [A, B, C1, C2] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()] as [
  string,
  string,
  string,
  string,
];
const staffA: Scope = { tenant_id: A, customer_id: null };
const staffB: Scope = { tenant_id: B, customer_id: null };
const portal1: Scope = { tenant_id: A, customer_id: C1 };

let test: TestDatabase;
let db: Database;
beforeAll(async () => {
  test = await testDatabase();
  await provision(test.admin, [{ service: 'kit_test', password: inject('rolePassword') }]);
  await migrate(test.admin, [fixtures]);
  db = test.databaseFor('kit_test');
  for (const [tenant, customer, name, secret] of [
    [A, C1, 'open', false],
    [A, C1, 'internal', true],
    [A, C2, 'other customer', false],
    [A, null, 'of nobody', false],
    [B, C1, 'foreign', false],
  ] as const) {
    await test.admin`insert into kit_test.things (tenant_id, id, customer_id, name, secret) values (${tenant}, ${randomUUID()}, ${customer}, ${name}, ${secret})`;
  }
  await test.admin`insert into kit_test.settings values (${A}, 's'), (${B}, 's')`;
  await test.admin`insert into kit_test.notes values (${A}, 'n'), (${B}, 'n')`;
});
afterAll(() => test.drop());

const names = (scope: Scope) =>
  db.read(scope, async (tx) =>
    (await tx.sql`select name from things order by name`).map((row) => row.name as string),
  );

it('drizzle works in the same transaction, under the same policies', async () => {
  const rows = await db.read(portal1, (tx) => tx.orm.execute('select name from kit_test.things'));
  expect(rows.map((row) => row.name)).toEqual(['open']);
});

describe('row-level security', () => {
  it('staff see their tenant, and nothing of another', async () => {
    expect(await names(staffA)).toEqual(['internal', 'of nobody', 'open', 'other customer']);
    expect(await names(staffB)).toEqual(['foreign']);
  });

  it('a portal user sees its customer, without what is marked internal', async () => {
    expect(await names(portal1)).toEqual(['open']);
    const others = await db.read(portal1, async (tx) => [
      (await tx.sql`select from notes`).length,
      (await tx.sql`select from settings`).length,
    ]);
    expect(others).toEqual([0, 1]);
  });

  it('without a tenant nothing is seen, not even by the platform itself', async () => {
    expect(await db.system(async (tx) => (await tx.sql`select from things`).length)).toBe(0);
  });

  it('settings end with their transaction, also on a pooled connection', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, i) => names(i % 2 ? staffA : staffB)));
    expect(
      await db.system(async (tx) => (await tx.sql`select current_setting('psa.tenant_id', true) as t`)[0]?.t),
    ).toBeFalsy();
  });

  it('writing into another tenant or customer is refused', async () => {
    const insert = (scope: Scope, tenant: string, customer: string | null) =>
      db.tx(
        scope,
        (tx) =>
          tx.sql`insert into things (tenant_id, id, customer_id, name) values (${tenant}, ${randomUUID()}, ${customer}, 'x')`,
      );
    await expect(insert(staffA, B, null)).rejects.toThrow(/row-level security/);
    await expect(insert(portal1, A, C2)).rejects.toThrow(/row-level security/);
    await expect(insert(portal1, A, null)).rejects.toThrow(/row-level security/);
  });

  it('a service role reaches no other schema and makes no tables', async () => {
    await expect(db.tx(staffA, (tx) => tx.sql`create table kit_test.mine (x int)`)).rejects.toThrow(
      /permission denied/,
    );
    await expect(db.tx(staffA, (tx) => tx.sql`select from psa.migrations`)).rejects.toThrow(
      /permission denied/,
    );
    await expect(db.tx(staffA, (tx) => tx.sql`set role psa_owner`)).rejects.toThrow(/permission denied/);
  });
});

describe('the last statements of a reading transaction', () => {
  const lastNames = (scope: Scope) =>
    db.read(scope, async (tx) => {
      const [names, [count]] = await tx.last(
        tx.sql<{ name: string }[]>`select name from things order by name`,
        tx.sql<{ n: number }[]>`select count(*)::int as n from things`,
      );
      return [names.map((row) => row.name), count!.n];
    });

  it('answer by the rules of row-level security, many at once too', async () => {
    const seen = await names(staffA);
    for (const answer of await Promise.all(Array.from({ length: 50 }, () => lastNames(staffA))))
      expect(answer).toEqual([seen, seen.length]);
  });

  it('leave nothing that could be asked afterwards', async () => {
    const asked = db.read(staffA, async (tx) => {
      await tx.last(tx.sql`select 1`);
      return tx.sql`select name from things`;
    });
    await expect(asked).rejects.toMatchObject({ code: 'TRANSACTION_OVER' });
    expect((await lastNames(staffA))[1]).toBeGreaterThan(0);
  });

  it('fail with their error, and leave the connection as it was', async () => {
    const failing = db.read(staffA, (tx) =>
      tx.last(tx.sql`select 1`, tx.sql`select 1 / (select 0)`, tx.sql`select 2`),
    );
    await expect(failing).rejects.toMatchObject({ code: '22012' });
    await Promise.all(Array.from({ length: 20 }, () => lastNames(staffA)));
  });

  it('fail rather than find nothing where the table has changed under a prepared statement', async () => {
    const one = new Database({ url: test.urlFor('kit_test'), max: 1 });
    const ask = () => one.read(staffA, async (tx) => (await tx.last(tx.sql`select * from changing`))[0]);
    await test.admin.unsafe(`
      create table kit_test.changing (tenant_id uuid not null, n int);
      insert into kit_test.changing values ('${A}', 1);
      call psa.protect('kit_test.changing', 'staff');
      grant select on kit_test.changing to psa_kit_test`);
    expect(await ask()).toHaveLength(1);
    await test.admin.unsafe('alter table kit_test.changing add column more int');
    await expect(ask()).rejects.toMatchObject({ code: '0A000' });
    expect(await ask()).toHaveLength(1);
    await one.close();
  });
});

describe('statements that travel with COMMIT', () => {
  const note = (tx: Tx, text: string) =>
    tx.send(tx.sql`insert into notes (tenant_id, note) values (${A}, ${text})`);
  const notes = async (like: string) =>
    (await test.admin`select note from kit_test.notes where note like ${like} order by note`).map(
      (row) => row.note as string,
    );

  it('are committed in their order, before what follows the commit', async () => {
    let seen: string[] = [];
    await db.tx(staffA, async (tx) => {
      note(tx, 'sent 1');
      tx.send(tx.sql`update notes set note = 'sent 2' where note = 'sent 1'`);
      tx.afterCommit(() => void (seen = ['committed']));
    });
    expect(seen).toEqual(['committed']);
    expect(await notes('sent%')).toEqual(['sent 2']);
  });

  it.each([1, 2, 3])(
    'undo everything when the one of %i fails, and the transaction fails with its error',
    async (bad) => {
      let committed = false;
      const failing = db.tx(staffA, async (tx) => {
        for (const n of [1, 2, 3]) note(tx, n === bad ? 'n' : `lost ${n}`);
        tx.afterCommit(() => void (committed = true));
      });
      await expect(failing).rejects.toMatchObject({ code: '23505' });
      expect(committed).toBe(false);
      expect(await notes('lost%')).toEqual([]);
      // Its connection serves others.
      await Promise.all(Array.from({ length: 20 }, () => names(staffA)));
    },
  );

  it('undo the savepoint alone', async () => {
    await db.tx(staffA, async (tx) => {
      note(tx, 'kept 1');
      await expect(inSavepoint(tx, async (inner) => note(inner, 'n'))).rejects.toMatchObject({
        code: '23505',
      });
      await inSavepoint(tx, async (inner) => note(inner, 'kept 2'));
    });
    expect(await notes('kept%')).toEqual(['kept 1', 'kept 2']);
  });
});

describe('migrate', () => {
  it('does nothing the second time, also when two run at once', async () => {
    const runs = await Promise.all([migrate(test.admin, [fixtures]), migrate(test.admin, [fixtures])]);
    expect(runs).toEqual([[], []]);
  });

  it('refuses a file that changed after it was applied', async () => {
    await test.admin`update psa.migrations set checksum = 'other' where service = 'kit_test' and name = '001_things.sql'`;
    await expect(migrate(test.admin, [fixtures])).rejects.toThrow('kit_test/001_things.sql was changed');
    await test.admin`delete from psa.migrations where service = 'kit_test' and name = '001_things.sql'`;
    // Applying it anew fails on the table that is there: the transaction leaves nothing behind.
    await expect(migrate(test.admin, [fixtures])).rejects.toThrow(/already exists/);
    expect(
      await test.admin`select from psa.migrations where service = 'kit_test' and name = '001_things.sql'`,
    ).toHaveLength(0);
  });
});

it('times read as RFC 3339 to the millisecond, however the server writes them', async () => {
  const times = [
    ...[
      '2026-03-02T09:00:00Z',
      '2026-03-02T09:00:00.1Z',
      '2026-03-02T09:00:00.12Z',
      '2026-03-02T09:00:00.123Z',
    ],
    ...['2026-03-02T09:00:00.120Z', '2026-12-31T23:59:59.999999Z', '0999-03-02T09:00:00.5Z'],
    ...['+012026-03-02T09:00:00Z', '+012026-03-02T09:00:00.12Z', '+012026-03-02T09:00:00.123Z'],
  ];
  const rows = await db.read(
    { tenant_id: A, customer_id: null },
    ({ sql }) =>
      sql<{ at: string }[]>`
      select u::timestamptz as at from unnest(${times.map((time) => time.replace(/^\+0/, ''))}::text[]) u`,
  );
  expect(rows.map(({ at }) => toIso(at))).toEqual(
    times.map((time) => new Date(time.replace(/(\.\d{3})\d+/, '$1')).toISOString()),
  );
});

describe('inbox', () => {
  const event = (tenant: string) =>
    envelope(
      systemContext(tenant, 'req_test_1'),
      { type: 'system.test_published.v1', aggregate: { type: 'test', id: 'x' }, data: { message: 'm' } },
      systemIds,
      new Date(0),
    );

  it('applies an event once, however often and however parallel it comes', async () => {
    const one = event(A);
    let applied = 0;
    const apply = async () => void applied++;
    await Promise.all(Array.from({ length: 5 }, () => once(db, 'c', one, apply)));
    expect(applied).toBe(1);
    expect(await once(db, 'another consumer', one, apply)).toBe(true);
  });

  it('forgets nothing when the effect fails: the next delivery applies it', async () => {
    const one = event(A);
    await expect(
      once(db, 'c', one, async () => {
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await once(db, 'c', one, async () => {})).toBe(true);
  });

  it('batches: each tenant in its own scope, duplicates within and before left out, order kept', async () => {
    const [a1, a2, b1] = [event(A), event(A), event(B)] as const;
    await once(db, 'batch', a2, async () => {});
    const seen: string[] = [];
    await onceEach(db, 'batch', [a1, b1, a2, a1], async (tx, fresh, tenant) => {
      const [row] = await tx.sql`select psa.tenant_id() as t`;
      expect(row!.t).toBe(tenant);
      seen.push(...fresh.map((one) => one.id));
    });
    expect(seen.sort()).toEqual([a1.id, b1.id].sort());
  });
});
