import { randomUUID } from 'node:crypto';
import type { EventEnvelope } from '@psa/contracts/events/envelope';
import type { PeerRequest, Peers } from '@psa/service-kit/peers';
import { until } from '@psa/test-kit/until';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDesk, testDesk } from '../desk.test-helper.ts';

/** What crm, auth and search answer in this test, by path; anything else is 404. */
const answers = new Map<string, { status: number; body: unknown }>();
const asked: PeerRequest[] = [];
const peers: Peers = {
  async request(_service, request) {
    asked.push(request);
    return answers.get(request.path.split('?')[0]!) ?? { status: 404, body: null };
  },
};

let desk: TestDesk;
let call: TestDesk['service']['call'];
beforeAll(async () => {
  desk = await testDesk({ peers });
  call = desk.service.call;
});
afterAll(() => desk.service.close());

describe('what is not known here yet', () => {
  it('is asked of its owner in the caller’s name, and kept', async () => {
    const id = randomUUID();
    answers.set(`/api/v1/customers/${id}`, {
      status: 200,
      body: {
        data: { id, name: 'Gerade angelegt', preferred_technician_id: null, sla_policy_id: null, version: 1 },
      },
    });
    const ticket = await desk.open({ customer_id: id }, desk.anna);
    expect(ticket.customer_id).toBe(id);
    expect(asked.at(-1)?.token).toMatch(/^ey/);
    const before = asked.length;
    await desk.open({ customer_id: id }, desk.anna);
    expect(asked.length).toBe(before);
    const shown = await call('GET', `/api/v1/tickets/${ticket.id}?include=customer`);
    expect(shown.body.data.customer).toEqual({ id, name: 'Gerade angelegt' });
  });

  it('is refused by its field when the owner does not know it either', async () => {
    const body = { title: 'abc', description: 'x', customer_id: desk.customer };
    for (const [field, id] of [
      ['customer_id', randomUUID()],
      ['contact_id', randomUUID()],
      ['assigned_to', randomUUID()],
    ] as const) {
      const answer = await call('POST', '/api/v1/tickets', { body: { ...body, [field]: id } });
      expect(answer.status).toBe(400);
      expect(answer.body.error.details[0].field).toBe(field);
    }
  });

  it('takes a portal user for no technician, and a contact for its own customer only', async () => {
    const [user, contact] = [randomUUID(), randomUUID()];
    answers.set(`/api/v1/users/${user}`, {
      status: 200,
      body: { data: { id: user, name: 'X', audience: 'customer', status: 'active', version: 1 } },
    });
    answers.set(`/api/v1/contacts/${contact}`, {
      status: 200,
      body: { data: { id: contact, customer_id: desk.otherCustomer, name: 'Y', version: 1 } },
    });
    const body = { title: 'abc', description: 'x', customer_id: desk.customer };
    const technician = await call('POST', '/api/v1/tickets', { body: { ...body, assigned_to: user } });
    expect(technician.body.error.details).toEqual([
      { field: 'assigned_to', code: 'not_a_technician', message: 'must be a technician' },
    ]);
    const foreign = await call('POST', '/api/v1/tickets', { body: { ...body, contact_id: contact } });
    expect(foreign.body.error.details[0].field).toBe('contact_id');
    const own = await desk.open({ customer_id: desk.otherCustomer, contact_id: contact });
    const shown = await call('GET', `/api/v1/tickets/${own.id}?include=contact`);
    expect(shown.body.data.contact).toEqual({ id: contact, name: 'Y' });
  });

  it('does not keep a portal user from asking for help', async () => {
    const own = { sub: randomUUID(), role: 'customer_user', customer_id: randomUUID(), name: 'Neu' };
    expect((await desk.open({}, own)).customer_id).toBe(own.customer_id);
  });
});

