import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDesk, testDesk } from '../desk.test-helper.ts';

let desk: TestDesk;
let call: TestDesk['service']['call'];
beforeAll(async () => {
  desk = await testDesk();
  call = desk.service.call;
});
afterAll(() => desk.service.close());

describe('opening a ticket', () => {
  it('answers, stores the row with history, and tells of it', async () => {
    const answer = await call('POST', '/api/v1/tickets', {
      as: desk.anna,
      body: {
        title: 'Kein Internet',
        description: 'Seit heute früh',
        customer_id: desk.customer,
        priority: 'high',
        category: 'Netzwerk',
        tags: ['VPN', 'vpn', 'Router'],
      },
    });
    expect(answer.status).toBe(201);
    const ticket = answer.body.data;
    expect(ticket).toMatchObject({
      status: 'new',
      priority: 'high',
      tags: ['vpn', 'router'],
      source: 'technician',
      version: 1,
      requester_id: null,
      sla_response_state: 'none',
      created_at: '2026-03-02T09:00:00.000Z',
    });
    expect(answer.headers.etag).toBe('"1"');
    expect(answer.headers.location).toBe(`/api/v1/tickets/${ticket.id}`);
    expect(await desk.row(ticket.id)).toMatchObject({ title: 'Kein Internet', created_by: desk.anna.sub });
    expect(await desk.history(ticket.id)).toMatchObject([
      { kind: 'created', actor_name: 'Anna Berg', public: true },
    ]);
    const [event] = (await desk.service.outbox()).filter((one) => one.aggregate.id === ticket.id);
    expect(event).toMatchObject({
      type: 'ticket.opened.v1',
      customer_id: desk.customer,
      public: true,
      data: { ticket: { ticket_number: ticket.ticket_number, tags: ['vpn', 'router'] } },
    });
  });

  it('gives fifty creators at once fifty different numbers', async () => {
    const tickets = await Promise.all(Array.from({ length: 50 }, () => desk.open()));
    expect(new Set(tickets.map((ticket) => ticket.ticket_number)).size).toBe(50);
  });

  it('makes one ticket of the same Idempotency-Key sent twice at once', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const body = { title: 'Doppelt', description: 'x', customer_id: desk.customer };
    const answers = await Promise.all(
      [1, 2].map(() => call('POST', '/api/v1/tickets', { as: desk.anna, body, headers })),
    );
    expect(answers.map((answer) => answer.status)).toEqual([201, 201]);
    expect(answers[0]!.body).toEqual(answers[1]!.body);
    const rows = await desk.service.db.admin`select 1 from tickets.tickets where title = 'Doppelt'`;
    expect(rows).toHaveLength(1);
  });

  it('takes a portal user’s own company and refuses what is not its to set', async () => {
    const ticket = await desk.open({}, desk.user);
    expect(ticket).toMatchObject({
      customer_id: desk.customer,
      requester_id: desk.user.sub,
      source: 'portal',
    });
    const as = desk.user;
    const body = { title: 'abc', description: 'x' };
    expect(
      (await call('POST', '/api/v1/tickets', { as, body: { ...body, assigned_to: desk.anna.sub } })).status,
    ).toBe(403);
    const foreign = await call('POST', '/api/v1/tickets', {
      as,
      body: { ...body, customer_id: desk.otherCustomer },
    });
    expect(foreign.status).toBe(400);
    expect(foreign.body.error.details[0].field).toBe('customer_id');
  });

  it('names what is wrong', async () => {
    const post = (body: unknown) => call('POST', '/api/v1/tickets', { body });
    const fields = (answer: { body: { error: { details: { field: string }[] } } }) =>
      answer.body.error.details.map((d: { field: string }) => d.field).sort();
    expect(fields(await post({ title: 'ab', colour: 1, priority: 'urgent' }))).toEqual([
      'colour',
      'description',
      'priority',
      'title',
    ]);
    const base = { title: 'abc', description: 'x' };
    expect(fields(await post(base))).toEqual(['customer_id']);
    expect(fields(await post({ ...base, customer_id: desk.customer, team_id: randomUUID() }))).toEqual([
      'team_id',
    ]);
    expect(fields(await post({ ...base, customer_id: desk.customer, title: '    ' }))).toEqual(['title']);
  });
});

