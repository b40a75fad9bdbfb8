import { randomUUID } from 'node:crypto';
import { systemContext } from '@psa/service-kit/context';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDesk, testDesk } from '../desk.test-helper.ts';
import { createDefaults } from './defaults.ts';

let desk: TestDesk;
let call: TestDesk['service']['call'];
const setClock = (at: string) => desk.service.clock.set(at);

beforeAll(async () => {
  desk = await testDesk({ now: '2026-03-02T09:00:00Z' });
  call = desk.service.call;
  const ctx = systemContext(desk.service.tenantId, 'test');
  await desk.service.deps.db.tx(ctx.scope, (tx) => createDefaults(desk.service.deps, tx, ctx));
});
afterAll(() => desk.service.close());

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

  it('refuse a deadline that its calendar never reaches, and a change of the calendar that makes one so', async () => {
    const target = { response_minutes: 60, resolution_minutes: 4_000 };
    const targets = { low: target, medium: target, high: target, critical: target };
    const weekly = { '1': [{ start: '10:00', end: '11:00' }] };
    let made = 0;
    const calendar = (body: object) =>
      call('POST', '/api/v1/calendars', {
        body: { name: `Kalender ${++made}`, time_zone: 'UTC', week: weekly, ...body },
      });
    const policy = (body: object) =>
      call('POST', '/api/v1/sla-policies', { body: { name: 'z', targets, ...body } });
    const fields = (answer: { body: { error: { details: { field: string }[] } } }) =>
      answer.body.error.details.map(({ field }) => field);

    const narrow = (await calendar({})).body.data;
    const refused = await policy({ calendar_id: narrow.id });
    expect(refused.status).toBe(400);
    expect(fields(refused)).toEqual(
      ['low', 'medium', 'high', 'critical'].map((priority) => `targets.${priority}.resolution_minutes`),
    );
    const closed = Array.from({ length: 365 }, (_, day) => ({
      date: new Date(Date.UTC(2027, 0, 1 + day)).toISOString().slice(0, 10),
      name: 'Zu',
    }));
    const never = (await calendar({ week: { '2': weekly['1'] }, holidays: closed })).body.data;
    expect(fields(await policy({ calendar_id: never.id }))).toContain('targets.low.response_minutes');

    const wide = (await calendar({ week: { ...weekly, '2': [{ start: '00:00', end: '24:00' }] } })).body.data;
    const gold = (await policy({ calendar_id: wide.id })).body.data;
    const change = (path: string, body: object) => call('PATCH', `/api/v1/${path}`, { body });
    const smaller = await change(`calendars/${wide.id}`, { week: weekly });
    expect([smaller.status, new Set(fields(smaller))]).toEqual([400, new Set(['week'])]);
    expect(smaller.body.error.details[0].message).toContain('the SLA policy "z"');
    expect(fields(await change(`calendars/${wide.id}`, { holidays: closed }))).toContain('holidays');
    expect((await change(`sla-policies/${gold.id}`, { calendar_id: narrow.id })).status).toBe(400);
    expect((await change(`calendars/${wide.id}`, { name: 'y' })).status).toBe(200);
    // What nothing is counted in may be as narrow as it likes.
    expect((await change(`calendars/${narrow.id}`, { holidays: closed })).status).toBe(200);
    expect((await call('DELETE', `/api/v1/sla-policies/${gold.id}`)).status).toBe(204);
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
    expect((await call('DELETE', `/api/v1/sla-policies/${created.body.data.id}`)).status).toBe(409);
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
    expect((await call('POST', '/api/v1/categories', { body: { name: 'VPN' } })).status).toBe(201);
    const rule = await call('POST', '/api/v1/assignment-rules', {
      body: { name: 'VPN', category: 'vpn', team_id: team.id, skills: ['vpn'] },
    });
    expect([rule.status, rule.body.data?.category]).toEqual([201, 'VPN']);
    // Also for a portal user, who may see neither rules nor load, and finds the category in the desk's list.
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

  it('goes by a rule for one customer only at that customer, and names it', async () => {
    const team = (
      await call('POST', '/api/v1/teams', { body: { name: 'Nordwind', member_ids: [desk.anna.sub] } })
    ).body.data;
    const customer_id = desk.customer;
    const rule = await call('POST', '/api/v1/assignment-rules', {
      body: { name: 'Nur dort', customer_id, team_id: team.id },
    });
    expect(rule.status).toBe(201);
    const { name } = (
      await desk.service.db.admin`
      select name from tickets.customers where customer_id = ${customer_id}`
    )[0] as { name: string };
    expect(rule.body.data).toMatchObject({ customer_id, customer_name: name });
    const listed = await call('GET', '/api/v1/assignment-rules?limit=100');
    expect(listed.body.data.find(({ id }: { id: string }) => id === rule.body.data.id).customer_name).toBe(
      name,
    );
    expect(await desk.open({})).toMatchObject({ team_id: team.id });
    // Without the condition it is a rule for every ticket again.
    const path = `/api/v1/assignment-rules/${rule.body.data.id}`;
    const freed = await call('PATCH', path, { body: { customer_id: null } });
    expect(freed.body.data).toMatchObject({ customer_id: null, customer_name: null });
    expect((await call('DELETE', path)).status).toBe(204);
    expect((await desk.open({})).team_id).not.toBe(team.id);
  });

  it('prefers the technician whom the customer prefers', async () => {
    await desk.service.db.admin`
      update tickets.customers set preferred_technician_id = ${desk.anna.sub} where customer_id = ${desk.customer}`;
    expect(await desk.open({}, desk.user)).toMatchObject({ assigned_to: desk.anna.sub, status: 'assigned' });
    expect(await desk.open({ assigned_to: desk.ben.sub })).toMatchObject({ assigned_to: desk.ben.sub });
    await desk.service.db.admin`
      update tickets.customers set preferred_technician_id = null where customer_id = ${desk.customer}`;
  });

  it('is by names that are there, in rules and in views', async () => {
    await desk.open({ category: 'Getippt', tags: ['dringlich'] });
    const id = randomUUID();
    const rules = [
      [{ category: 'Gibt es nicht' }, 'category'],
      [{ team_id: id }, 'team_id'],
      [{ customer_id: id }, 'customer_id'],
      [{ skills: ['Zaubern'] }, 'skills'],
    ] as const;
    const made = await call('POST', '/api/v1/assignment-rules', { body: { name: 'A', category: 'GETIPPT' } });
    expect([made.status, made.body.data?.category]).toEqual([201, 'Getippt']);
    for (const [body, field] of rules) {
      for (const answer of [
        await call('POST', '/api/v1/assignment-rules', { body: { name: 'x', ...body } }),
        await call('PATCH', `/api/v1/assignment-rules/${made.body.data.id}`, { body }),
      ])
        expect([answer.status, answer.body.error?.details[0].field], JSON.stringify(body)).toEqual([
          400,
          field,
        ]);
    }
    expect((await call('DELETE', `/api/v1/assignment-rules/${made.body.data.id}`)).status).toBe(204);

    const save = (query: string) => call('POST', '/api/v1/saved-views', { body: { name: 'x', query } });
    for (const query of [
      'category=Gibt+es+nicht',
      'tag=gibtesnicht',
      `team_id=${id}`,
      `customer_id=${id}`,
      `assigned_to=${id}`,
      `assigned_to=me,none,${id}`,
      `assigned_to=${desk.ben.sub},${id}`,
      `team_id=mine,${id}`,
      'category=Getippt,Gibt+es+nicht',
      'status=erledigt',
      'farbe=rot',
    ]) {
      const answer = await save(query);
      expect([query, answer.status, answer.body.error?.details[0].field]).toEqual([query, 400, 'query']);
    }
    const good = await save(
      `category=getippt&tag=Dringlich&watching=true&assigned_to=${desk.ben.sub}&status=open,closed`,
    );
    expect(good.status, good.text).toBe(201);
    expect(new URLSearchParams(good.body.data.query).get('category')).toBe('Getippt');
    const several = await save(`category=getippt&assigned_to=me,none,${desk.ben.sub}&team_id=mine,none`);
    expect(several.status, several.text).toBe(201);
    const renamed = await call('PATCH', `/api/v1/saved-views/${good.body.data.id}`, {
      body: { name: 'Anders' },
    });
    expect(renamed.body.data).toMatchObject({ name: 'Anders', query: good.body.data.query });
  });

  it('takes nobody who is not there', async () => {
    const answer = await call('POST', '/api/v1/assignment-rules', {
      body: { name: 'x', team_id: randomUUID() },
    });
    expect(answer.body.error.details[0].field).toBe('team_id');
    const rule = await call('POST', '/api/v1/assignment-rules', {
      body: { name: 'x', customer_id: randomUUID() },
    });
    expect(rule.status).toBe(400);
    expect(rule.body.error.details[0].field).toBe('customer_id');
  });
});
