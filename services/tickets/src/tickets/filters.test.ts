import { randomUUID } from 'node:crypto';
import { systemContext } from '@psa/service-kit/context';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDefaults } from '../desk/defaults.ts';
import { type TestDesk, testDesk } from '../desk.test-helper.ts';

let desk: TestDesk;
let call: TestDesk['service']['call'];
/** Two teams: Anna's, in which Ben is not. */
const [netz, büro] = [randomUUID(), randomUUID()];
/** Titles of the tickets that a filter leaves, in the order they were opened. */
async function titles(query: string, as?: TestDesk['boss']): Promise<string[]> {
  const answer = await call('GET', `/api/v1/tickets?sort=ticket_number&limit=100&${query}`, as ? { as } : {});
  expect(answer.status, answer.text).toBe(200);
  return answer.body.data.map((ticket: { title: string }) => ticket.title);
}
const given = encodeURIComponent;

beforeAll(async () => {
  desk = await testDesk({ now: '2026-03-02T09:00:00Z' });
  call = desk.service.call;
  const { tenantId, db, deps } = desk.service;
  const ctx = systemContext(tenantId, 'test');
  await db.admin`insert into tickets.teams (tenant_id, id, name) values
    (${tenantId}, ${netz}, 'Netz'), (${tenantId}, ${büro}, 'Büro')`;
  await db.admin`insert into tickets.team_members (tenant_id, team_id, user_id) values
    (${tenantId}, ${netz}, ${desk.anna.sub})`;
  await desk.open({ title: 'ohne Frist', priority: 'low', team_id: büro, category: 'Server, Cloud' });
  await deps.db.tx(ctx.scope, (tx) => createDefaults(deps, tx, ctx));
  const make = (title: string, body: object) => desk.open({ title, ...body });
  await make('Anna', {
    priority: 'critical',
    assigned_to: desk.anna.sub,
    category: 'Netzwerk',
    tags: ['vpn'],
  });
  await make('Ben', { priority: 'high', assigned_to: desk.ben.sub, team_id: büro, tags: ['wlan', 'vpn'] });
  await make('Netz', { priority: 'medium', team_id: netz, category: 'Netzwerk' });
  await make('fremd', { priority: 'low', customer_id: desk.otherCustomer, team_id: büro, tags: ['druck'] });
});
afterAll(() => desk.service.close());

describe('several values of one filter', () => {
  it('leave what has any of them', async () => {
    expect(await titles('priority=critical,high')).toEqual(['Anna', 'Ben']);
    expect(await titles('status=new,resolved')).toEqual(['ohne Frist', 'Netz', 'fremd']);
    expect(await titles(`assigned_to=${desk.anna.sub},${desk.ben.sub}`)).toEqual(['Anna', 'Ben']);
    expect(await titles(`assigned_to=none,${desk.ben.sub}`)).toEqual(['ohne Frist', 'Ben', 'Netz', 'fremd']);
    expect(await titles('assigned_to=me,none', desk.anna)).toEqual(['ohne Frist', 'Anna', 'Netz', 'fremd']);
    expect(await titles(`customer_id=${desk.customer},${desk.otherCustomer}`)).toHaveLength(5);
    expect(await titles(`customer_id=${desk.otherCustomer},${randomUUID()}`)).toEqual(['fremd']);
    expect(await titles('tag=WLAN,druck')).toEqual(['Ben', 'fremd']);
    expect(await titles(`team_id=${netz},none`)).toEqual(['Anna', 'Netz']);
    expect(await titles(`priority=critical,low&team_id=${büro},${netz}`)).toEqual(['ohne Frist', 'fremd']);
  });

  it('take a comma inside a category with a backslash, and as earlier links wrote it', async () => {
    expect(await titles(`category=${given('Netzwerk,Server\\, Cloud')}`)).toEqual([
      'ohne Frist',
      'Anna',
      'Netz',
    ]);
    expect(await titles(`category=${given('Server, Cloud')}`)).toEqual(['ohne Frist']);
    expect(await titles(`category=${given('Server\\, Cloud')}`)).toEqual(['ohne Frist']);
  });

  it('know my team: what it has, and what somebody in it has', async () => {
    expect(await titles('team_id=mine', desk.anna)).toEqual(['Anna', 'Netz']);
    expect(await titles(`team_id=mine,${büro}`, desk.anna)).toEqual([
      'ohne Frist',
      'Anna',
      'Ben',
      'Netz',
      'fremd',
    ]);
    expect(await titles('team_id=mine', desk.ben)).toEqual([]);
  });

  it('know every state of a deadline', async () => {
    expect(await titles('sla=none')).toEqual(['ohne Frist']);
    expect(await titles('sla=ok')).toEqual(['Anna', 'Ben', 'Netz', 'fremd']);
    desk.service.clock.set('2026-03-02T09:26:00Z');
    expect(await titles('sla=at_risk')).toEqual(['Anna']);
    desk.service.clock.set('2026-03-02T09:45:00Z');
    expect(await titles('sla=overdue')).toEqual(['Anna']);
    expect(await titles('sla=overdue,none')).toEqual(['ohne Frist', 'Anna']);
    expect(await titles('sla=ok,overdue,at_risk,paused')).toEqual(['Anna', 'Ben', 'Netz', 'fremd']);
    const [ben] = (await call('GET', `/api/v1/tickets?assigned_to=${desk.ben.sub}`)).body.data;
    const waiting = { body: { status: 'waiting_customer' } };
    expect((await call('PATCH', `/api/v1/tickets/${ben.id}`, waiting)).status).toBe(200);
    expect(await titles('sla=paused')).toEqual(['Ben']);
  });

  it('name what is wrong', async () => {
    const id = randomUUID();
    for (const [query, field] of [
      ['priority=critical,urgent', 'priority'],
      ['status=open,', 'status'],
      [`customer_id=${id},x`, 'customer_id'],
      [`customer_id=${id},none`, 'customer_id'],
      [`assigned_to=me,nobody`, 'assigned_to'],
      [`team_id=${Array.from({ length: 51 }, () => id).join(',')}`, 'team_id'],
      ['tag=vpn,,wlan', 'tag'],
      ['sla=late', 'sla'],
      ['category=', 'category'],
    ]) {
      const answer = await call('GET', `/api/v1/tickets?${query}`);
      expect([query, answer.status, answer.body.error?.details[0].field]).toEqual([query, 400, field]);
    }
  });

  it('show portal users no more than their own', async () => {
    expect(await titles(`customer_id=${desk.customer},${desk.otherCustomer}`, desk.stranger)).toEqual([
      'fremd',
    ]);
    expect(await titles('team_id=mine,none&assigned_to=none', desk.stranger)).toEqual([]);
  });
});