describe('changing a ticket', () => {
  it('assigning makes a new ticket assigned; taking away makes it new again', async () => {
    const { id } = await desk.open();
    const assigned = await call('PATCH', `/api/v1/tickets/${id}`, { body: { assigned_to: desk.anna.sub } });
    expect(assigned.body.data).toMatchObject({ status: 'assigned', assigned_to: desk.anna.sub, version: 2 });
    const freed = await call('PATCH', `/api/v1/tickets/${id}`, { body: { assigned_to: null } });
    expect(freed.body.data).toMatchObject({ status: 'new', assigned_to: null, version: 3 });
    expect(await desk.events(id)).toEqual([
      'ticket.opened.v1',
      'ticket.status_changed.v1',
      'ticket.assigned.v1',
      'ticket.status_changed.v1',
      'ticket.assigned.v1',
    ]);
    expect((await desk.history(id)).map((entry) => [entry.kind, entry.public])).toEqual([
      ['created', true],
      ['changed', true],
      ['assigned', false],
      ['changed', true],
      ['assigned', false],
    ]);
  });

  it('forbids what the table forbids and names what is allowed', async () => {
    const { id } = await desk.open({ assigned_to: desk.anna.sub });
    await call('PATCH', `/api/v1/tickets/${id}`, { body: { status: 'in_progress' } });
    const answer = await call('PATCH', `/api/v1/tickets/${id}`, { body: { status: 'closed' } });
    expect(answer.status).toBe(409);
    expect(answer.body.error).toMatchObject({
      code: 'TRANSITION_FORBIDDEN',
      allowed: ['new', 'assigned', 'waiting_customer', 'resolved'],
    });
    expect((await desk.row(id)).status).toBe('in_progress');
    const shown = await call('GET', `/api/v1/tickets/${id}`);
    expect(shown.body.data.allowed_transitions).toEqual(answer.body.error.allowed);
  });

  it('lets one of two at once win, the other gets 412', async () => {
    const { id } = await desk.open();
    const patch = (title: string) =>
      call('PATCH', `/api/v1/tickets/${id}`, { body: { title }, headers: { 'if-match': '"1"' } });
    const answers = await Promise.all([patch('Eins eins'), patch('Zwei zwei')]);
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 412]);
    const won = answers.find((answer) => answer.status === 200)!;
    expect(await desk.row(id)).toMatchObject({ title: won.body.data.title, version: 2 });
  });

  it('cuts no character in two where the history keeps a text’s beginning', async () => {
    const { id } = await desk.open();
    for (const description of [`${'a'.repeat(499)}😀 und weiter`, `${'b'.repeat(500)}😀`]) {
      expect((await call('PATCH', `/api/v1/tickets/${id}`, { body: { description } })).status).toBe(200);
    }
    expect((await desk.history(id)).at(-1)!.changes).toEqual([
      { field: 'description', from: `${'a'.repeat(499)}…`, to: `${'b'.repeat(500)}…` },
    ]);
  });

  it('takes no title and no reply of blanks alone, nor more tags by several changes than by one', async () => {
    const { id } = await desk.open();
    const blank = await call('PATCH', `/api/v1/tickets/${id}`, { body: { title: '    ' } });
    expect([blank.status, blank.body.error.details[0].field]).toEqual([400, 'title']);
    const reply = await call('POST', `/api/v1/tickets/${id}/comments`, { body: { body: ' \n ' } });
    expect([reply.status, reply.body.error.details[0].field]).toEqual([400, 'body']);
    await call('PATCH', `/api/v1/tickets/${id}`, { body: { title: ' Neu gefasst ' } });
    expect(await desk.row(id)).toMatchObject({ title: 'Neu gefasst', first_response_at: null });
    const add = async (from: number, count: number) => {
      const add_tags = Array.from({ length: count }, (_, i) => `t${from + i}`);
      return (await call('POST', '/api/v1/tickets/bulk', { body: { ids: [id], changes: { add_tags } } }))
        .body;
    };
    for (const from of [0, 10, 20]) expect((await add(from, 10)).updated).toEqual([id]);
    expect((await add(30, 1)).failed).toMatchObject([{ id, code: 'VALIDATION_ERROR' }]);
    expect((await add(0, 1)).updated).toEqual([id]);
    expect((await desk.row(id)).tags).toHaveLength(30);
  });

  it('changes nothing and tells nothing when nothing changes', async () => {
    const { id } = await desk.open();
    const answer = await call('PATCH', `/api/v1/tickets/${id}`, { body: { priority: 'medium' } });
    expect(answer.body.data.version).toBe(1);
    expect(await desk.events(id)).toEqual(['ticket.opened.v1']);
  });

  it('lets portal users close and reopen, and nothing else', async () => {
    const { id } = await desk.open({}, desk.user);
    const patch = (body: unknown) => call('PATCH', `/api/v1/tickets/${id}`, { as: desk.user, body });
    expect((await patch({ priority: 'critical' })).status).toBe(403);
    expect((await patch({ status: 'resolved' })).body.error.allowed).toEqual(['closed']);
    expect((await patch({ status: 'closed' })).body.data).toMatchObject({
      status: 'closed',
      allowed_transitions: ['new'],
    });
    expect((await patch({ status: 'new' })).body.data).toMatchObject({
      status: 'new',
      reopen_count: 1,
      closed_at: null,
      resolved_at: null,
    });
  });

  it('deletes softly', async () => {
    const { id } = await desk.open({ tags: ['weg'] });
    expect((await call('DELETE', `/api/v1/tickets/${id}`, { as: desk.anna })).status).toBe(403);
    expect((await call('DELETE', `/api/v1/tickets/${id}`)).status).toBe(204);
    expect((await call('GET', `/api/v1/tickets/${id}`)).status).toBe(404);
    expect((await desk.row(id)).deleted_at).not.toBeNull();
    expect((await desk.events(id)).at(-1)).toBe('ticket.deleted.v1');
    expect((await call('GET', '/api/v1/tickets/tags')).body.data).not.toContain('weg');
  });

  it('decides each of a bulk change by itself', async () => {
    const [a, b] = [await desk.open(), await desk.open({ assigned_to: desk.ben.sub })];
    const missing = randomUUID();
    const answer = await call('POST', '/api/v1/tickets/bulk', {
      body: { ids: [a.id, b.id, missing], changes: { status: 'in_progress', add_tags: ['Eilig'] } },
    });
    expect(answer.body.updated).toEqual([b.id]);
    expect(answer.body.failed.map((one: { id: string; code: string }) => [one.id, one.code])).toEqual([
      [a.id, 'TRANSITION_FORBIDDEN'],
      [missing, 'RESOURCE_NOT_FOUND'],
    ]);
    expect(await desk.row(b.id)).toMatchObject({ status: 'in_progress', tags: ['eilig'] });
    expect(await desk.row(a.id)).toMatchObject({ status: 'new', tags: [] });
  });
});

