import { PERMISSIONS } from '@psa/contracts/permissions';
import { expect, it } from 'vitest';
import { permissionMessages } from '../i18n/permission-messages.ts';
import { groupsFor, nameOf, spelt } from './role-permissions.ts';

it('offers customers what customers may hold, and staff everything, by resource', () => {
  const staff = groupsFor('staff', PERMISSIONS);
  expect(staff.flatMap(({ names }) => names).sort()).toEqual([...PERMISSIONS].sort());
  expect(staff.find(({ resource }) => resource === 'time')?.names).toEqual([
    'time:view',
    'time:create',
    'time:manage',
  ]);
  const customer = groupsFor('customer', PERMISSIONS);
  expect(customer.map(({ resource }) => resource)).toEqual([
    'ticket',
    'customer',
    'contact',
    'event',
    'search',
    'self',
  ]);
  expect(customer.flatMap(({ names }) => names)).not.toContain('ticket:comment:internal');
});

it('spells out what holds for a whole resource', () => {
  expect(spelt(['time:*', 'desk:view', 'of_later:view'], PERMISSIONS)).toEqual([
    'time:view',
    'time:create',
    'time:manage',
    'desk:view',
  ]);
});

it('suggests a short name that the platform takes', () => {
  expect(nameOf('Night shift (2nd level)')).toBe('night_shift_2nd_level');
  expect(nameOf('24/7 on call')).toBe('on_call');
  expect([nameOf('  '), nameOf('夜勤'), nameOf('7')]).toEqual(['', '', '']);
  expect(nameOf('x'.repeat(80))).toHaveLength(49);
});

it('shows a permission that it has no words for by its name', () => {
  expect(permissionMessages.t('time:manage')).not.toBe('time:manage');
  expect(permissionMessages.t('survey:view' as 'time:view')).toBe('survey:view');
});
