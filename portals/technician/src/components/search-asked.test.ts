import { expect, it } from 'vitest';
import { askedBy, filtersOf } from './search-asked.ts';

const of = (address: string, now = Date.UTC(2026, 5, 15, 13, 45)) =>
  askedBy(filtersOf(new URLSearchParams(address)), now);
const id = '0195d000-0000-7000-8000-0000000000aa';

it('asks for what the address says, the same all day long', () => {
  expect(of('')).toEqual({});
  expect(of(`status=done&customer=${id}&since=30&sort=newest`)).toEqual({
    status: 'resolved,closed',
    customer_id: id,
    updated_after: '2026-05-16T00:00:00.000Z',
    sort: 'newest',
  });
  expect(of('status=waiting_customer&sort=due')).toEqual({ status: 'waiting_customer', sort: 'due' });
  expect(of('since=7', Date.UTC(2026, 5, 15))).toEqual(of('since=7', Date.UTC(2026, 5, 15, 23, 59)));
});

it('takes what no search knows for nothing', () => {
  expect(of('status=offen&customer=acme&since=abc&sort=oldest')).toEqual({});
  expect(of("status=&customer=' or 1=1&since=-7&sort=relevance")).toEqual({});
});
