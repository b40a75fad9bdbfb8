import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  countConditions,
  encodeFilter,
  filterQuery,
  NO_FILTER,
  PRIORITIES,
  parseFilter,
  SORT_COLUMNS,
  STATUSES,
  type TicketFilter,
} from './filter.ts';

const uuid = fc.uuid();
const tag = fc.stringMatching(/^[a-z0-9äöü][a-z0-9äöü ._-]{0,20}$/).map((text) => text.trim());
const search = fc
  .string({ unit: 'grapheme', maxLength: 60 })
  .map((text) => parseFilter(new URLSearchParams({ search: text })).search);
const inOrder = <T extends string>(all: readonly T[]) =>
  fc.subarray([...all]).map((part) => all.filter((name) => part.includes(name)));
const filter: fc.Arbitrary<TicketFilter> = fc.record({
  status: inOrder(['open' as const, ...STATUSES]),
  priority: inOrder(PRIORITIES),
  assigned_to: fc.oneof(fc.constantFrom(null, 'me', 'none'), uuid),
  customer_id: fc.option(uuid),
  team_id: fc.option(uuid),
  category: fc.option(fc.constantFrom('Netzwerk', 'E-Mail & Kalender', 'a,b=c?')),
  tag: fc.option(tag),
  sla: fc.constantFrom(null, 'at_risk', 'breached'),
  watching: fc.boolean(),
  search,
  sort: fc.option(fc.constantFrom(...SORT_COLUMNS)),
  order: fc.constantFrom('asc', 'desc'),
});
/** Without a sort column the order says nothing. */
const canonical = filter.map((f): TicketFilter => (f.sort ? f : { ...f, order: 'desc' }));

describe('the filter in the URL', () => {
  it('reads like the API', () => {
    expect(
      encodeFilter({
        ...NO_FILTER,
        status: ['new', 'assigned'],
        assigned_to: 'me',
        search: 'Drucker & Scanner',
        sort: 'priority',
      }),
    ).toBe('status=new,assigned&assigned_to=me&search=Drucker+%26+Scanner&sort=priority&order=desc');
    expect(parseFilter('status=open&sla=at_risk')).toEqual({
      ...NO_FILTER,
      status: ['open'],
      sla: 'at_risk',
    });
    expect(filterQuery(parseFilter('tag=VIP&watching=true'))).toEqual({ tag: 'vip', watching: 'true' });
  });

  it('knows the column of due times by its earlier name', () => {
    expect(encodeFilter(parseFilter('sort=sla_resolution_due&order=asc'))).toBe('sort=sla_due&order=asc');
    expect(parseFilter('sort=constructor').sort).toBeNull();
  });

  it('leaves out what it does not know instead of failing', () => {
    expect(
      parseFilter('status=lost&priority=urgent&assigned_to=x&customer_id=1&sort=drop&sla=&tag=-&search=%00'),
    ).toEqual(NO_FILTER);
    expect(countConditions(parseFilter('status=new&search=x&sort=title'))).toBe(2);
  });

  it('survives the way into a URL and back', () => {
    fc.assert(
      fc.property(canonical, (f) => {
        expect(parseFilter(encodeFilter(f))).toEqual(f);
      }),
    );
  });

  it('takes any query string, and what it made of it stays the same', () => {
    const anyQuery = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .dictionary(fc.constantFrom(...Object.keys(NO_FILTER)), fc.string({ unit: 'binary' }))
        .map((d) => new URLSearchParams(d).toString()),
    );
    fc.assert(
      fc.property(anyQuery, (text) => {
        const once = parseFilter(text);
        expect(parseFilter(encodeFilter(once))).toEqual(once);
      }),
    );
  });
});