describe('time, watchers, history', () => {
  it('are the staff’s', async () => {
    const { id } = await desk.open({}, desk.user);
    const booked = await call('POST', `/api/v1/tickets/${id}/time-entries`, {
      as: desk.anna,
      body: { minutes: 25, note: 'Telefonat' },
    });
    expect(booked.status).toBe(201);
    expect(booked.body.data).toMatchObject({ user: { name: 'Anna Berg' }, minutes: 25, billable: true });
    expect((await desk.row(id)).minutes_spent).toBe(25);
    expect((await desk.events(id)).at(-1)).toBe('ticket.time_logged.v1');
    expect(
      (await call('GET', `/api/v1/tickets/${id}/time-entries`, { as: desk.ben })).body.data,
    ).toHaveLength(1);
    expect((await call('GET', `/api/v1/tickets/${id}/time-entries`, { as: desk.boss })).status).toBe(403);
    expect((await call('GET', `/api/v1/tickets/${id}`, { as: desk.boss })).body.data.minutes_spent).toBe(0);
    const seen = (await call('GET', `/api/v1/tickets/${id}/history`, { as: desk.user })).body.data;
    expect(seen.map((entry: { kind: string }) => entry.kind)).toEqual(['created']);
    expect((await call('GET', `/api/v1/tickets/${id}/history`, { as: desk.anna })).body.data).toHaveLength(2);
  });

  it('let a colleague see what it watches, and itself only', async () => {
    const { id } = await desk.open({}, desk.boss);
    const watch = (as: object, body: object = {}) =>
      call('POST', `/api/v1/tickets/${id}/watchers`, { as, body });
    expect((await call('GET', `/api/v1/tickets/${id}`, { as: desk.user })).status).toBe(404);
    expect((await watch(desk.user)).status).toBe(404);
    await desk.service.db.admin`insert into tickets.people (tenant_id, id, kind, customer_id, name, version)
      values (${desk.service.tenantId}, ${desk.user.sub!}, 'user', ${desk.customer}, 'Udo Korn', 1)`;
    expect((await watch(desk.anna, { user_id: desk.user.sub })).status).toBe(201);
    expect((await watch(desk.anna)).status).toBe(201);
    expect((await watch(desk.anna)).status).toBe(201);
    expect((await call('GET', `/api/v1/tickets/${id}`, { as: desk.user })).status).toBe(200);
    const names = async (as: object) =>
      (await call('GET', `/api/v1/tickets/${id}/watchers`, { as })).body.data.map(
        (one: { name: string }) => one.name,
      );
    expect(await names(desk.ben)).toEqual(['Anna Berg', 'Udo Korn']);
    expect(await names(desk.user)).toEqual(['Udo Korn']);
    expect((await call('GET', '/api/v1/tickets?watching=true', { as: desk.anna })).body.data).toHaveLength(1);
    expect((await watch(desk.user, { user_id: desk.anna.sub })).status).toBe(403);
    expect((await call('DELETE', `/api/v1/tickets/${id}/watchers`, { as: desk.user })).status).toBe(204);
    expect((await call('GET', `/api/v1/tickets/${id}`, { as: desk.user })).status).toBe(404);
    expect(
      (await call('DELETE', `/api/v1/tickets/${id}/watchers/${desk.anna.sub}`, { as: desk.ben })).status,
    ).toBe(204);
    expect(await names(desk.ben)).toEqual([]);
    // Each once, however often it was asked for; who watches of the technicians is not the customer's to know.
    const told = (await desk.service.outbox()).filter((event) => /watched/.test(event.type));
    expect(told.map(({ type, public: shown, data }) => [type, shown, data.user_id, data.taken_from])).toEqual(
      [
        ['ticket.watched.v1', true, desk.user.sub, undefined],
        ['ticket.watched.v1', false, desk.anna.sub, undefined],
        ['ticket.unwatched.v1', true, desk.user.sub, [desk.user.sub]],
        ['ticket.unwatched.v1', false, desk.anna.sub, [desk.anna.sub]],
      ],
    );
  });
});

