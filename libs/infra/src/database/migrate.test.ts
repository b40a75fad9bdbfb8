import { type TestDatabase, testDatabase } from '@psa/test-kit/database';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrate, NewerDatabase } from './migrate.ts';

const SETS = [
  { service: 'crm', folder: new URL('../../../../services/crm/src/db/migrations/', import.meta.url) },
];

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.drop());

it('does nothing where everything is there', async () => {
  expect(await migrate(db.admin, SETS)).toEqual([]);
});

it('refuses a database that a newer release has migrated, and names the migration', async () => {
  await db.admin`insert into psa.migrations (service, name, checksum) values ('crm', '099_later.sql', 'x')`;
  const refused = await migrate(db.admin, SETS).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(NewerDatabase);
  expect((refused as Error).message).toContain('crm/099_later.sql');
});

it('refuses a file that was changed after it was applied', async () => {
  await db.admin`delete from psa.migrations where name = '099_later.sql'`;
  await db.admin`update psa.migrations set checksum = 'x' where service = 'crm' and name = '000_kit.sql'`;
  await expect(migrate(db.admin, SETS)).rejects.toThrow('crm/000_kit.sql was changed after it was applied');
});
