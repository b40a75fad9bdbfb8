import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDesk, testDesk } from '../desk.test-helper.ts';

let desk: TestDesk;
let call: TestDesk['service']['call'];
beforeAll(async () => {
  desk = await testDesk({ now: '2026-03-02T09:00:00Z' });
  call = desk.service.call;
});
afterAll(() => desk.service.close());

const next = (as: object, headers: Record<string, string> = {}) =>
  call('POST', '/api/v1/tickets/next', { as, headers, body: {} });

/** A team with these members. */
async function team(name: string, ...members: string[]): Promise<string> {
  const { status, body, text } = await call('POST', '/api/v1/teams', { body: { name } });
  if (status !== 201) throw new Error(text);
  const { tenantId, db } = desk.service;
  for (const id of members) {
    await db.admin`insert into tickets.team_members (tenant_id, team_id, user_id) values
      (${tenantId}, ${body.data.id}, ${id})`;
  }
  return body.data.id;
}

/** Nobody waits any more. */
async function emptyQueue(): Promise<void> {
  await desk.service.db.admin`update tickets.tickets set deleted_at = now() where assigned_to is null`;
}

describe('the next ticket', () => {
  it('is what is due first, then by priority and age, and nothing that others work on', async () => {
    await emptyQueue();
    expect((await next(desk.anna)).body.data).toBe(null);
    const low = await desk.open({ priority: 'low' });
    const taken = await desk.open({ priority: 'critical', assigned_to: desk.ben.sub });
    const high = await desk.open({ priority: 'high' });
    const older = await desk.open({ priority: 'low' });
    await desk.service.db.admin`update tickets.tickets set sla_response_due = null, sla_resolution_due = null
      where id in (${low.id}, ${high.id})`;
    await desk.service.db.admin`update tickets.tickets set sla_response_state = 'running',
      sla_response_due = '2026-03-02T10:00:00Z' where id = ${older.id}`;
    const got = [];
    for (let i = 0; i < 4; i += 1) got.push((await next(desk.anna)).body.data?.id ?? null);
    expect(got).toEqual([older.id, high.id, low.id, null]);
    expect(await desk.row(older.id)).toMatchObject({ assigned_to: desk.anna.sub, status: 'assigned' });
    expect(await desk.row(taken.id)).toMatchObject({ assigned_to: desk.ben.sub });
    expect(await desk.events(older.id)).toContain('ticket.assigned.v1');
    expect((await desk.history(older.id)).map((row) => row.kind)).toContain('assigned');
  });

  it('is another one for each of many who ask at once, and none twice', async () => {
    await emptyQueue();
    const waiting = new Set<string>();
    for (let i = 0; i < 5; i += 1) waiting.add((await desk.open()).id);
    const answers = await Promise.all(
      [desk.anna, desk.ben, desk.anna, desk.ben, desk.anna, desk.ben].map((as) => next(as)),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    const got = answers.map(({ body }) => body.data?.id).filter(Boolean);
    expect(new Set(got).size).toBe(got.length);
    // What was passed over because somebody else was about to take it may be left; nothing is given twice.
    for (const id of got) expect(waiting).toContain(id);
    expect(got.length).toBeGreaterThanOrEqual(2);
  });

  it('is the same again for the same request', async () => {
    await emptyQueue();
    await desk.open();
    await desk.open();
    const key = { 'idempotency-key': randomUUID() };
    const [first, second] = [await next(desk.anna, key), await next(desk.anna, key)];
    expect(second.body.data.id).toBe(first.body.data.id);
    expect(second.headers['idempotent-replay']).toBe('true');
  });

  it('leaves the tickets of other teams to them', async () => {
    await emptyQueue();
    const [network, server] = [await team('Netz', desk.anna.sub), await team('Server', desk.ben.sub)];
    const theirs = await desk.open({ team_id: server, priority: 'critical' });
    const ours = await desk.open({ team_id: network, priority: 'low' });
    expect((await next(desk.anna)).body.data.id).toBe(ours.id);
    expect((await next(desk.anna)).body.data).toBe(null);
    const nobodys = { sub: randomUUID(), role: 'technician_l1', name: 'Nina Neu' };
    await desk.service.db.admin`insert into tickets.technicians (tenant_id, id, name)
      values (${desk.service.tenantId}, ${nobodys.sub}, ${nobodys.name})`;
    expect((await next(nobodys)).body.data.id).toBe(theirs.id);
  });

  it('is for technicians alone', async () => {
    expect((await next(desk.boss)).status).toBe(403);
    expect((await next({ ...desk.anna, role: 'billing' })).status).toBe(403);
  });
});

describe('a call for help', () => {
  const escalate = (id: string, body: object, as: object = desk.anna, headers: Record<string, string> = {}) =>
    call('POST', `/api/v1/tickets/${id}/escalations`, { as, body, headers });
  const told = async (id: string) =>
    (await desk.service.outbox())
      .filter((event) => event.aggregate.id === id && event.type === 'ticket.escalated.v1')
      .map((event) => (event.data as { told: string[] }).told);

  it('raises, hands over, says why to the team alone, and tells the colleague', async () => {
    const { id } = await desk.open({ assigned_to: desk.anna.sub });
    const answer = await escalate(id, {
      reason: 'Der Server antwortet nicht mehr.',
      priority: 'high',
      assigned_to: desk.ben.sub,
    });
    expect(answer.status, answer.text).toBe(200);
    expect(answer.body.data).toMatchObject({ priority: 'high', assigned_to: desk.ben.sub });
    expect(answer.headers.etag).toBe(`"${answer.body.data.version}"`);
    expect(await desk.row(id)).toMatchObject({ priority: 'high', assigned_to: desk.ben.sub });
    expect(await told(id)).toEqual([[desk.ben.sub]]);
    const watchers = await call('GET', `/api/v1/tickets/${id}/watchers`);
    expect(watchers.body.data).toEqual([{ user_id: desk.anna.sub, name: desk.anna.name }]);
    const notes = await call('GET', `/api/v1/tickets/${id}/comments`);
    expect(notes.body.data).toMatchObject([
      { body: 'Der Server antwortet nicht mehr.', visibility: 'internal' },
    ]);
    const written = (await desk.history(id)).find((row) => row.kind === 'escalated');
    expect(written).toMatchObject({ reason: 'Der Server antwortet nicht mehr.', public: false });
    // The customer learns of the priority at most.
    const seen = await call('GET', `/api/v1/tickets/${id}/comments`, { as: desk.boss });
    expect(seen.body.data).toEqual([]);
  });

  it('to a team tells its members, and one that changes nothing is still a call', async () => {
    const crew = await team('Crew', desk.anna.sub, desk.ben.sub);
    const { id } = await desk.open({ assigned_to: desk.anna.sub, priority: 'critical' });
    expect((await escalate(id, { reason: 'Hilfe', team_id: crew })).status).toBe(200);
    expect(await told(id)).toEqual([[desk.ben.sub]]);
    const other = await desk.open({ assigned_to: desk.ben.sub, priority: 'critical' });
    expect((await escalate(other.id, { reason: 'Bitte heute noch' })).status).toBe(200);
    expect(await told(other.id)).toEqual([[desk.ben.sub]]);
  });

  it('never lowers, needs a reason and an open ticket, and looks at the version', async () => {
    const { id } = await desk.open({ priority: 'high' });
    const lower = await escalate(id, { reason: 'x', priority: 'low' });
    expect([lower.status, lower.body.error.details[0].field]).toEqual([400, 'priority']);
    for (const reason of ['', '  \n']) expect((await escalate(id, { reason })).status, reason).toBe(400);
    expect((await escalate(id, {})).status).toBe(400);
    const stale = await escalate(id, { reason: 'x' }, desk.anna, { 'if-match': '"7"' });
    expect(stale.status).toBe(412);
    const unknown = await escalate(id, { reason: 'x', team_id: randomUUID() });
    expect([unknown.status, unknown.body.error.details[0].field]).toEqual([400, 'team_id']);
    expect((await desk.row(id)).version).toBe(1);
    await call('PATCH', `/api/v1/tickets/${id}`, { body: { status: 'resolved' } });
    expect((await escalate(id, { reason: 'x' })).status).toBe(409);
  });

  it('is for staff who see the ticket', async () => {
    const { id } = await desk.open();
    expect((await escalate(id, { reason: 'x' }, desk.boss)).status).toBe(403);
    expect((await escalate(id, { reason: 'x' }, { ...desk.anna, role: 'billing' })).status).toBe(403);
    expect((await escalate(randomUUID(), { reason: 'x' })).status).toBe(404);
  });
});

describe('a reply with its time', () => {
  const reply = (id: string, body: object, as: object = desk.anna) =>
    call('POST', `/api/v1/tickets/${id}/comments`, { as, body });

  it('is written, booked and moves the ticket in one step', async () => {
    const { id } = await desk.open({ assigned_to: desk.anna.sub });
    const answer = await reply(id, {
      body: 'Der Treiber ist neu.',
      status: 'resolved',
      time: { minutes: 15, note: 'Treiber' },
    });
    expect(answer.status, answer.text).toBe(201);
    expect(await desk.row(id)).toMatchObject({ status: 'resolved', minutes_spent: 15, comment_count: 1 });
    const booked = await call('GET', `/api/v1/tickets/${id}/time-entries`);
    expect(booked.body.data).toMatchObject([
      { minutes: 15, note: 'Treiber', billable: true, user: { id: desk.anna.sub } },
    ]);
    expect(await desk.events(id)).toEqual(
      expect.arrayContaining(['ticket.commented.v1', 'ticket.status_changed.v1', 'ticket.time_logged.v1']),
    );
  });

  it('leaves nothing behind where a part of it is refused', async () => {
    const { id } = await desk.open();
    for (const [body, as, status] of [
      [{ body: 'x', time: { minutes: 0 } }, desk.anna, 400],
      [{ body: 'x', time: { minutes: 5, started_at: '2026-03-02T08:00:00Z' } }, desk.anna, 400],
      [{ body: 'x', status: 'in_progress', time: { minutes: 5 } }, desk.anna, 409],
      [{ body: 'x', time: { minutes: 5 } }, desk.boss, 403],
    ] as const)
      expect((await reply(id, body, as)).status, JSON.stringify(body)).toBe(status);
    expect(await desk.row(id)).toMatchObject({ minutes_spent: 0, comment_count: 0, version: 1 });
  });
});
