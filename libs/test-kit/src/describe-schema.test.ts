import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestDatabase, testDatabase } from './database.ts';
import { describeSchema } from './describe-schema.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.drop());

it.each([
  ['a column', 'alter table crm.sites add column floor text'],
  ['a default', `alter table crm.sites alter column version set default 2`],
  ['a column that may be empty', 'alter table crm.sites alter column name drop not null'],
  ['a check', `alter table crm.sites add constraint named check (name <> '')`],
  ['an index', 'create index on crm.sites (tenant_id, name)'],
  ['a table that is not forced', 'alter table crm.sites no force row level security'],
  ['a policy that says something else', `alter policy tenant_isolation on crm.sites using (true)`],
  ['a policy', 'drop policy tenant_isolation on crm.sites'],
  ['a right on a column', 'grant select (name) on crm.sites to psa_search'],
  ['a right on a table', 'revoke delete on crm.sites from psa_crm'],
  ['a right of somebody else', 'grant select on crm.sites to psa_auth'],
  ['a right to a function', 'grant execute on function crm.search_candidates to public'],
  [
    'whose rights a function has',
    'alter function crm.search_candidates(text, text, text, integer) security invoker',
  ],
  ['a view', 'create view crm.names as select name from crm.sites'],
  ['an enumeration', `create type crm.colour as enum ('red', 'green')`],
  [
    'a trigger',
    `create trigger t before update on crm.sites execute function suppress_redundant_updates_trigger()`,
  ],
])('the description of a schema shows %s', async (_what, change) => {
  const before = await describeSchema(db.admin, 'crm');
  await db.admin.unsafe(change);
  expect(await describeSchema(db.admin, 'crm')).not.toBe(before);
});
