import { systemContext } from '@psa/service-kit/context';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refreshOpenTickets } from '../desk/consumers.ts';
import { createDefaults } from '../desk/defaults.ts';
import { SettingsCache } from '../desk/settings.ts';
import { type TestDesk, testDesk } from '../desk.test-helper.ts';
import { ticketGauges } from '../tickets/gauge.ts';

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
    await desk.service.deps.db.tx(ctx.scope, (tx) => createDefaults(desk.service.deps, tx, ctx));
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

  it('warn when they are at risk, and say once that they passed', async () => {
    setClock('2026-03-02T09:00:00Z');
    const { id } = await desk.open({ priority: 'critical' });
    const worker = desk.service.running;
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

  it('use business time: a weekend fills no bar, in the ticket and in the list', async () => {
    setClock('2026-03-06T15:00:00Z'); // Friday, 16:00 in Berlin; high: response 1 h, resolution 8 h
    const { id } = await desk.open({ priority: 'high' });
    const seen = async () => {
      const one = (await call('GET', `/api/v1/tickets/${id}`)).body.data.sla;
      const [row] = (await call('GET', '/api/v1/tickets?sort=created_at&order=desc&limit=1&fields=sla')).body
        .data;
      expect(row.sla).toEqual(one);
      return one;
    };
    expect(await seen()).toEqual({
      shown: 'response',
      due_at: '2026-03-06T16:00:00.000Z',
      response: {
        phase: 'ok',
        share_used: 0,
        risk_at: '2026-03-06T15:48:00.000Z',
        due_at: '2026-03-06T16:00:00.000Z',
        done_at: null,
      },
      resolution: {
        phase: 'ok',
        share_used: 0,
        risk_at: '2026-03-09T13:24:00.000Z',
        due_at: '2026-03-09T15:00:00.000Z',
        done_at: null,
      },
    });
    setClock('2026-03-06T15:20:00Z');
    await call('POST', `/api/v1/tickets/${id}/comments`, { as: desk.anna, body: { body: 'Ich sehe nach.' } });
    setClock('2026-03-08T11:00:00Z'); // Sunday
    expect(await seen()).toMatchObject({
      shown: 'resolution',
      response: { phase: 'met', share_used: 0.3333, done_at: '2026-03-06T15:20:00.000Z', risk_at: null },
      resolution: { phase: 'ok', share_used: 0.125 },
    });
    const filtered = async (filter: string) =>
      (await call('GET', `/api/v1/tickets?${filter}`)).body.data.some((one: { id: string }) => one.id === id);
    const atRisk = async () => (await call('GET', '/api/v1/tickets/stats')).body.data.sla_at_risk;
    const registry = new Registry();
    const counter = ticketGauges(desk.service.deps, { registry });
    const gauge = async (only?: string) => {
      await counter.refresh();
      const { values } = (await registry.getSingleMetric('at_risk_tickets_total')!.get()) as {
        values: { value: number; labels: { priority?: string } }[];
      };
      return values
        .filter(({ labels }) => only === undefined || labels.priority === only)
        .reduce((sum, { value }) => sum + value, 0);
    };
    setClock('2026-03-09T13:23:59Z');
    expect([(await seen()).resolution.phase, await filtered('sla=at_risk')]).toEqual(['ok', false]);
    const before = await atRisk();
    const gaugeBefore = await gauge();
    setClock('2026-03-09T13:24:00Z');
    expect([(await seen()).resolution.phase, await filtered('sla=at_risk')]).toEqual(['at_risk', true]);
    expect(await atRisk()).toBe(before + 1);
    expect([await gauge('high'), await gauge()]).toEqual([1, before + 1]);
    expect(gaugeBefore).toBe(before);
    // Past the due time it is breached, though no timer has fired.
    setClock('2026-03-09T15:00:01Z');
    expect((await seen()).resolution).toMatchObject({ phase: 'breached', share_used: 1 });
    expect(await filtered('sla=at_risk')).toBe(false);
    expect(await gauge('high')).toBe(0);
    await call('PATCH', `/api/v1/tickets/${id}`, { body: { assigned_to: desk.anna.sub } });
    await call('PATCH', `/api/v1/tickets/${id}`, { body: { status: 'waiting_customer' } });
    setClock('2026-03-12T09:00:00Z');
    expect((await seen()).resolution).toMatchObject({ phase: 'breached', done_at: null });
  });

  it('sort by what the list shows as due: overdue first, what stands still last, in both directions', async () => {
    setClock('2026-03-16T08:00:00Z');
    const tag = 'due-order';
    const answer = (id: string) =>
      call('POST', `/api/v1/tickets/${id}/comments`, { as: desk.anna, body: { body: 'gesehen' } });
    const overdue = await desk.open({ priority: 'critical', tags: [tag], title: 'overdue' });
    const later = await desk.open({ priority: 'low', tags: [tag], title: 'later' });
    const answered = await desk.open({ priority: 'critical', tags: [tag], title: 'answered' });
    await answer(answered.id);
    const paused = await desk.open({ priority: 'critical', tags: [tag], title: 'paused' });
    await answer(paused.id);
    await call('PATCH', `/api/v1/tickets/${paused.id}`, { body: { status: 'waiting_customer' } });
    const done = await desk.open({ priority: 'critical', tags: [tag], title: 'done' });
    await call('PATCH', `/api/v1/tickets/${done.id}`, { body: { status: 'resolved' } });
    setClock('2026-03-16T09:00:00Z');
    const list = async (order: string) => {
      const titles: string[] = [];
      let next: string | null = `/api/v1/tickets?tag=${tag}&sort=sla_due&order=${order}&limit=2&cursor=`;
      let cursor = '';
      while (next !== null) {
        const { body } = await call('GET', cursor === '' ? next.replace('&cursor=', '') : next + cursor);
        for (const one of body.data) {
          titles.push(one.title);
          expect(one.sla.due_at).toBe(one.sla.shown === null ? null : openDue(one.sla));
        }
        cursor = body.meta.next_cursor;
        if (cursor === null) next = null;
      }
      return titles;
    };
    const openDue = (sla: { shown: 'response' | 'resolution'; response: object; resolution: object }) => {
      const clock = sla[sla.shown] as { done_at: string | null; due_at: string | null };
      return clock.done_at === null ? clock.due_at : null;
    };
    const up = await list('asc');
    expect(up.slice(0, 3)).toEqual(['overdue', 'answered', 'later']);
    expect(up.slice(3).sort()).toEqual(['done', 'paused']);
    const down = await list('desc');
    expect(down.slice(0, 3)).toEqual(['later', 'answered', 'overdue']);
    expect([overdue, later].every(Boolean)).toBe(true);
  });

  it('pause in the statuses of their policy alone, from the creation on', async () => {
    const target = { response_minutes: 60, resolution_minutes: 480 };
    const policy = await call('POST', '/api/v1/sla-policies', {
      body: {
        name: 'Ohne Pause',
        pause_on: [],
        targets: { low: target, medium: target, high: target, critical: target },
      },
    });
    expect(policy.body.data.pause_on).toEqual([]);
    await desk.service.db.admin`
      update tickets.customers set sla_policy_id = ${policy.body.data.id} where customer_id = ${desk.otherCustomer}`;
    setClock('2026-03-17T08:00:00Z');
    const { id } = await desk.open({ customer_id: desk.otherCustomer, assigned_to: desk.anna.sub });
    setClock('2026-03-17T09:00:00Z');
    const waits = await call('PATCH', `/api/v1/tickets/${id}`, { body: { status: 'waiting_customer' } });
    expect(waits.body.data).toMatchObject({
      sla: { resolution: { phase: 'ok', share_used: 0.125 } },
      sla_paused_since: null,
    });
    setClock('2026-03-17T10:00:00Z');
    const path = `/api/v1/sla-policies/${policy.body.data.id}`;
    expect((await call('PATCH', path, { body: { pause_on: ['waiting_customer'] } })).status).toBe(200);
    await refreshOpenTickets(
      {
        ...desk.service.deps,
        settings: new SettingsCache(),
      },
      desk.service.tenantId,
      'sla_policy',
      policy.body.data.id,
      'test',
    );
    setClock('2026-03-17T11:00:00Z');
    const shown = (await call('GET', `/api/v1/tickets/${id}`)).body.data;
    expect(shown).toMatchObject({
      sla: {
        shown: 'response',
        due_at: '2026-03-17T09:00:00.000Z',
        resolution: { phase: 'paused', share_used: 0.125 },
      },
      sla_paused_since: '2026-03-17T09:00:00.000Z',
    });
    await desk.service.db.admin`
      update tickets.customers set sla_policy_id = null where customer_id = ${desk.otherCustomer}`;
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
      {
        ...desk.service.deps,
        settings: new SettingsCache(),
      },
      desk.service.tenantId,
      'calendar',
      calendar.body.data.id,
      'test',
    );
    expect(changed).toBe(1);
    expect(iso((await desk.row(id)).sla_response_due)).toBe('2026-03-29T03:00:00.000Z');
  });
});
