import { randomUUID } from 'node:crypto';
import { liveChannel } from '@psa/contracts/event-api';
import { EVENT_CATALOG } from '@psa/contracts/events/catalog';
import { makeEvent } from '@psa/test-kit/make-event';
import { type TestService, testService } from '@psa/test-kit/service';
import { until } from '@psa/test-kit/until';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventsService } from '../app.ts';
import { storeEvents } from './consumer.ts';
import { monthsFrom, monthWorker } from './months.ts';

let events: TestService;
beforeAll(async () => {
  events = await testService(eventsService);
});
afterAll(() => events.close());

const path = '/api/v1/events';
const store = (list: ReturnType<typeof makeEvent>[]) =>
  storeEvents(events.deps, monthWorker(events.deps), list);
const partitions = async () =>
  (
    await events.db.admin`
      select c.relname as name, c.relforcerowsecurity as forced from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'events.log'::regclass order by 1`
  ).map((row) => ({ name: row.name, forced: row.forced }));

describe('months', () => {
  it('are the present one and the next, over the end of a year', () => {
    expect(monthsFrom(new Date('2026-12-31T23:59:59Z'), 2)).toEqual([
      '2026-12-01T00:00:00Z',
      '2027-01-01T00:00:00Z',
      '2027-02-01T00:00:00Z',
    ]);
  });

  it('are made ahead, also when the month changes, by several replicas at once', async () => {
    events.clock.set('2027-03-31T23:59:59Z');
    const worker = monthWorker(events.deps);
    await Promise.all([worker.ahead(), monthWorker(events.deps).ahead(), monthWorker(events.deps).ahead()]);
    const names = async () =>
      (await partitions()).map((one) => one.name).filter((name) => name.includes('2027'));
    expect(await names()).toEqual(['log_2027_03', 'log_2027_04', 'log_2027_05']);
    events.clock.advance({ seconds: 1 });
    await worker.ahead();
    expect(await names()).toEqual(['log_2027_03', 'log_2027_04', 'log_2027_05', 'log_2027_06']);
    expect((await partitions()).every((one) => one.forced)).toBe(true);
    events.clock.set('2026-03-02T09:00:00Z');
  });

  it('are made on demand, and each event lies in its own', async () => {
    const tenant_id = randomUUID();
    await store([
      makeEvent({ tenant_id, occurred_at: '2016-02-29T23:59:59.999Z' }),
      makeEvent({ tenant_id, occurred_at: '2016-03-01T00:00:00.000Z' }),
    ]);
    const rows = await events.db.admin`
      select tableoid::regclass::text as part from events.log where tenant_id = ${tenant_id} order by occurred_at`;
    expect(rows.map((row) => row.part)).toEqual(['events.log_2016_02', 'events.log_2016_03']);
  });

  it('beyond reason are refused, and the service may make no table itself', async () => {
    const ask = (at: string) =>
      events.deps.db.system((tx) => tx.sql`select events.ensure_month(${at}::timestamptz)`);
    await expect(ask('1800-01-01T00:00:00Z')).rejects.toThrow('no month');
    await expect(events.deps.db.system((tx) => tx.sql`create table events.mine (id int)`)).rejects.toThrow(
      'permission denied',
    );
  });
});

describe('the store', () => {
  it('takes an event once, however often it comes', async () => {
    const tenant_id = randomUUID();
    const event = makeEvent({ tenant_id, data: { text: "Grüße '\\ 🎉", n: 1.5, list: [null] } });
    const other = makeEvent({ tenant_id });
    await Promise.all([store([event, event, other]), store([other, event])]);
    await store([event]);
    const answer = await events.call('GET', `${path}/history`, { as: { tid: tenant_id } });
    expect(answer.body.data).toHaveLength(2);
    const got = await events.call('GET', `${path}/${event.id}`, { as: { tid: tenant_id } });
    expect(got.body.data).toEqual({ ...event, recorded_at: '2026-03-02T09:00:00.000Z' });
    const stats = await events.db
      .admin`select sum(count)::int as n from events.hourly where tenant_id = ${tenant_id}`;
    expect(stats[0]!.n).toBe(2);
    // Even where the inbox has forgotten it.
    await events.db.admin`delete from events.inbox where tenant_id = ${tenant_id}`;
    await store([event]);
    expect((await events.db.admin`select 1 from events.log where tenant_id = ${tenant_id}`).length).toBe(2);
  });

  it('keeps the order in which events of one instant came', async () => {
    const tenant_id = randomUUID();
    const list = Array.from({ length: 60 }, (_, n) => makeEvent({ tenant_id, data: { n } }));
    await store(list.slice(0, 25));
    await store(list.slice(25));
    const seen: number[] = [];
    let url: string | null = `${path}/history?limit=17`;
    while (url) {
      const answer = await events.call('GET', url, { as: { tid: tenant_id } });
      expect(answer.status, answer.text).toBe(200);
      seen.push(...answer.body.data.map((event: { data: { n: number } }) => event.data.n));
      url = answer.body.links.next;
    }
    expect(seen).toEqual(Array.from({ length: 60 }, (_, n) => 59 - n));
  });

  it('tells live listeners what happened, not what it said', async () => {
    const tenant_id = randomUUID();
    const heard: string[] = [];
    const stop = await events.deps.cache.subscribe(
      liveChannel(tenant_id),
      (message) => void heard.push(message),
    );
    const event = makeEvent({ tenant_id, customer_id: randomUUID(), public: false, data: { secret: 'x' } });
    await store([event, event]);
    await store([event]);
    await until(() => heard.length > 0);
    await stop();
    expect(heard.map((message) => JSON.parse(message))).toEqual([
      {
        id: event.id,
        type: event.type,
        aggregate: event.aggregate,
        occurred_at: event.occurred_at,
        customer_id: event.customer_id,
        public: false,
      },
    ]);
  });

  it('stores although nobody can be told', async () => {
    const tenant_id = randomUUID();
    const deaf = {
      ...events.deps,
      cache: {
        ...events.deps.cache,
        publish: async () => {
          throw new Error('away');
        },
      } as never,
    };
    await storeEvents(deaf, monthWorker(events.deps), [makeEvent({ tenant_id })]);
    expect((await events.db.admin`select 1 from events.log where tenant_id = ${tenant_id}`).length).toBe(1);
  });
});

