import { type TestDatabase, testDatabase } from '@psa/test-kit/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COUNT_ROWS, differingRows } from './rows.ts';

describe('the rows of every table', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database?.drop());

  it('are counted whatever row security says, the parts of a table each for itself', async () => {
    const { admin } = database;
    await admin.unsafe(`CREATE SCHEMA odd;
      CREATE TABLE odd."A|b" (n int); INSERT INTO odd."A|b" SELECT generate_series(1, 7);
      ALTER TABLE odd."A|b" ENABLE ROW LEVEL SECURITY; ALTER TABLE odd."A|b" FORCE ROW LEVEL SECURITY;
      CREATE TABLE odd.whole (d date) PARTITION BY RANGE (d);
      CREATE TABLE odd.part PARTITION OF odd.whole FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
      INSERT INTO odd.whole VALUES ('2026-05-05');`);
    const rows = await admin.unsafe<{ format: string; xpath: string }[]>(COUNT_ROWS).values();
    const counted = new Map(rows.map(([table, count]) => [String(table), Number(count)]));
    expect(counted.get('odd."A|b"')).toBe(7);
    expect(counted.get('odd.part')).toBe(1);
    expect(counted.has('odd.whole')).toBe(false);
    for (const table of ['tickets.tickets', 'crm.customers']) expect(counted.get(table), table).toBe(0);
  });

  it('differ by number, and by tables that only one has', () => {
    const a = new Map([
      ['tickets.tickets', 3],
      ['crm.customers', 1],
    ]);
    expect(differingRows(a, new Map(a))).toEqual([]);
    expect(differingRows(a, new Map([['tickets.tickets', 4]]))).toEqual([
      'tickets.tickets: 3 and 4',
      'crm.customers: 1 and none',
    ]);
  });
});
