import { DEFAULT_ROLES, grants, PERMISSIONS } from '@psa/contracts/permissions';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beyond, covers, intersect, isPermission, permissionProblems } from './domain.ts';

const wildcards = ['*', ...new Set(PERMISSIONS.map((name) => `${name.split(':')[0]}:*`))];
const anyPermission = fc.constantFrom(...PERMISSIONS, ...wildcards);
const anySet = fc.uniqueArray(anyPermission, { maxLength: 8 });
const allowed = (held: readonly string[]) => PERMISSIONS.filter((name) => grants(new Set(held), name));

describe('permissions of roles', () => {
  it('knows names and wildcards', () => {
    for (const name of [...PERMISSIONS, ...wildcards]) expect(isPermission(name), name).toBe(true);
    for (const name of ['', 'ticket', 'ticket:', 'ticket:*:*', 'nothing:*', 'ticket:fly', ':*', '**']) {
      expect(isPermission(name), name).toBe(false);
    }
  });

  it('names what somebody cannot give', () => {
    expect(
      beyond(new Set(['ticket:*', 'user:view']), ['ticket:create', 'ticket:*', 'user:create', '*']),
    ).toEqual(['user:create', '*']);
    expect(covers(new Set(['ticket:view:all']), 'ticket:view:own')).toBe(true);
    expect(covers(new Set(['ticket:view:own']), 'ticket:view:all')).toBe(false);
  });

  it('what is covered allows nothing more than what covers it', () => {
    fc.assert(
      fc.property(anySet, anyPermission, (held, wanted) => {
        if (!covers(new Set(held), wanted)) return;
        const mine = new Set<string>(allowed(held));
        expect(allowed([wanted]).filter((name) => !mine.has(name))).toEqual([]);
      }),
    );
  });

  it('an intersection allows exactly what both sets allow', () => {
    fc.assert(
      fc.property(anySet, anySet, (one, other) => {
        const both = allowed(one).filter((name) => allowed(other).includes(name));
        expect(allowed(intersect(one, other))).toEqual(both);
      }),
    );
  });

  it('lets customers hold the default customer roles and nothing of the tenant', () => {
    for (const role of Object.values(DEFAULT_ROLES)) {
      expect(permissionProblems(role.audience, role.permissions)).toEqual([]);
    }
    expect(permissionProblems('customer', ['ticket:create', '*', 'role:manage'])).toEqual([
      { field: 'permissions[1]', code: 'not_for_you', message: '"*" cannot be given to customers' },
      { field: 'permissions[2]', code: 'not_for_you', message: '"role:manage" cannot be given to customers' },
    ]);
    expect(permissionProblems('staff', ['ticket:fly'])).toEqual([
      { field: 'permissions[0]', code: 'not_found', message: '"ticket:fly" is not a permission' },
    ]);
  });
});