describe('the history', () => {
  const tid = randomUUID();
  const aggregate = { type: 'customer', id: randomUUID() };
  beforeAll(async () => {
    const at = (minute: number) => ({
      tenant_id: tid,
      occurred_at: `2026-03-02T08:${String(minute).padStart(2, '0')}:00.000Z`,
    });
    await store([
      makeEvent({ ...at(1), type: 'ticket.opened.v1', correlation_id: 'req_1' }),
      makeEvent({ ...at(2), type: 'ticket.updated.v1' }),
      makeEvent({ ...at(3), type: 'customer.created.v1', aggregate, correlation_id: 'req_1' }),
      makeEvent({ ...at(4), type: 'tickets_other.made.v1' }),
    ]);
  });
  const types = async (query: string) =>
    (await events.call('GET', `${path}/history?${query}`, { as: { tid } })).body.data.map(
      (event: { type: string }) => event.type,
    );

  it('filters by type, prefix, aggregate, correlation and time', async () => {
    expect(await types('type=ticket.opened.v1')).toEqual(['ticket.opened.v1']);
    expect(await types('type=ticket.')).toEqual(['ticket.updated.v1', 'ticket.opened.v1']);
    expect(await types(`aggregate_type=customer&aggregate_id=${aggregate.id}`)).toEqual([
      'customer.created.v1',
    ]);
    expect(await types('correlation_id=req_1')).toEqual(['customer.created.v1', 'ticket.opened.v1']);
    expect(await types('after=2026-03-02T08:02:00Z&before=2026-03-02T08:04:00Z')).toEqual([
      'customer.created.v1',
      'ticket.updated.v1',
    ]);
    const bad = await events.call('GET', `${path}/history?cursor=nonsense`, { as: { tid } });
    expect(bad.status).toBe(400);
    expect(bad.body.error.details[0].field).toBe('cursor');
  });

  it('counts by type and hour', async () => {
    const answer = await events.call('GET', `${path}/stats?hours=2`, { as: { tid } });
    expect(answer.body.data).toMatchObject({
      total: 4,
      since: '2026-03-02T07:00:00.000Z',
      per_hour: [{ hour: '2026-03-02T08:00:00.000Z', count: 4 }],
    });
    expect(answer.body.data.by_type).toContainEqual({
      type: 'customer.created.v1',
      count: 1,
      last_at: '2026-03-02T08:03:00.000Z',
    });
  });

  it('is for staff of the tenant with the permission', async () => {
    const [event] = (await events.call('GET', `${path}/history`, { as: { tid } })).body.data;
    const portal = {
      tid,
      audience: 'customer' as const,
      customer_id: aggregate.id,
      permissions: ['event:view'],
    };
    for (const as of [{ tid: randomUUID() }, portal]) {
      expect((await events.call('GET', `${path}/history`, { as })).body.data).toEqual([]);
      expect((await events.call('GET', `${path}/stats`, { as })).body.data.total).toBe(0);
      expect((await events.call('GET', `${path}/${event.id}`, { as })).status).toBe(404);
    }
    expect((await events.call('GET', `${path}/history`, { as: { tid, permissions: [] } })).status).toBe(403);
    expect((await events.call('GET', `${path}/history`, { as: null })).status).toBe(401);
    // A partition asked directly is as closed as the whole.
    const rows = await events.deps.db.read({ tenant_id: randomUUID(), customer_id: null }, (tx) =>
      tx.sql.unsafe('select 1 from events.log_2026_03'),
    );
    expect(rows).toHaveLength(0);
  });

  it('names every event of the catalog with its schema', async () => {
    const answer = await events.call('GET', `${path}/types`);
    expect(answer.body.data.map((one: { type: string }) => one.type)).toEqual(Object.keys(EVENT_CATALOG));
    const created = answer.body.data.find((one: { type: string }) => one.type === 'customer.created.v1');
    expect(created.schema.properties.customer_number).toMatchObject({ type: 'integer' });
  });
});
