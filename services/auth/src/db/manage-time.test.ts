import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AuthTest, authTest } from '../auth.test-helper.ts';

let t: AuthTest;
beforeAll(async () => {
  t = await authTest();
});
afterAll(() => t.close());

it('service managers of tenants that were there before get time:manage, once, and nobody else does', async () => {
  const { admin } = t.db;
  const migration = await readFile(new URL('./migrations/003_manage_time.sql', import.meta.url), 'utf8');
  await admin`update auth.roles set permissions = array_remove(permissions, 'time:manage')`;
  const rolesOf = () =>
    admin<{ name: string; permissions: string[]; version: number }[]>`
      select name, permissions, version from auth.roles order by name`;
  const before = await rolesOf();
  expect(before.map((role) => role.name)).toContain('service_manager');
  for (let run = 0; run < 2; run += 1) {
    await admin.unsafe(migration);
    expect(await rolesOf()).toEqual(
      before.map((role) =>
        role.name === 'service_manager'
          ? { ...role, permissions: [...role.permissions, 'time:manage'], version: role.version + 1 }
          : role,
      ),
    );
  }
});