describe('counts of several lists', () => {
  const count = (queries: string[], as?: TestDesk['boss']) =>
    call('GET', `/api/v1/tickets/counts?lists=${given(queries.join(';'))}`, as ? { as } : {});

  it('are those of the lists, in one answer; what is no list has none', async () => {
    const queries = [
      '',
      'priority=critical,high',
      'assigned_to=me&status=open',
      'search=Ben',
      'farbe=rot',
      'watching=true',
    ];
    const { status, body } = await count(queries, desk.anna);
    expect(status).toBe(200);
    expect(body.data.map((one: { total: number } | null) => one?.total ?? null)).toEqual([
      5,
      2,
      1,
      null,
      null,
      0,
    ]);
    expect(body.data[0]).toEqual({ total: 5, total_relation: 'eq' });
    expect((await count([''], desk.stranger)).body.data).toEqual([{ total: 1, total_relation: 'eq' }]);
  });

  it('refuse too many, and none', async () => {
    const answer = await count(Array.from({ length: 61 }, () => ''));
    expect([answer.status, answer.body.error.details[0].field]).toEqual([400, 'lists']);
    const none = await call('GET', '/api/v1/tickets/counts');
    expect([none.status, none.body.error.details[0].field]).toEqual([400, 'lists']);
  });
});

describe('figures of the dashboard', () => {
  const stats = async (of: string, as: TestDesk['boss']) =>
    (await call('GET', `/api/v1/tickets/stats?of=${of}`, { as })).body;

  it('are of all, of my team, or mine', async () => {
    const sums = async (of: string, as = desk.anna) => {
      const { data } = await stats(of, as);
      const open: number[] = Object.values(data.open_by_status);
      return [open.reduce((sum, n) => sum + n), data.unassigned, data.sla_overdue, data.load.length];
    };
    expect(await sums('all')).toEqual([5, 3, 1, 2]);
    expect(await sums('team')).toEqual([2, 1, 1, 1]);
    expect(await sums('mine')).toEqual([1, 0, 1, 1]);
    expect(await sums('team', desk.ben)).toEqual([0, 0, 0, 0]);
    const { data } = await stats('team', desk.anna);
    expect(data.created_per_day.at(-1)).toMatchObject({ created: 2 });
  });

  it('of some people are for staff', async () => {
    expect((await stats('team', desk.boss)).error.details[0]).toMatchObject({
      field: 'of',
      code: 'not_for_you',
    });
    expect((await stats('nobody', desk.anna)).error.details[0].field).toBe('of');
  });
});
