import { randomUUID } from 'node:crypto';
import { makeEvent } from '@psa/test-kit/make-event';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDesk, testDesk } from '../desk.test-helper.ts';
import { putTechnician } from '../people/repository.ts';

let desk: TestDesk;
let call: TestDesk['service']['call'];
const target = { response_minutes: 60, resolution_minutes: 480 };
const targets = { low: target, medium: target, high: target, critical: target };
beforeAll(async () => {
  desk = await testDesk({ now: '2026-03-02T09:00:00Z' });
  call = desk.service.call;
});
afterAll(() => desk.service.close());

describe('what is in use', () => {
  const refused = async (path: string) => {
    const { status, body } = await call('DELETE', `/api/v1/${path}`);
    return status === 204 ? 204 : [status, body.error.message];
  };

  it('is not deleted, and the answer names what uses it and what to do', async () => {
    const calendar = await call('POST', '/api/v1/calendars', {
      body: { name: 'Büro', time_zone: 'Europe/Berlin', week: { '1': [{ start: '08:00', end: '17:00' }] } },
    });
    const make = async (name: string, more: object = {}) =>
      (await call('POST', '/api/v1/sla-policies', { body: { name, targets, ...more } })).body.data.id;
    const first = await make('Standard', { is_default: true, calendar_id: calendar.body.data.id });
    expect(await refused(`calendars/${calendar.body.data.id}`)).toEqual([
      409,
      'This calendar is in use (SLA policies: Standard). Give them another calendar first.',
    ]);
    expect(await refused(`sla-policies/${first}`)).toEqual([
      409,
      'This SLA policy is the default: make another policy the default first.',
    ]);
    const off = await call('PATCH', `/api/v1/sla-policies/${first}`, { body: { is_default: false } });
    expect([off.status, off.body.error.details[0].field]).toEqual([400, 'is_default']);

    const ticket = await desk.open();
    await make('Neu', { is_default: true });
    expect(await refused(`sla-policies/${first}`)).toEqual([
      409,
      `This SLA policy is in use (open tickets: #${ticket.ticket_number}). ` +
        'Give the customers another policy, and finish or re-prioritise the tickets first.',
    ]);
    const own = await make('Bäckerei');
    await desk.service.db
      .admin`update tickets.customers set sla_policy_id = ${own} where customer_id = ${desk.customer}`;
    expect((await refused(`sla-policies/${own}`)) as unknown[]).toContainEqual(
      expect.stringContaining('customers: Bäckerei Korn'),
    );
    await desk.service.db
      .admin`update tickets.customers set sla_policy_id = null where customer_id = ${desk.customer}`;
    expect(await refused(`sla-policies/${own}`)).toBe(204);
    await call('PATCH', `/api/v1/tickets/${ticket.id}`, { body: { status: 'resolved' } });
    expect(await refused(`sla-policies/${first}`)).toBe(204);
    expect(await refused(`calendars/${calendar.body.data.id}`)).toBe(204);
  });

  it('goes for teams and categories too', async () => {
    const team = (await call('POST', '/api/v1/teams', { body: { name: 'Netz', member_ids: [desk.ben.sub] } }))
      .body.data.id;
    const ticket = await desk.open({ team_id: team });
    expect(await refused(`teams/${team}`)).toEqual([
      409,
      `This team is in use (open tickets: #${ticket.ticket_number}; members: Ben Carl). ` +
        'Give rules and tickets another team and take the members out first.',
    ]);
    await call('PATCH', `/api/v1/tickets/${ticket.id}`, { body: { team_id: null } });
    await call('PATCH', `/api/v1/teams/${team}`, { body: { member_ids: [] } });
    expect(await refused(`teams/${team}`)).toBe(204);
    const category = (await call('POST', '/api/v1/categories', { body: { name: 'Kasse' } })).body.data.id;
    await desk.open({ category: 'Kasse' });
    expect((await refused(`categories/${category}`)) as unknown[]).toContainEqual(
      expect.stringMatching(/^This category is in use \(open tickets: #/),
    );
  });
});

describe('author and requester', () => {
  it('are told apart: entered by, for', async () => {
    const contact = randomUUID();
    await desk.service.db.admin`insert into tickets.people (tenant_id, id, kind, customer_id, name, version)
      values (${desk.service.tenantId}, ${contact}, 'contact', ${desk.customer}, 'Anna Anruf', 1)`;
    const { id } = await desk.open({ contact_id: contact, source: 'phone' }, desk.ben);
    const path = `/api/v1/tickets/${id}?include=creator,contact,requester`;
    expect((await call('GET', path, { as: desk.boss })).body.data).toMatchObject({
      created_by: desk.ben.sub,
      creator: { id: desk.ben.sub, name: desk.ben.name },
      contact: { id: contact, name: 'Anna Anruf' },
      requester_id: null,
    });
    expect((await desk.history(id))[0]).toMatchObject({
      kind: 'created',
      actor_id: desk.ben.sub,
      changes: [{ field: 'contact_id', from: null, to: contact }],
    });
    const [opened] = (await desk.service.outbox()).filter((event) => event.aggregate.id === id);
    expect(opened!.data.ticket).toMatchObject({
      contact_id: contact,
      created_by: desk.ben.sub,
      requester_id: null,
    });
  });
});

describe('somebody who was disabled', () => {
  it('is given no work, and the open tickets go back to the queue', async () => {
    const gone = { id: randomUUID(), name: 'Gero Weg', status: 'active', version: 1 };
    const { db } = desk.service.deps;
    const { tenantId } = desk.service;
    const scope = { tenant_id: tenantId, customer_id: null };
    await db.tx(scope, (tx) => putTechnician(tx, tenantId, gone));
    const open = await desk.open({ assigned_to: gone.id });
    const waiting = await desk.open({ assigned_to: gone.id });
    await call('PATCH', `/api/v1/tickets/${waiting.id}`, { body: { status: 'waiting_customer' } });
    const done = await desk.open({ assigned_to: gone.id });
    await call('PATCH', `/api/v1/tickets/${done.id}`, { body: { status: 'resolved' } });
    const free = await desk.open();

    await desk.service.running.start();
    const facts = {
      user_id: gone.id,
      email: 'g@x.example',
      name: gone.name,
      audience: 'staff',
      role: 'technician_l1',
    };
    await desk.service.deps.bus.publish([
      makeEvent({
        type: 'user.updated.v1',
        tenant_id: tenantId,
        aggregate: { type: 'user', id: gone.id },
        data: { ...facts, customer_id: null, status: 'disabled', version: 2 },
      }),
    ]);
    await expect.poll(async () => (await desk.row(open.id)).assigned_to, { timeout: 20_000 }).toBeNull();
    await expect.poll(async () => (await desk.row(waiting.id)).assigned_to, { timeout: 20_000 }).toBeNull();
    expect(await desk.row(open.id)).toMatchObject({ status: 'new' });
    expect(await desk.row(waiting.id)).toMatchObject({ status: 'waiting_customer' });
    expect(await desk.row(done.id)).toMatchObject({ status: 'resolved', assigned_to: gone.id });
    expect((await desk.history(open.id)).at(-1)).toMatchObject({
      kind: 'assigned',
      actor_kind: 'system',
      reason: 'assignee_disabled',
      public: false,
    });
    const queue = (await call('GET', '/api/v1/tickets?status=open&assigned_to=none')).body.data;
    expect(queue.map((one: { id: string }) => one.id)).toEqual(
      expect.arrayContaining([open.id, waiting.id, free.id]),
    );

    const problem = async (method: 'POST' | 'PATCH', path: string, body: object) => {
      const answer = await call(method, `/api/v1/${path}`, { body });
      return [answer.status, answer.body.error?.details[0].field];
    };
    const ticket = { title: 'Neu', description: 'x', customer_id: desk.customer };
    expect(await problem('POST', 'tickets', { ...ticket, assigned_to: gone.id })).toEqual([
      400,
      'assigned_to',
    ]);
    expect(await problem('PATCH', `tickets/${free.id}`, { assigned_to: gone.id })).toEqual([
      400,
      'assigned_to',
    ]);
    expect(await problem('POST', `tickets/${free.id}/watchers`, { user_id: gone.id })).toEqual([
      400,
      'user_id',
    ]);
    const bulk = await call('POST', '/api/v1/tickets/bulk', {
      body: { ids: [free.id], changes: { assigned_to: gone.id } },
    });
    expect(bulk.body.updated).toEqual([]);
    const imported = {
      external_id: 'x1', title: 'Alt', description: 'x', status: 'in_progress', priority: 'low', category: null,
      tags: [], customer_id: desk.customer, contact_id: null, assigned_to: gone.id, team_external_id: null,
      first_response_at: null, resolved_at: null, closed_at: null, reopen_count: 0, sla_breached: false,
      created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-02T00:00:00Z',
      history: [{ row_id: 'r1', occurred_at: '2026-01-01T00:00:00Z', actor_name: null, kind: 'created', changes: [] }],
    }; // biome-ignore format: a row
    const taken = await call('POST', '/api/v1/tickets/import', {
      body: { source: 'alt', tickets: [imported] },
    });
    expect(taken.status, taken.text).toBe(200);
    expect(taken.body.tickets[0]).toMatchObject({ outcome: 'refused' });
    expect(taken.body.tickets[0].reason).toContain('was disabled');
  });
});

describe('If-Match', () => {
  it('is compared by every write that moves a ticket on', async () => {
    const { id, version } = await desk.open({ assigned_to: desk.anna.sub });
    const stale = { 'if-match': `"${version}"` };
    await call('POST', `/api/v1/tickets/${id}/comments`, { as: desk.boss, body: { body: 'Noch etwas.' } });
    const form = '--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\nx\r\n--b--\r\n';
    const answers = [
      await call('POST', `/api/v1/tickets/${id}/comments`, {
        body: { body: 'fertig', status: 'resolved' },
        headers: stale,
      }),
      await call('POST', `/api/v1/tickets/${id}/comments`, { body: { body: 'nur so' }, headers: stale }),
      await call('POST', `/api/v1/tickets/${id}/time-entries`, { body: { minutes: 5 }, headers: stale }),
      await call('POST', `/api/v1/tickets/${id}/watchers`, { body: {}, headers: stale }),
      await call('PATCH', `/api/v1/tickets/${id}`, { body: { assigned_to: null }, headers: stale }),
      await call('POST', `/api/v1/tickets/${id}/attachments`, {
        body: form,
        headers: { ...stale, 'content-type': 'multipart/form-data; boundary=b' },
      }),
    ];
    expect(answers.map((answer) => answer.status)).toEqual([412, 412, 412, 412, 412, 412]);
    expect(answers[0]!.body.error.details[0].message).toBe('the current version is "2"');
    expect(await desk.row(id)).toMatchObject({ status: 'assigned', version: 2, minutes_spent: 0 });
    const bulk = await call('POST', '/api/v1/tickets/bulk', {
      body: { ids: [id], versions: { [id]: version }, changes: { priority: 'low' } },
    });
    expect(bulk.body.failed).toMatchObject([{ id, code: 'VERSION_CONFLICT' }]);
    const fresh = await call('POST', `/api/v1/tickets/${id}/comments`, {
      body: { body: 'fertig', status: 'resolved' },
      headers: { 'if-match': '"2"' },
    });
    expect(fresh.status).toBe(201);
  });

  it('is refused where there is nothing to compare, rather than passed over', async () => {
    const { id } = await desk.open();
    const bulk = await call('POST', '/api/v1/tickets/bulk', {
      body: { ids: [id], changes: { priority: 'low' } },
      headers: { 'if-match': '"7"' },
    });
    expect([bulk.status, bulk.body.error.details[0].field]).toEqual([400, 'If-Match']);
    const team = await call('POST', '/api/v1/teams', { body: { name: 'Q' }, headers: { 'if-match': '"7"' } });
    expect([team.status, team.body.error.details[0].field]).toEqual([400, 'If-Match']);
    expect(
      (await call('GET', '/api/v1/teams')).body.data.map((one: { name: string }) => one.name),
    ).not.toContain('Q');
  });
});

describe('a portal user', () => {
  it('learns no tags and no categories of tickets that it may not see', async () => {
    await desk.open({ category: 'Fusion Projekt Adler' });
    await desk.open({ tags: ['adler'] }, desk.boss);
    await desk.open({ tags: ['meins'] }, desk.user);
    await call('POST', '/api/v1/categories', { body: { name: 'Telefonie' } });
    const get = async (what: string, as: object) =>
      (await call('GET', `/api/v1/tickets/${what}`, { as })).body.data;
    for (const as of [desk.user, desk.stranger]) {
      const choices = await get('categories', as);
      expect(choices).toContain('Telefonie');
      expect(choices).not.toContain('Fusion Projekt Adler');
    }
    expect(await get('tags', desk.user)).toEqual(['meins']);
    expect(await get('tags', desk.boss)).toEqual(['adler', 'meins']);
    expect(await get('tags', desk.stranger)).toEqual([]);
    expect(await get('categories', desk.anna)).toContain('Fusion Projekt Adler');
  });
});

describe('staff who see only their own tickets', () => {
  it('learn no categories and no tags of others', async () => {
    const gerd = { sub: randomUUID(), role: 'technician_l1', name: 'Gerd Hahn' };
    await desk.service.db.admin`insert into tickets.technicians (tenant_id, id, name)
      values (${desk.service.tenantId}, ${gerd.sub}, ${gerd.name})`;
    await desk.open({ category: 'Fusion Projekt Habicht', tags: ['habicht'] });
    const own = ['ticket:view:own', 'ticket:create', 'ticket:update', 'desk:view'];
    const restricted = { ...gerd, permissions: own };
    await desk.open({ category: 'Eigenes', tags: ['eigen'], assigned_to: gerd.sub });
    const get = async (what: string) =>
      (await call('GET', `/api/v1/tickets/${what}`, { as: restricted })).body.data;
    expect(await get('tags')).toEqual(['eigen']);
    expect(await get('categories')).toContain('Eigenes');
    expect(await get('categories')).not.toContain('Fusion Projekt Habicht');
  });
});
