import { readFile } from 'node:fs/promises';
import { DEFAULT_ROLES } from '@psa/contracts/permissions';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AuthTest, authTest } from '../auth.test-helper.ts';

let t: AuthTest;
beforeAll(async () => {
  t = await authTest();
});
afterAll(() => t.close());

/** Permissions that came after the first release, and the migration that gives them to roles which were there before. */
const LATER = [
  { permission: 'time:manage', file: '003_manage_time.sql' },
  { permission: 'ticket:export', file: '008_export_tickets.sql' },
] as const;

it.each(LATER)(
  '$permission: the roles of tenants that were there before get it, once, as those of new tenants have it',
  async ({ permission, file }) => {
    const { admin } = t.db;
    const migration = await readFile(new URL(`./migrations/${file}`, import.meta.url), 'utf8');
    await admin`update auth.roles set permissions = array_remove(permissions, ${permission})`;
    const rolesOf = () =>
      admin<{ name: string; permissions: string[]; version: number }[]>`
      select name, permissions, version from auth.roles order by name`;
    const holders = Object.entries(DEFAULT_ROLES)
      .filter(([, role]) => role.permissions.includes(permission))
      .map(([name]) => name);
    expect(holders.length).toBeGreaterThan(0);
    const before = await rolesOf();
    expect(before.map((role) => role.name)).toEqual(expect.arrayContaining(holders));
    for (let run = 0; run < 2; run += 1) {
      await admin.unsafe(migration);
      expect(await rolesOf()).toEqual(
        before.map((role) =>
          holders.includes(role.name)
            ? { ...role, permissions: [...role.permissions, permission], version: role.version + 1 }
            : role,
        ),
      );
    }
  },
);
