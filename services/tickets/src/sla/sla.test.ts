import { randomUUID } from 'node:crypto';
import { systemContext } from '@psa/service-kit/context';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deskTimers } from '../app.ts';
import { refreshOpenTickets } from '../desk/consumers.ts';
import { createDefaults } from '../desk/defaults.ts';
import { Desks } from '../desk/desk.ts';
import { type TestDesk, testDesk } from '../desk.test-helper.ts';
import { TicketNumbers } from '../tickets/numbers.ts';

let desk: TestDesk;
let call: TestDesk['service']['call'];
const iso = (value: unknown) => (value === null ? null : new Date(value as string).toISOString());
const setClock = (at: string) => desk.service.clock.set(at);
const timers = (id: string) =>
  desk.service.db.admin`select kind, due_at from tickets.timers where key = ${id} order by kind`;

beforeAll(async () => {
  // A Monday in winter, 10:00 in Berlin.
  desk = await testDesk({ now: '2026-03-02T09:00:00Z' });
  call = desk.service.call;
  const ctx = systemContext(desk.service.tenantId, 'test');
  for (let i = 0; i < 2; i++) {
    await desk.service.deps.db.tx(ctx.scope, (tx) => createDefaults(tx, ctx, desk.service.deps));
  }
});
afterAll(() => desk.service.close());

describe('a new tenant', () => {
  it('has office hours, holidays and a default policy, once', async () => {
    const [calendar, ...more] = (await call('GET', '/api/v1/calendars')).body.data;
    expect(more).toEqual([]);
    expect(calendar).toMatchObject({ name: 'Standard', time_zone: 'Europe/Berlin' });
    expect(calendar.holidays).toHaveLength(27);
    expect(calendar.holidays).toContainEqual({ date: '2026-04-03', name: 'Karfreitag' });
    const policies = (await call('GET', '/api/v1/sla-policies')).body.data;
    expect(policies).toHaveLength(1);
    expect(policies[0].targets.critical).toEqual({ response_minutes: 30, resolution_minutes: 240 });
  });
});

