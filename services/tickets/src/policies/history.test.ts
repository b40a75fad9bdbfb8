import { expect, it } from 'vitest';
import { isForCustomers } from './history.ts';

it.each([
  ['created', undefined, true],
  ['changed', undefined, true],
  ['commented', 'public', true],
  ['commented', 'internal', false],
  ['attached', 'internal', false],
  ['assigned', undefined, false],
  ['assigned', 'public', false],
  ['time_logged', undefined, false],
  ['sla_breached', undefined, false],
  ['deleted', undefined, false],
] as const)('%s (%s) is for customers: %s', (kind, about, expected) => {
  expect(isForCustomers(about === undefined ? { kind } : { kind, about })).toBe(expected);
});