describe('lists', () => {
  it('filters, sorts, pages by page and by cursor, and names people', async () => {
    const category = `c-${randomUUID().slice(0, 8)}`;
    const made = [];
    for (const priority of ['low', 'critical', 'medium', 'high', 'low']) {
      desk.service.clock.advance({ minutes: 1 });
      made.push(await desk.open({ category, priority, tags: [`t${category}`], assigned_to: desk.ben.sub }));
    }
    const list = async (query: string) =>
      (await call('GET', `/api/v1/tickets?category=${category}&${query}`)).body;
    const newest = await list('limit=2&include=customer,assignee,team');
    expect(newest.data.map((t: { id: string }) => t.id)).toEqual([made[4]!.id, made[3]!.id]);
    expect(newest.meta).toMatchObject({ total: 5, total_relation: 'eq', total_pages: 3 });
    expect(newest.data[0]).toMatchObject({
      customer: { id: desk.customer, name: 'Bäckerei Korn' },
      assignee: { id: desk.ben.sub, name: 'Ben Carl' },
      team: null,
    });
    const next = await list(`limit=2&cursor=${newest.meta.next_cursor}`);
    expect(next.data.map((t: { id: string }) => t.id)).toEqual([made[2]!.id, made[1]!.id]);
    const urgent = await list('sort=priority&order=desc&fields=priority');
    expect(urgent.data.map((t: { priority: string }) => t.priority)).toEqual([
      'critical',
      'high',
      'medium',
      'low',
      'low',
    ]);
    expect(Object.keys(urgent.data[0]).sort()).toEqual(['id', 'priority']);
    expect((await list(`status=open&priority=low,high&assigned_to=${desk.ben.sub}`)).data).toHaveLength(3);
    expect((await list('assigned_to=none')).data).toHaveLength(0);
    expect((await list(`tag=T${category}`)).data).toHaveLength(5);
    expect((await list(`created_after=${made[3]!.created_at}`)).data).toHaveLength(2);
    expect((await call('GET', '/api/v1/tickets/categories')).body.data).toContain(category);
    expect((await call('GET', '/api/v1/tickets/tags')).body.data).toContain(`t${category}`);
  });

  it('refuses unknown sort fields, includes and statuses by name', async () => {
    for (const [query, field] of [
      ['sort=colour', 'sort'],
      ['include=moon', 'include'],
      ['status=lost', 'status'],
      ['assigned_to=nobody', 'assigned_to'],
    ]) {
      const answer = await call('GET', `/api/v1/tickets?${query}`);
      expect(answer.status).toBe(400);
      expect(answer.body.error.details[0].field).toBe(field);
    }
  });

  it('counts what is open', async () => {
    const before = (await call('GET', '/api/v1/tickets/stats', { as: desk.anna })).body.data;
    await desk.open({ priority: 'critical', assigned_to: desk.anna.sub });
    const after = (await call('GET', '/api/v1/tickets/stats', { as: desk.anna })).body.data;
    expect(after.open_by_priority.critical).toBe(before.open_by_priority.critical + 1);
    expect(after.mine_open).toBe(before.mine_open + 1);
    expect(after.created_per_day).toHaveLength(30);
    expect(after.created_per_day.at(-1).created).toBe(before.created_per_day.at(-1).created + 1);
    expect(
      after.load.find((one: { technician: { id: string } }) => one.technician.id === desk.anna.sub).open,
    ).toBeGreaterThan(0);
  });
});