describe('deadlines', () => {
  it('count business time and are explained step by step', async () => {
    setClock('2026-03-02T09:00:00Z');
    const { id } = await desk.open({ priority: 'critical' });
    const shown = (await call('GET', `/api/v1/tickets/${id}`)).body.data;
    // 10:00 Berlin + 30 min; 4 h go over the lunch break: 10–12 and 13–15.
    expect(shown).toMatchObject({
      sla_response_due: '2026-03-02T09:30:00.000Z',
      sla_resolution_due: '2026-03-02T14:00:00.000Z',
      sla_response_state: 'running',
    });
    const { data } = (await call('GET', `/api/v1/tickets/${id}/sla`)).body;
    expect(data).toMatchObject({ reason: 'default_policy', calendar: { time_zone: 'Europe/Berlin' } });
    expect(data.resolution.steps).toEqual([
      {
        from: '2026-03-02T09:00:00.000Z',
        to: '2026-03-02T11:00:00.000Z',
        kind: 'counted',
        minutes: 120,
        total: 120,
        note: null,
      },
      {
        from: '2026-03-02T11:00:00.000Z',
        to: '2026-03-02T12:00:00.000Z',
        kind: 'break',
        minutes: 0,
        total: 120,
        note: null,
      },
      {
        from: '2026-03-02T12:00:00.000Z',
        to: '2026-03-02T14:00:00.000Z',
        kind: 'counted',
        minutes: 120,
        total: 240,
        note: null,
      },
    ]);
    expect((await timers(id)).map((timer) => [timer.kind, iso(timer.due_at)])).toEqual([
      ['sla_resolution_breach', '2026-03-02T14:00:00.001Z'],
      ['sla_resolution_risk', '2026-03-02T13:12:00.000Z'],
      ['sla_response_breach', '2026-03-02T09:30:00.001Z'],
      ['sla_response_risk', '2026-03-02T09:24:00.000Z'],
    ]);
  });

  it('stand still while the customer has to answer', async () => {
    setClock('2026-03-02T09:00:00Z');
    const { id } = await desk.open({ priority: 'critical', assigned_to: desk.anna.sub });
    await call('POST', `/api/v1/tickets/${id}/comments`, { as: desk.anna, body: { body: 'Welche Nummer?' } });
    setClock('2026-03-02T10:00:00Z');
    const paused = await call('PATCH', `/api/v1/tickets/${id}`, { body: { status: 'waiting_customer' } });
    expect(paused.body.data).toMatchObject({
      sla_resolution_state: 'paused',
      sla_resolution_due: null,
      sla_response_state: 'met',
      sla_paused_since: '2026-03-02T10:00:00.000Z',
    });
    expect(await timers(id)).toHaveLength(0);
    // A day passes; the reply moves it on.
    setClock('2026-03-03T08:00:00Z');
    await call('POST', `/api/v1/tickets/${id}/comments`, { as: desk.boss, body: { body: '4711' } });
    const going = (await call('GET', `/api/v1/tickets/${id}`)).body.data;
    // One hour was used on Monday, three are left from 09:00 Berlin on Tuesday, which is when noon breaks: 12:00.
    expect(going).toMatchObject({
      status: 'in_progress',
      sla_resolution_state: 'running',
      sla_resolution_due: '2026-03-03T11:00:00.000Z',
      sla_paused_since: null,
    });
    const { steps } = (await call('GET', `/api/v1/tickets/${id}/sla`)).body.data.resolution;
    expect(
      steps.map((step: { kind: string; minutes: number; note: string | null }) => [
        step.kind,
        step.minutes,
        step.note,
      ]),
    ).toEqual([
      ['counted', 60, null],
      ['paused', 0, 'waiting_customer'],
      ['counted', 180, null],
    ]);
    expect((await desk.row(id)).sla_pauses).toEqual([
      { from: '2026-03-02T10:00:00.000Z', until: '2026-03-03T08:00:00.000Z', reason: 'waiting_customer' },
    ]);
  });

  it('warn at four fifths, and say once that they passed', async () => {
    setClock('2026-03-02T09:00:00Z');
    const { id } = await desk.open({ priority: 'critical' });
    const worker = deskTimers(desk.service.deps);
    setClock('2026-03-02T09:24:00Z');
    await worker.runDue();
    expect((await desk.events(id)).filter((type) => type === 'ticket.sla_at_risk.v1')).toHaveLength(1);
    setClock('2026-03-02T09:30:00Z');
    await worker.runDue();
    expect((await desk.row(id)).sla_breached).toBe(false);
    setClock('2026-03-02T09:31:00Z');
    await worker.runDue();
    await worker.runDue();
    expect(await desk.row(id)).toMatchObject({
      sla_breached: true,
      sla_response_state: 'breached',
      version: 2,
    });
    const breaches = (await desk.service.outbox()).filter(
      (event) => event.aggregate.id === id && event.type === 'ticket.sla_breached.v1',
    );
    expect(breaches).toHaveLength(1);
    expect(breaches[0]).toMatchObject({
      public: false,
      data: { kind: 'response', due_at: '2026-03-02T09:30:00.000Z' },
    });
    expect((await desk.history(id)).map((entry) => entry.kind)).toEqual(['created', 'sla_breached']);
    // The customer reads nothing of it in the history.
    const seen = await call('GET', `/api/v1/tickets/${id}/history`, { as: desk.boss });
    expect(seen.body.data.map((entry: { kind: string }) => entry.kind)).toEqual(['created']);
    expect(
      (await call('GET', '/api/v1/tickets?sla=breached')).body.data.map((t: { id: string }) => t.id),
    ).toContain(id);
  });

  it('follow the priority, and breach at once where time is up', async () => {
    setClock('2026-03-02T09:00:00Z');
    const { id } = await desk.open({ priority: 'low' });
    setClock('2026-03-02T10:00:00Z');
    const raised = await call('PATCH', `/api/v1/tickets/${id}`, { body: { priority: 'critical' } });
    expect(raised.body.data).toMatchObject({ sla_response_state: 'breached', sla_breached: true });
    expect((await desk.events(id)).slice(-1)).toEqual(['ticket.sla_breached.v1']);
  });

  it('count real minutes over the change to summer time', async () => {
    const calendar = await call('POST', '/api/v1/calendars', {
      body: {
        name: 'Nachts',
        time_zone: 'Europe/Berlin',
        week: { '7': [{ start: '01:00', end: '05:00' }] },
      },
    });
    expect(calendar.status).toBe(201);
    const target = { response_minutes: 60, resolution_minutes: 120 };
    const policy = await call('POST', '/api/v1/sla-policies', {
      body: {
        name: 'Nachtwache',
        calendar_id: calendar.body.data.id,
        targets: { low: target, medium: target, high: target, critical: target },
      },
    });
    await desk.service.db.admin`
      update tickets.customers set sla_policy_id = ${policy.body.data.id} where customer_id = ${desk.otherCustomer}`;
    // Sunday 29 March 2026, 01:00 CET; at 02:00 the clock jumps to 03:00.
    setClock('2026-03-29T00:00:00Z');
    const { id } = await desk.open({ customer_id: desk.otherCustomer });
    const shown = (await call('GET', `/api/v1/tickets/${id}`)).body.data;
    expect(shown).toMatchObject({
      sla_policy_id: policy.body.data.id,
      sla_response_due: '2026-03-29T01:00:00.000Z',
      // 04:00 CEST: 120 real minutes although the wall clock went three hours.
      sla_resolution_due: '2026-03-29T02:00:00.000Z',
    });
    const patched = await call('PATCH', `/api/v1/calendars/${calendar.body.data.id}`, {
      body: { week: { '7': [{ start: '04:00', end: '08:00' }] } },
    });
    expect(patched.status).toBe(200);
    const changed = await refreshOpenTickets(
      { deps: desk.service.deps, desks: new Desks(), numbers: new TicketNumbers(desk.service.deps.db) },
      desk.service.tenantId,
      'calendar',
      calendar.body.data.id,
      'test',
    );
    expect(changed).toBe(1);
    expect(iso((await desk.row(id)).sla_response_due)).toBe('2026-03-29T03:00:00.000Z');
  });
});