describe('events of others', () => {
  // At a desk of its own: its relay empties the outbox, into which other tests look.
  let desk: TestDesk;
  beforeAll(async () => {
    desk = await testDesk({ peers });
    await desk.service.running.start();
  });
  afterAll(() => desk.service.close());

  const event = (type: string, data: Record<string, unknown>): EventEnvelope => ({
    id: randomUUID(),
    type,
    version: 1,
    tenant_id: desk.service.tenantId,
    customer_id: null,
    aggregate: { type: type.split('.')[0]!, id: String(data.customer_id ?? data.user_id ?? data.contact_id) },
    occurred_at: '2026-03-02T09:00:00.000Z',
    correlation_id: 'test',
    causation_id: null,
    actor: { kind: 'system', id: null, name: null },
    public: true,
    data,
  });

  it('keep names, and an older one overwrites nothing', async () => {
    const { call } = desk.service;
    const customer = (version: number, name: string) => ({
      customer_id: desk.customer,
      customer_number: 1,
      name,
      status: 'active',
      email: null,
      tags: [],
      preferred_technician_id: null,
      sla_policy_id: null,
      version,
    });
    const user = (id: string, over: object) => ({
      user_id: id,
      email: 'x@y.example',
      name: 'Dora Eck',
      role: 'technician_l1',
      audience: 'staff',
      customer_id: null,
      status: 'active',
      version: 1,
      ...over,
    });
    const [dora, kunde] = [randomUUID(), randomUUID()];
    await desk.service.deps.bus.publish([
      event('customer.updated.v1', customer(5, 'Bäckerei Korn GmbH')),
      event('customer.updated.v1', customer(4, 'Alt')),
      event('user.created.v1', user(dora, {})),
      event(
        'user.created.v1',
        user(kunde, { audience: 'customer', customer_id: desk.customer, name: 'Kai Kunde' }),
      ),
      event('user.updated.v1', user(dora, { name: 'Dora Eck-Haus', version: 2 })),
      event('tenant.created.v1', { tenant_id: desk.service.tenantId, name: 'MSP' }),
    ]);
    const db = desk.service.db.admin;
    await until(async () => {
      const rows = await db`select name from tickets.technicians where id = ${dora}`;
      const policies = await db`select 1 from tickets.sla_policies`;
      const people = await db`select 1 from tickets.people where id = ${kunde}`;
      return rows[0]?.name === 'Dora Eck-Haus' && policies.length === 1 && people.length === 1;
    });
    await until(async () => {
      const [row] =
        await db`select name, version from tickets.customers where customer_id = ${desk.customer}`;
      return row?.version === 5;
    });
    const [row] = await db`select name from tickets.customers where customer_id = ${desk.customer}`;
    expect(row!.name).toBe('Bäckerei Korn GmbH');
    const technician = await call('GET', `/api/v1/technicians/${dora}`);
    expect(technician.body.data).toMatchObject({ name: 'Dora Eck-Haus', active: true, open_tickets: 0 });
    const metrics = await call('GET', '/metrics', { as: null });
    expect(metrics.text).toContain('active_tickets_total');
  });
});