describe('the conversation', () => {
  it('keeps internal notes from portal users', async () => {
    const { id } = await desk.open({}, desk.user);
    const say = (as: object, body: object) => call('POST', `/api/v1/tickets/${id}/comments`, { as, body });
    expect((await say(desk.anna, { body: 'Kunde ist schwierig', visibility: 'internal' })).status).toBe(201);
    expect((await say(desk.anna, { body: 'Wir sehen nach' })).status).toBe(201);
    expect((await say(desk.user, { body: 'Danke', visibility: 'internal' })).status).toBe(403);
    const seen = await call('GET', `/api/v1/tickets/${id}/comments`, { as: desk.user });
    expect(seen.body.data.map((c: { body: string }) => c.body)).toEqual(['Wir sehen nach']);
    const all = await call('GET', `/api/v1/tickets/${id}/comments`, { as: desk.anna });
    expect(all.body.data).toHaveLength(2);
    expect(await desk.row(id)).toMatchObject({ comment_count: 2, public_comment_count: 1 });
    expect((await call('GET', `/api/v1/tickets/${id}`, { as: desk.user })).body.data.comment_count).toBe(1);
    const events = (await desk.service.outbox()).filter(
      (e) => e.aggregate.id === id && e.type === 'ticket.commented.v1',
    );
    expect(events.map((event) => event.public)).toEqual([false, true]);
  });

  it('takes the first public reply of staff as the response', async () => {
    const { id } = await desk.open({}, desk.user);
    const say = (as: object, body: object) => call('POST', `/api/v1/tickets/${id}/comments`, { as, body });
    await say(desk.user, { body: 'Hallo?' });
    await say(desk.anna, { body: 'intern', visibility: 'internal' });
    expect((await desk.row(id)).first_response_at).toBeNull();
    desk.service.clock.advance({ minutes: 5 });
    await say(desk.anna, { body: 'Guten Tag' });
    const at = (await desk.row(id)).first_response_at;
    expect(new Date(at).toISOString()).toBe(desk.service.clock.now().toISOString());
  });

  it('moves a waiting ticket on when the customer replies', async () => {
    const { id } = await desk.open({ assigned_to: desk.anna.sub });
    await call('PATCH', `/api/v1/tickets/${id}`, { body: { status: 'waiting_customer' } });
    await call('POST', `/api/v1/tickets/${id}/comments`, {
      as: desk.boss,
      body: { body: 'Hier die Nummer' },
    });
    expect((await desk.row(id)).status).toBe('in_progress');
    expect((await desk.events(id)).slice(-2)).toEqual(['ticket.commented.v1', 'ticket.status_changed.v1']);
  });

  it('changes the status in the same step, or neither', async () => {
    const { id } = await desk.open();
    const answer = await call('POST', `/api/v1/tickets/${id}/comments`, {
      body: { body: 'x', status: 'in_progress' },
    });
    expect(answer.status).toBe(409);
    expect(await desk.row(id)).toMatchObject({ comment_count: 0, version: 1 });
    const done = await call('POST', `/api/v1/tickets/${id}/comments`, {
      body: { body: 'fertig', status: 'resolved' },
    });
    expect(done.status).toBe(201);
    expect(await desk.row(id)).toMatchObject({ comment_count: 1, status: 'resolved', version: 2 });
  });
});