describe('settings of the desk', () => {
  it('name what is wrong with a calendar or policy', async () => {
    const bad = await call('POST', '/api/v1/calendars', {
      body: { name: 'x', time_zone: 'Mars/Olympus', week: { '1': [{ start: '10:00', end: '09:00' }] } },
    });
    expect(bad.status).toBe(400);
    expect(bad.body.error.details.map((d: { field: string }) => d.field)).toEqual(['time_zone', 'week.1[0]']);
    const none = { response_minutes: null, resolution_minutes: null };
    const empty = await call('POST', '/api/v1/sla-policies', {
      body: { name: 'y', targets: { low: none, medium: none, high: none, critical: none } },
    });
    expect(empty.body.error.details[0].field).toBe('targets');
    const [calendar] = (await call('GET', '/api/v1/calendars?sort=name&order=desc')).body.data;
    expect((await call('DELETE', `/api/v1/calendars/${calendar.id}`)).status).toBe(409);
  });

  it('keep one default policy', async () => {
    const target = { response_minutes: 10, resolution_minutes: null };
    const body = {
      name: 'Neu',
      is_default: true,
      targets: { low: target, medium: target, high: target, critical: target },
    };
    const created = await call('POST', '/api/v1/sla-policies', { body });
    expect(created.status).toBe(201);
    const policies = (await call('GET', '/api/v1/sla-policies')).body.data;
    expect(
      policies.filter((one: { is_default: boolean }) => one.is_default).map((one: { id: string }) => one.id),
    ).toEqual([created.body.data.id]);
    expect((await call('DELETE', `/api/v1/sla-policies/${created.body.data.id}`)).status).toBe(204);
  });

  it('are not for portal users, nor changed by technicians', async () => {
    for (const path of [
      'teams',
      'technicians',
      'calendars',
      'sla-policies',
      'assignment-rules',
      'saved-views',
    ]) {
      expect((await call('GET', `/api/v1/${path}`, { as: desk.boss })).status).toBe(403);
      expect((await call('GET', `/api/v1/${path}`, { as: desk.anna })).status).toBe(200);
    }
    expect((await call('POST', '/api/v1/teams', { as: desk.anna, body: { name: 'T' } })).status).toBe(403);
  });

  it('guard against lost updates', async () => {
    const { id } = (await call('POST', '/api/v1/teams', { body: { name: 'Netz' } })).body.data;
    const patch = (name: string) =>
      call('PATCH', `/api/v1/teams/${id}`, { body: { name }, headers: { 'if-match': '"1"' } });
    const answers = await Promise.all([patch('Netz 1'), patch('Netz 2')]);
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 412]);
    expect(
      (
        await call('POST', '/api/v1/teams', {
          body: { name: answers.find((a) => a.status === 200)!.body.data.name },
        })
      ).status,
    ).toBe(409);
  });

  it('keep views of one’s own, or shared', async () => {
    const post = (as: object, body: object) => call('POST', '/api/v1/saved-views', { as, body });
    const own = await post(desk.anna, { name: 'Meine', query: 'status=open&assigned_to=me' });
    const shared = await post(desk.anna, { name: 'Alle', query: 'status=open', shared: true });
    expect([own.status, shared.status]).toEqual([201, 201]);
    const seen = (await call('GET', '/api/v1/saved-views', { as: desk.ben })).body.data;
    expect(seen.map((view: { name: string }) => view.name)).toEqual(['Alle']);
    expect((await call('GET', `/api/v1/saved-views/${own.body.data.id}`, { as: desk.ben })).status).toBe(404);
    const foreign = await call('PATCH', `/api/v1/saved-views/${shared.body.data.id}`, {
      as: desk.ben,
      body: { name: 'x' },
    });
    expect(foreign.status).toBe(403);
  });
});

