import { OPEN_STATUSES } from '@psa/contracts/tickets';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CONDITIONS,
  chosenOf,
  countConditions,
  encodeFilter,
  NO_FILTER,
  PRIORITIES,
  parseFilter,
  SLA_STATES,
  SORT_COLUMNS,
  STATUSES,
  type TicketFilter,
  toggleValue,
} from './filter.ts';

const uuid = fc.uuid();
const tag = fc.stringMatching(/^[a-z0-9äöü][a-z0-9äöü ._-]{0,20}$/).map((text) => text.trim());
const search = fc
  .string({ unit: 'grapheme', maxLength: 60 })
  .map((text) => parseFilter(new URLSearchParams({ search: text })).search);
const inOrder = <T extends string>(all: readonly T[]) =>
  fc.subarray([...all]).map((part) => all.filter((name) => part.includes(name)));
const some = <T>(one: fc.Arbitrary<T>) => fc.uniqueArray(one, { maxLength: 4 });
const filter: fc.Arbitrary<TicketFilter> = fc.record({
  status: inOrder(['open' as const, ...STATUSES]),
  priority: inOrder(PRIORITIES),
  assigned_to: some(fc.oneof(fc.constantFrom('me', 'none'), uuid)),
  customer_id: some(uuid),
  team_id: some(fc.oneof(fc.constantFrom('mine', 'none'), uuid)),
  category: some(fc.constantFrom('Netzwerk', 'E-Mail & Kalender', 'a,b=c?', 'Server, Cloud', 'C\\D')),
  tag: some(tag),
  sla: inOrder(SLA_STATES),
  created_after: fc.constantFrom(null, '2026-11-24T00:00:00Z'),
  created_before: fc.constantFrom(null, '2026-11-25T12:30:00Z'),
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
        assigned_to: ['me', 'none'],
        category: ['Netzwerk', 'A,B'],
        search: 'Drucker & Scanner',
        sort: 'priority',
      }),
    ).toBe(
      'status=new,assigned&assigned_to=me,none&category=Netzwerk,A%5C,B&search=Drucker+%26+Scanner&sort=priority&order=desc',
    );
    expect(parseFilter('tag=VIP,vip,WLAN&watching=true')).toEqual({
      ...NO_FILTER,
      tag: ['vip', 'wlan'],
      watching: true,
    });
  });

  it('knows links from before several values could be named', () => {
    const id = '018f0000-0000-7000-8000-000000000001';
    const old = `status=open&priority=high&assigned_to=me&customer_id=${id}&team_id=${id}&tag=vpn&sla=at_risk`;
    expect(parseFilter(old)).toEqual({
      ...NO_FILTER,
      status: ['open'],
      priority: ['high'],
      assigned_to: ['me'],
      customer_id: [id],
      team_id: [id],
      tag: ['vpn'],
      sla: ['at_risk'],
    });
    expect(parseFilter('category=Server,+Cloud').category).toEqual(['Server, Cloud']);
    expect(encodeFilter(parseFilter('sort=sla_resolution_due&order=asc'))).toBe('sort=sla_due&order=asc');
    expect(parseFilter('sort=constructor').sort).toBeNull();
  });

  it('leaves out what it does not know instead of failing', () => {
    expect(
      parseFilter(
        'status=lost&priority=urgent&assigned_to=x,,&customer_id=1,me&team_id=me&sort=drop&sla=&tag=-&search=%00&category=,&created_after=2026-02-30T00:00:00Z&created_before=gestern',
      ),
    ).toEqual(NO_FILTER);
    expect(countConditions(parseFilter('status=new,closed&search=x&sort=title'))).toBe(2);
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

describe('choosing a value', () => {
  const after = (query: string, ...values: [Parameters<typeof toggleValue>[1], string][]) =>
    encodeFilter(values.reduce((f, [name, value]) => toggleValue(f, name, value), parseFilter(query)));

  it('takes it in, and out where it was in', () => {
    expect(after('priority=high', ['priority', 'critical'])).toBe('priority=high,critical');
    expect(after('priority=high', ['priority', 'high'])).toBe('');
    expect(after('assigned_to=me&sort=title&order=asc', ['assigned_to', 'none'])).toBe(
      'assigned_to=me,none&sort=title&order=asc',
    );
    expect(after('', ['category', 'A, B'], ['category', 'C'])).toBe('category=A%5C,+B,C');
  });

  it('knows that "open" are four', () => {
    expect(after('status=open', ['status', 'waiting_customer'])).toBe('status=new,assigned,in_progress');
    expect(after('status=new,assigned,in_progress', ['status', 'waiting_customer'])).toBe('status=open');
    expect(after('status=open,closed', ['status', 'open'])).toBe('status=closed');
    expect(after('status=new', ['status', 'open'])).toBe('status=open');
    expect(chosenOf(parseFilter('status=open'), 'status')).toEqual([
      'open',
      'new',
      'assigned',
      'in_progress',
      'waiting_customer',
    ]);
  });

  it('twice changes nothing', () => {
    fc.assert(
      fc.property(canonical, fc.constantFrom(...CONDITIONS), (f, name) => {
        const value = f[name][0];
        if (value === undefined || (name === 'status' && f.status.includes('open'))) return;
        const twice = toggleValue(toggleValue(f, name, value), name, value);
        // The four open ones, chosen one by one, come back as "open".
        const meant = (values: readonly string[]) =>
          [...new Set(values.flatMap((one) => (one === 'open' ? OPEN_STATUSES : [one])))].sort();
        expect(meant(twice[name])).toEqual(meant(f[name]));
      }),
    );
  });
});
