import { type TestDatabase, testDatabase } from '@psa/test-kit/database';
import { describeSchema } from '@psa/test-kit/describe-schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFINITIONS } from './definitions.ts';

// A change of a table, a policy or a right shows in review as a change of these files. `npm run golden` writes them.
describe('the schema that the migrations make', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await testDatabase();
  });
  afterAll(() => db.drop());

  it.each(Object.keys(DEFINITIONS))('of %s is its schema.sql', async (service) => {
    const schema = await describeSchema(db.admin, service);
    expect(schema).toContain(`create table ${service}.outbox (`);
    await expect(schema, 'written by `npm run golden`').toMatchFileSnapshot(
      `../../services/${service}/schema.sql`,
    );
  });
});