describe('search in the list', () => {
  it('orders by tier and date, marks matches, filters, and knows numbers', async () => {
    const [a, b, c] = [
      await desk.open({ priority: 'high' }),
      await desk.open(),
      await desk.open({ priority: 'high' }),
    ];
    const foreign = await desk.open({ customer_id: desk.otherCustomer });
    const packed = (...all: { id: string }[]) =>
      Buffer.from(all.map((one) => one.id.replaceAll('-', '')).join(''), 'hex').toString('base64');
    const body = { tiers: ['', packed(c), packed(b, a, foreign)], more: false };
    answers.set('/internal/search/matches', { status: 200, body });
    const marks = { title: '\uE000Drucker\uE001', body: '' };
    answers.set('/internal/search/marks', { status: 200, body: { data: [{ id: c.id, highlights: marks }] } });
    const ids = (answer: { body: { data: { id: string }[] } }) => answer.body.data.map((one) => one.id);
    const db = desk.service.db.admin;
    await db`update tickets.tickets set updated_at = now() where id = ${a.id}`;
    await db`update tickets.tickets set updated_at = now() - interval '1 h' where id = ${foreign.id}`;
    await db`update tickets.tickets set updated_at = now() - interval '2 h' where id = ${b.id}`;
    const found = await call('GET', '/api/v1/tickets?search=drucker');
    expect(ids(found)).toEqual([c.id, a.id, foreign.id, b.id]);
    expect(found.body.meta).toMatchObject({ total: 4, total_relation: 'eq' });
    expect(found.body.data[0].highlight).toEqual(marks);
    expect(ids(await call('GET', '/api/v1/tickets?search=drucker&priority=high'))).toEqual([c.id, a.id]);
    const forBoss = await call('GET', '/api/v1/tickets?search=drucker', { as: desk.boss });
    expect(ids(forBoss)).toEqual([c.id, a.id, b.id]);
    const byDate = await call('GET', '/api/v1/tickets?search=drucker&sort=ticket_number&limit=2');
    expect(ids(byDate)).toEqual([a.id, b.id]);
    expect(byDate.body.meta.total).toBe(4);
    answers.set('/internal/search/marks', { status: 503, body: null });
    expect(ids(await call('GET', '/api/v1/tickets?search=drucker'))).toHaveLength(4);
    answers.set('/internal/search/matches', { status: 503, body: null });
    expect(ids(await call('GET', `/api/v1/tickets?search=${b.ticket_number}`))).toEqual([b.id]);
    const away = await call('GET', '/api/v1/tickets?search=drucker');
    expect([away.status, away.headers['retry-after']]).toEqual([503, '2']);
    answers.set('/internal/search/matches', { status: 500, body: null });
    expect((await call('GET', '/api/v1/tickets?search=drucker')).status).toBe(502);
    answers.set('/internal/search/matches', { status: 400, body: null });
    const refused = await call('GET', '/api/v1/tickets?search=drucker');
    expect([refused.status, refused.body.error.details[0].field]).toEqual([400, 'search']);
  });
});

describe('row-level security', () => {
  it('hides internal rows from portal users even without any filter', async () => {
    const { id } = await desk.open({}, desk.user);
    await call('POST', `/api/v1/tickets/${id}/comments`, {
      as: desk.anna,
      body: { body: 'x', visibility: 'internal' },
    });
    await call('POST', `/api/v1/tickets/${id}/time-entries`, { as: desk.anna, body: { minutes: 5 } });
    await call('POST', `/api/v1/tickets/${id}/watchers`, { as: desk.anna, body: {} });
    const count = (customer: string | null, user: string) =>
      desk.service.deps.db.read(
        { tenant_id: desk.service.tenantId, customer_id: customer, user_id: user },
        async ({ sql }) => {
          const [row] = await sql`select
            (select count(*)::int from tickets) as tickets,
            (select count(*)::int from comments where visibility = 'internal') as notes,
            (select count(*)::int from time_entries) as time,
            (select count(*)::int from watchers) as watchers,
            (select count(*)::int from history where not public) as hidden,
            (select count(*)::int from customers) as customers`;
          return row!;
        },
      );
    const staff = await count(null, desk.anna.sub);
    expect(Object.values(staff).every((n) => n > 0)).toBe(true);
    expect(await count(desk.customer, desk.user.sub!)).toMatchObject({
      notes: 0,
      time: 0,
      watchers: 0,
      hidden: 0,
      customers: 1,
    });
    expect(await count(randomUUID(), desk.user.sub!)).toMatchObject({ tickets: 0, customers: 0 });
  });

  it('holds for every table of the service', async () => {
    const rows = await desk.service.db.admin`
      select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'tickets' and c.relkind in ('r', 'p') and not (c.relrowsecurity and c.relforcerowsecurity)`;
    expect(rows.map((row) => row.relname)).toEqual([]);
  });
});