describe('who sees what', () => {
  it('shows nothing of it to another customer, another tenant or a colleague without the right', async () => {
    const { id } = await desk.open({}, desk.user);
    const colleague = { ...desk.user, sub: randomUUID() };
    const foreign = { tid: randomUUID(), role: 'system_admin' };
    for (const as of [desk.stranger, colleague, foreign]) {
      for (const [method, path, body] of [
        ['GET', ''],
        ['PATCH', '', { status: 'closed' }],
        ['GET', '/comments'],
        ['POST', '/comments', { body: 'x' }],
      ] as const) {
        const answer = await call(method, `/api/v1/tickets/${id}${path}`, { as, ...(body ? { body } : {}) });
        expect([method, path, answer.status]).toEqual([method, path, 404]);
      }
      const list = await call('GET', '/api/v1/tickets?limit=100', { as });
      expect(list.body.data.map((t: { id: string }) => t.id)).not.toContain(id);
    }
    const boss = await call('GET', `/api/v1/tickets/${id}`, { as: desk.boss });
    expect(boss.status).toBe(200);
  });

  it('limits staff without ticket:view:all to what concerns them', async () => {
    const trainee = {
      sub: randomUUID(),
      role: 'trainee',
      permissions: ['ticket:view:own', 'ticket:update'],
      audience: 'staff' as const,
    };
    const [mine, other] = [await desk.open(), await desk.open()];
    await desk.service.db.admin`
      update tickets.tickets set assigned_to = ${trainee.sub}, status = 'assigned' where id = ${mine.id}`;
    expect((await call('GET', `/api/v1/tickets/${mine.id}`, { as: trainee })).status).toBe(200);
    expect((await call('GET', `/api/v1/tickets/${other.id}`, { as: trainee })).status).toBe(404);
    const list = await call('GET', '/api/v1/tickets', { as: trainee });
    expect(list.body.data.map((t: { id: string }) => t.id)).toEqual([mine.id]);
  });
});
