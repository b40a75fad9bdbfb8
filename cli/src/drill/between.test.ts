import { allSame } from '@psa/recovery/proof';
import { expect, it } from 'vitest';
import { between } from './between.ts';

const rows = (a: number, b: number) =>
  new Map([
    ['tickets.tickets', a],
    ['crm.customers', b],
  ]);

it('what was restored lies between two counts of its source', () => {
  expect(allSame(between(rows(10, 5), rows(12, 5), rows(14, 5)))).toBe(true);
  expect(allSame(between(rows(10, 5), rows(10, 5), rows(10, 5)))).toBe(true);
  // Rows went while it counted.
  expect(allSame(between(rows(14, 5), rows(12, 5), rows(10, 5)))).toBe(true);
});

it('a table that has too few, too many or is not there is named', () => {
  const wrong = (found: ReadonlyMap<string, number>) =>
    between(rows(10, 5), found, rows(14, 5)).flatMap(({ what, same }) => (same ? [] : [what]));
  expect(wrong(rows(9, 5))).toEqual(['rows of tickets.tickets']);
  expect(wrong(rows(15, 5))).toEqual(['rows of tickets.tickets']);
  expect(wrong(rows(12, 4))).toEqual(['rows of crm.customers', 'rows of tables that nobody changed']);
  expect(wrong(new Map([['tickets.tickets', 12]]))).toEqual([
    'rows of crm.customers',
    'rows of tables that nobody changed',
  ]);
});