describe('assignment', () => {
  it('goes by rule, skills and load, and says why', async () => {
    setClock('2026-03-02T09:00:00Z');
    await call('PATCH', `/api/v1/technicians/${desk.ben.sub}`, { body: { skills: ['VPN'] } });
    const team = (
      await call('POST', '/api/v1/teams', {
        body: { name: 'Fernzugriff', member_ids: [desk.anna.sub, desk.ben.sub] },
      })
    ).body.data;
    expect(team.member_ids.sort()).toEqual([desk.anna.sub, desk.ben.sub].sort());
    const rule = await call('POST', '/api/v1/assignment-rules', {
      body: { name: 'VPN', category: 'VPN', team_id: team.id, skills: ['vpn'] },
    });
    expect(rule.status).toBe(201);
    // Also for a portal user, who may see neither rules nor load.
    for (const as of [undefined, desk.user]) {
      const ticket = await desk.open({ category: 'vpn' }, as);
      expect(ticket).toMatchObject({ status: 'assigned', assigned_to: desk.ben.sub, team_id: team.id });
      const [, assigned] = await desk.history(ticket.id);
      expect(assigned).toMatchObject({ kind: 'assigned', public: false, reason: 'rule "VPN": least_loaded' });
      expect(await desk.events(ticket.id)).toEqual(['ticket.opened.v1', 'ticket.assigned.v1']);
    }
    await call('PATCH', `/api/v1/technicians/${desk.ben.sub}`, { body: { available: false } });
    const waiting = await desk.open({ category: 'vpn' });
    expect(waiting).toMatchObject({ status: 'new', assigned_to: null, team_id: team.id });
    expect((await call('DELETE', `/api/v1/teams/${team.id}`)).status).toBe(409);
  });

  it('prefers the technician whom the customer prefers', async () => {
    await desk.service.db.admin`
      update tickets.customers set preferred_technician_id = ${desk.anna.sub} where customer_id = ${desk.customer}`;
    expect(await desk.open({}, desk.user)).toMatchObject({ assigned_to: desk.anna.sub, status: 'assigned' });
    expect(await desk.open({ assigned_to: desk.ben.sub })).toMatchObject({ assigned_to: desk.ben.sub });
    await desk.service.db.admin`
      update tickets.customers set preferred_technician_id = null where customer_id = ${desk.customer}`;
  });

  it('takes nobody who is not there', async () => {
    const answer = await call('POST', '/api/v1/assignment-rules', {
      body: { name: 'x', team_id: randomUUID() },
    });
    expect(answer.body.error.details[0].field).toBe('team_id');
  });
});
