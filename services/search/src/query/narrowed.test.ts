import { randomUUID } from 'node:crypto';
import type { PeerRequest, Peers } from '@psa/service-kit/peers';
import { type TestService, testService } from '@psa/test-kit/service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { searchService } from '../app.ts';
import { indexEvents } from '../objects/consumer.ts';
import { contactFacts, customerFacts, searchEvent, ticketFacts } from '../search.test-helper.ts';

let service: TestService;
const [tid, acme, beta] = [randomUUID(), randomUUID(), randomUUID()];
/** What the ticket list was asked, and what it shows. */
const asked: PeerRequest[] = [];
const shown = { status: 200, ids: [] as string[], total: 0 };
const peers: Peers = {
  request: async (_service, request) => {
    asked.push(request);
    if (request.path === '/internal/tickets/visible')
      return { status: 200, body: { ids: shown.ids, more: false } };
    const data = shown.ids.map((id) => ({ id }));
    return { status: shown.status, body: { data, meta: { total: shown.total, total_relation: 'gte' } } };
  },
};
const ids = { new: randomUUID(), waiting: randomUUID(), closed: randomUUID(), other: randomUUID() };

beforeAll(async () => {
  service = await testService(searchService, { peers });
  const now = service.clock.now().getTime();
  const at = (days: number) => ({ occurred_at: new Date(now - days * 86_400_000).toISOString() });
  const ticket = (ticket_id: string, customer: string, title: string, status: string, days: number) => {
    const facts = ticketFacts(customer, { ticket_id, title, status, requester_id: customer });
    return searchEvent(tid, 'ticket.opened.v1', customer, { ticket: facts }, at(days));
  };
  await indexEvents(service.deps, [
    searchEvent(tid, 'customer.created.v1', acme, customerFacts(acme, 'Kabel AG'), at(500)),
    searchEvent(tid, 'contact.created.v1', acme, contactFacts(acme, 'Karla Kabel'), at(500)),
    ticket(ids.new, acme, 'Kabel neu', 'new', 2),
    ticket(ids.waiting, acme, 'Kabel wartet', 'waiting_customer', 40),
    ticket(ids.closed, acme, 'Kabel zu', 'closed', 400),
    ticket(ids.other, beta, 'Kabel woanders', 'in_progress', 3),
  ]);
});
afterAll(() => service.close());

const search = (more: string, as: Record<string, unknown> = {}) =>
  service.call('GET', `/api/v1/search?q=kabel${more}`, { as: { tid, ...as } });
const found = async (more: string, as: Record<string, unknown> = {}) => {
  const { status, body } = await search(more, as);
  expect(status, more).toBe(200);
  expect(body.meta.total).toBe(body.data.length);
  return body.data.map((hit: { title: string }) => hit.title);
};
const daysAgo = (days: number) => new Date(service.clock.now().getTime() - days * 86_400_000).toISOString();

describe('a narrowed search', () => {
  it('is of tickets in these statuses, of a customer, of a time', async () => {
    expect(await found('&status=open')).toEqual(['Kabel neu', 'Kabel woanders', 'Kabel wartet']);
    expect(await found('&status=closed,new')).toEqual(['Kabel neu', 'Kabel zu']);
    expect(await found('&status=open&types=contact')).toEqual([]);
    expect((await found(`&customer_id=${acme}`)).toSorted()).toEqual(
      ['Kabel AG', 'Kabel neu', 'Kabel wartet', 'Kabel zu', 'Karla Kabel'].toSorted(),
    );
    expect(await found(`&customer_id=${randomUUID()}`)).toEqual([]);
    expect(await found(`&updated_after=${daysAgo(30)}&sort=newest`)).toEqual(['Kabel neu', 'Kabel woanders']);
    expect(await found(`&updated_before=${daysAgo(30)}&types=ticket`)).toEqual(['Kabel wartet', 'Kabel zu']);
    expect(await found(`&customer_id=${acme}&status=open&updated_after=${daysAgo(30)}`)).toEqual([
      'Kabel neu',
    ]);
  });

  it('shows portal users no more than they see', async () => {
    const admin = { audience: 'customer', role: 'customer_admin', customer_id: acme };
    expect(await found('&status=open', admin)).toEqual(['Kabel neu', 'Kabel wartet']);
    expect(await found(`&customer_id=${beta}`, admin)).toEqual([]);
    shown.ids = [ids.closed];
    const user = { audience: 'customer', role: 'customer_user', customer_id: acme, sub: randomUUID() };
    expect(await found('', user)).toEqual(['Kabel zu']);
    expect(await found('&status=open', user)).toEqual([]);
    expect(await found('&sort=newest', user)).toEqual(['Kabel zu']);
  });

  it.each([
    ['status=offen', 'status'],
    ['status=', 'status'],
    ['status=open,', 'status'],
    ['customer_id=acme', 'customer_id'],
    ['updated_after=gestern', 'updated_after'],
    ['updated_before=2026-13-01', 'updated_before'],
    ['sort=oldest', 'sort'],
    ['sort=due&limit=101', 'limit'],
    ['sort=due&limit=20&offset=10', 'offset'],
  ])('refuses %s by name', async (query, field) => {
    const { status, body } = await search(`&${query}`);
    expect([status, body.error.details[0].field]).toEqual([400, field]);
  });
});

describe('by due time', () => {
  it('is the ticket list, with its order, its rights and its count', async () => {
    asked.length = 0;
    Object.assign(shown, { ids: [ids.waiting, ids.new, randomUUID()], total: 1_000 });
    const { body } = await search(
      `&sort=due&status=open&customer_id=${acme}&updated_after=${daysAgo(90)}&limit=10&offset=20`,
    );
    expect(body.data.map((hit: { id: string }) => hit.id)).toEqual([ids.waiting, ids.new]);
    expect(body.data[0]).toMatchObject({
      highlights: { title: '\uE000Kabel\uE001 wartet' },
      summary: { status: 'waiting_customer', customer_name: 'Kabel AG' },
    });
    expect(body.meta).toMatchObject({ total: 1_000, total_relation: 'gte', limit: 10, offset: 20 });
    const [{ path, token } = { path: '', token: '' }] = asked;
    expect(Object.fromEntries(new URL(path, 'http://x').searchParams)).toMatchObject({
      ...{ search: 'kabel', sort: 'sla_due', order: 'asc', status: 'open', customer_id: acme },
      ...{ updated_after: daysAgo(90), limit: '10', page: '3' },
    });
    expect(token).toBeTruthy();
  });

  it('is empty for those who see no tickets, and unanswered where the list is', async () => {
    expect(await found('&sort=due&types=customer')).toEqual([]);
    Object.assign(shown, { status: 503 });
    expect((await search('&sort=due')).status).toBe(503);
    Object.assign(shown, { status: 200 });
  });
});
