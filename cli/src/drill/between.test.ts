import { allSame } from '@psa/recovery/proof';
import { expect, it } from 'vitest';
import { between } from './between.ts';

const none = new Set<string>();
const rows = (a: number, b: number) =>
  new Map([
    ['tickets.tickets', a],
    ['crm.customers', b],
  ]);

it('what was restored lies between two counts of its source', () => {
  expect(allSame(between(rows(10, 5), rows(12, 5), rows(14, 5), none))).toBe(true);
  expect(allSame(between(rows(10, 5), rows(10, 5), rows(10, 5), none))).toBe(true);
  // Rows went while it counted.
  expect(allSame(between(rows(14, 5), rows(12, 5), rows(10, 5), none))).toBe(true);
});

it('a table that has too few, too many or is not there is named', () => {
  const wrong = (found: ReadonlyMap<string, number>) =>
    between(rows(10, 5), found, rows(14, 5), none).flatMap(({ what, same }) => (same ? [] : [what]));
  expect(wrong(rows(9, 5))).toEqual(['rows of tickets.tickets']);
  expect(wrong(rows(15, 5))).toEqual(['rows of tickets.tickets']);
  expect(wrong(rows(12, 4))).toEqual(['rows of crm.customers', 'rows of tables that nobody changed']);
  expect(wrong(new Map([['tickets.tickets', 12]]))).toEqual([
    'rows of crm.customers',
    'rows of tables that nobody changed',
  ]);
});

it('a table that rows pass through may have any number of them, and must be there', () => {
  const outbox = (waiting: number) => new Map([...rows(10, 5), ['tickets.outbox', waiting]]);
  const passing = new Set(['tickets.outbox']);
  const wrong = (found: ReadonlyMap<string, number>, of: ReadonlySet<string>) =>
    between(outbox(1), found, outbox(1), of).flatMap(({ what, same }) => (same ? [] : [what]));
  // One waited at each count: another one, and in between none did.
  expect(wrong(outbox(0), passing)).toEqual([]);
  expect(wrong(outbox(3), passing)).toEqual([]);
  expect(wrong(outbox(0), none)).toEqual(['rows of tickets.outbox', 'rows of tables that nobody changed']);
  expect(wrong(rows(10, 5), passing)).toEqual(['rows of tickets.outbox']);
  expect(wrong(new Map([...outbox(0), ['tickets.tickets', 9]]), passing)).toContain(
    'rows of tickets.tickets',
  );
});
