import { randomUUID } from 'node:crypto';
import { type TestService, testService } from '@psa/test-kit/service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crmService } from '../app.ts';

let crm: TestService;
beforeAll(async () => {
  crm = await testService(crmService);
});
afterAll(() => crm.close());

const url = '/api/v1/customers';
const create = async (body: object, as = {}) => {
  const answer = await crm.call('POST', url, { body, as });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.data;
};
const portal = (customerId: string) => ({
  role: 'customer_admin',
  permissions: ['customer:view', 'contact:view', 'contact:create', 'contact:update'],
  audience: 'customer' as const,
  customer_id: customerId,
});

describe('a customer', () => {
  it('is created with a number, stored, and told of in one event with all facts', async () => {
    const answer = await crm.call('POST', url, {
      body: {
        name: 'Müller & Söhne',
        email: 'info@mueller.example',
        tags: ['VIP', 'vip', 'Nord'],
        notes: 'x',
      },
    });
    expect(answer.status).toBe(201);
    const customer = answer.body.data;
    expect(customer).toMatchObject({
      name: 'Müller & Söhne',
      status: 'active',
      tags: ['vip', 'nord'],
      version: 1,
      created_at: '2026-03-02T09:00:00.000Z',
    });
    expect(customer.customer_number).toBeGreaterThan(10_000);
    expect(answer.headers.etag).toBe('"1"');
    expect(answer.headers.location).toBe(`${url}/${customer.id}`);
    const [row] = await crm.db.admin`select * from crm.customers where id = ${customer.id}`;
    expect(row).toMatchObject({
      tenant_id: crm.tenantId,
      name: 'Müller & Söhne',
      email: 'info@mueller.example',
    });
    const events = (await crm.outbox()).filter((event) => event.aggregate.id === customer.id);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      type: 'customer.created.v1',
      tenant_id: crm.tenantId,
      customer_id: customer.id,
      data: {
        customer_id: customer.id,
        customer_number: customer.customer_number,
        name: 'Müller & Söhne',
        status: 'active',
        email: 'info@mueller.example',
        phone: null,
        notes: 'x',
        tags: ['vip', 'nord'],
        sla_policy_id: null,
        version: 1,
      },
    });
  });

  it('changes by named fields, refuses an old version, and says nothing when nothing changed', async () => {
    const { id } = await create({ name: 'Alt', phone: '1' });
    const changed = await crm.call('PATCH', `${url}/${id}`, {
      body: { name: 'Neu' },
      headers: { 'if-match': '"1"' },
    });
    expect(changed.body.data).toMatchObject({ name: 'Neu', phone: '1', version: 2 });
    const late = await crm.call('PATCH', `${url}/${id}`, {
      body: { name: 'X' },
      headers: { 'if-match': '"1"' },
    });
    expect(late.status).toBe(412);
    const same = await crm.call('PATCH', `${url}/${id}`, { body: { name: 'Neu', tags: [] } });
    expect(same.body.data.version).toBe(2);
    const events = (await crm.outbox()).filter((event) => event.aggregate.id === id);
    expect(events.map((event) => [event.type, event.data.version])).toEqual([
      ['customer.created.v1', 1],
      ['customer.updated.v1', 2],
    ]);
  });

  it('goes with its contacts and sites, with an event for each', async () => {
    const { id } = await create({ name: 'Geht' });
    const site = await crm.call('POST', '/api/v1/sites', { body: { customer_id: id, name: 'Haus' } });
    const contact = await crm.call('POST', '/api/v1/contacts', {
      body: { customer_id: id, name: 'Eva', site_id: site.body.data.id },
    });
    expect((await crm.call('DELETE', `${url}/${id}`)).status).toBe(204);
    for (const path of [
      `${url}/${id}`,
      `/api/v1/sites/${site.body.data.id}`,
      `/api/v1/contacts/${contact.body.data.id}`,
    ]) {
      expect((await crm.call('GET', path)).status).toBe(404);
    }
    const rows = await crm.db.admin`
      select deleted_at from crm.customers where id = ${id}
      union all select deleted_at from crm.sites where customer_id = ${id}
      union all select deleted_at from crm.contacts where customer_id = ${id}`;
    expect(rows).toHaveLength(3);
    expect(rows.every((row) => row.deleted_at !== null)).toBe(true);
    const gone = (await crm.outbox()).filter(
      (event) => event.customer_id === id && event.type.endsWith('deleted.v1'),
    );
    expect(gone.map((event) => event.type)).toEqual([
      'contact.deleted.v1',
      'site.deleted.v1',
      'customer.deleted.v1',
    ]);
    expect((await crm.call('DELETE', `${url}/${id}`)).status).toBe(404);
    const orphan = await crm.call('POST', '/api/v1/contacts', { body: { customer_id: id, name: 'Zu spät' } });
    expect(orphan.status).toBe(404);
  });

  it('never keeps a contact that was added while it was deleted', async () => {
    for (let round = 0; round < 5; round++) {
      const { id } = await create({ name: `Wettlauf ${round}` });
      const [, ...added] = await Promise.all([
        crm.call('DELETE', `${url}/${id}`),
        ...['A', 'B', 'C'].map((name) =>
          crm.call('POST', '/api/v1/contacts', { body: { customer_id: id, name } }),
        ),
      ]);
      for (const answer of added) expect([201, 404]).toContain(answer!.status);
      const left = await crm.db
        .admin`select 1 from crm.contacts where customer_id = ${id} and deleted_at is null`;
      expect(left).toHaveLength(0);
    }
  });
});

describe('customer numbers', () => {
  it('differ when many create at once', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, (_, i) => create({ name: `Zugleich ${i}` })));
    expect(new Set(made.map((customer) => customer.customer_number)).size).toBe(20);
  });

  it('do not wait for a creator that has not committed', async () => {
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { takeCustomerNumbers } = await import('../shared/counters.ts');
    const { createCustomer } = await import('./service.ts');
    const { systemContext } = await import('@psa/service-kit/context');
    const ctx = systemContext(crm.tenantId, 'slow');
    const number = await takeCustomerNumbers(crm.deps.db, crm.tenantId, 1);
    let inserted: () => void = () => {};
    const written = new Promise<void>((resolve) => {
      inserted = resolve;
    });
    const slow = crm.deps.db.tx(ctx.scope, async (tx) => {
      await createCustomer(crm.deps, tx, ctx, number, { name: 'Langsam' });
      inserted();
      await held;
    });
    await written;
    const fast = await create({ name: 'Schnell' });
    expect(fast.customer_number).toBeGreaterThan(number);
    release();
    await slow;
  });

  it('begin anew in every tenant', async () => {
    const tid = randomUUID();
    expect((await create({ name: 'A' }, { tid })).customer_number).toBe(10_001);
    expect((await create({ name: 'B' }, { tid })).customer_number).toBe(10_002);
  });
});

describe('the list of customers', () => {
  const tid = randomUUID();
  const list = async (query: string) => (await crm.call('GET', `${url}?${query}`, { as: { tid } })).body;
  const names = async (query: string) =>
    (await list(query)).data.map((customer: { name: string }) => customer.name);
  beforeAll(async () => {
    await create({ name: 'Bäckerei Groß', email: 'post@backstube.example', tags: ['food'] }, { tid });
    await create({ name: 'Autohaus Jäger', status: 'prospect', tags: ['food', 'cars'] }, { tid });
    await create({ name: 'Café René', notes: 'streng geheim' }, { tid });
    await create({ name: '100 % Regio_nal' }, { tid });
    const { id } = await create({ name: 'Zeppelin', email: null }, { tid });
    await crm.call('POST', '/api/v1/sites', { as: { tid }, body: { customer_id: id, name: 'Halle' } });
  });

  it('sorts by name without regard to case and accents, pages and counts', async () => {
    expect(await names('sort=name')).toEqual([
      '100 % Regio_nal',
      'Autohaus Jäger',
      'Bäckerei Groß',
      'Café René',
      'Zeppelin',
    ]);
    const first = await list('limit=2&sort=name&order=desc');
    expect(first.meta).toMatchObject({ total: 5, total_pages: 3, limit: 2 });
    const second = await list(`limit=2&sort=name&order=desc&cursor=${first.meta.next_cursor}`);
    expect(second.data.map((customer: { name: string }) => customer.name)).toEqual([
      'Bäckerei Groß',
      'Autohaus Jäger',
    ]);
  });

  it.each([
    ['backerei', ['Bäckerei Groß']],
    ['BAECKEREI', ['Bäckerei Groß']],
    ['gross', ['Bäckerei Groß']],
    ['groß bäck', ['Bäckerei Groß']],
    ['jaeg', ['Autohaus Jäger']],
    ['rene', ['Café René']],
    ['backstube.ex', ['Bäckerei Groß']],
    ['%', ['100 % Regio_nal']],
    ['o_n', ['100 % Regio_nal']],
    ['ze', ['Zeppelin']],
    ['geheim', []],
    ['\\', []],
  ])('finds %s', async (text, found) => {
    expect(await names(`search=${encodeURIComponent(text)}`)).toEqual(found);
  });

  it('finds by number, filters by status and tag, thins to fields and includes', async () => {
    const [autohaus] = (await list('status=prospect')).data;
    for (const number of [
      autohaus.customer_number,
      `K${autohaus.customer_number}`,
      `k${autohaus.customer_number} auto`,
    ])
      expect(await names(`search=${number}`)).toEqual(['Autohaus Jäger']);
    expect(await names('tag=Food')).toEqual(['Autohaus Jäger', 'Bäckerei Groß']);
    const thin = await list('search=zeppelin&fields=name&include=sites');
    expect(thin.data).toEqual([
      { id: expect.any(String), name: 'Zeppelin', sites: [expect.objectContaining({ name: 'Halle' })] },
    ]);
    const bad = await crm.call('GET', `${url}?sort=notes&fields=search_text&include=tickets&status=x`, {
      as: { tid },
    });
    expect(bad.status).toBe(400);
    expect((await crm.call('GET', `${url}?sort=notes`, { as: { tid } })).body.error.details[0].field).toBe(
      'sort',
    );
  });

  it('finds the same by index and by scan', async () => {
    const big = randomUUID();
    await crm.db.admin`
      insert into crm.customers (tenant_id, id, customer_number, name, name_key, status, search_text, created_at, updated_at)
      select ${big}, gen_random_uuid(), n, 'Firma ' || n, 'firma ' || n, 'active', 'firma ' || n, now(), now()
      from generate_series(1, 1200) n`;
    const total = async (search: string) =>
      (await crm.call('GET', `${url}?count=exact&search=${search}`, { as: { tid: big } })).body.meta.total;
    expect(await total('firma')).toBe(1200);
    expect(await total('fi')).toBe(1200);
    expect(await total('firma%20777')).toBe(1);
    expect(await total('119')).toBe(12);
  });

  it('counts tags', async () => {
    const answer = await crm.call('GET', '/api/v1/customer-tags', { as: { tid } });
    expect(answer.body.data).toEqual([
      { tag: 'food', count: 2 },
      { tag: 'cars', count: 1 },
    ]);
  });
});

describe('isolation', () => {
  it('shows a customer to its tenant and its own portal users only', async () => {
    const own = await create({ name: 'Eigen', notes: 'zahlt spät', tags: ['mahnung'] });
    const other = await create({ name: 'Fremd' });
    const foreign = { tid: randomUUID() };
    for (const [method, body] of [['GET'], ['PATCH', { name: 'x' }], ['DELETE']] as const) {
      expect((await crm.call(method, `${url}/${own.id}`, { as: foreign, body })).status).toBe(404);
    }
    expect((await crm.call('GET', `${url}?search=eigen`, { as: foreign })).body.data).toEqual([]);

    const as = portal(own.id);
    const mine = await crm.call('GET', `${url}/${own.id}`, { as });
    expect(mine.body.data).toMatchObject({ name: 'Eigen', notes: null, tags: [] });
    expect((await crm.call('GET', `${url}/${other.id}`, { as })).status).toBe(404);
    expect((await crm.call('GET', `${url}?search=fremd`, { as })).body.data).toEqual([]);
    expect((await crm.call('GET', url, { as })).body.meta.total).toBe(1);
    expect((await crm.call('GET', `${url}?tag=mahnung`, { as })).status).toBe(403);
    expect((await crm.call('GET', '/api/v1/customer-tags', { as })).body.data).toEqual([]);
    expect((await crm.call('PATCH', `${url}/${own.id}`, { as, body: { name: 'x' } })).status).toBe(403);
    expect((await crm.call('GET', `${url}/export.csv`, { as })).status).toBe(403);
  });

  it('holds in the search function itself, whoever calls it', async () => {
    const { id } = await create({ name: 'Nadelkissen GmbH' });
    const find = (scope: { tenant_id: string; customer_id: string | null }) =>
      crm.deps.db.read(
        scope,
        (tx) =>
          tx.sql`select * from crm.search_candidates('customers', '%nadelkissen%', '%nadelkissen%', 10)`,
      );
    expect(await find({ tenant_id: crm.tenantId, customer_id: null })).toHaveLength(1);
    expect(await find({ tenant_id: crm.tenantId, customer_id: id })).toHaveLength(1);
    expect(await find({ tenant_id: crm.tenantId, customer_id: randomUUID() })).toHaveLength(0);
    expect(await find({ tenant_id: randomUUID(), customer_id: null })).toHaveLength(0);
  });
});

describe('the import by external id', () => {
  const body = (ids: string[]) => ({
    source: 'old-desk',
    customers: ids.map((external_id) => ({ external_id, name: `Ort ${external_id}` })),
  });
  const run = (ids: string[], as = {}) => crm.call('POST', `${url}/import`, { body: body(ids), as });

  it('creates once, however often and by how many at once it is sent', async () => {
    const tid = randomUUID();
    const answers = await Promise.all([
      run(['1', '2', '3'], { tid }),
      run(['3', '2', '1'], { tid }),
      run(['2', '2'], { tid }),
    ]);
    for (const answer of answers) expect(answer.status, answer.text).toBe(200);
    const rows = await crm.db
      .admin`select id, external_id, source from crm.customers where tenant_id = ${tid}`;
    expect(rows.map((row) => row.external_id).sort()).toEqual(['1', '2', '3']);
    const created = answers.flatMap((answer) => answer.body.data.customers).filter((item) => item.created);
    expect(created).toHaveLength(3);
    const idOf = new Map(rows.map((row) => [row.external_id, row.id]));
    for (const answer of answers) {
      for (const item of answer.body.data.customers) expect(item.id).toBe(idOf.get(item.external_id));
    }
    const events = (await crm.outbox()).filter((event) => event.tenant_id === tid);
    expect(events).toHaveLength(3);
    expect(events[0]!.data).toMatchObject({ source: 'old-desk', version: 1 });
  });

  it('leaves known ones as they are, and needs its permission', async () => {
    const first = await run(['77']);
    await crm.call('PATCH', `${url}/${first.body.data.customers[0].id}`, { body: { name: 'Umbenannt' } });
    const again = await run(['77']);
    expect(again.body.data.customers).toEqual([{ ...first.body.data.customers[0], created: false }]);
    const [row] = await crm.db
      .admin`select name from crm.customers where id = ${again.body.data.customers[0].id}`;
    expect(row!.name).toBe('Umbenannt');
    expect((await run(['78'], { permissions: ['ticket:import'] })).status).toBe(200);
    expect((await run(['79'], { permissions: ['customer:create'] })).status).toBe(403);
  });
});

describe('names of every script', () => {
  it.each([
    ['a letter that unfolds into 18', '\uFDFA'.repeat(200)],
    ['ligatures', 'ﬃ'.repeat(200)],
    ['letters of four bytes', '𠮷'.repeat(100)],
    ['accents without end', `qxz${'\u0301'.repeat(190)}`],
  ])('are stored, sorted and found: %s', async (_what, name) => {
    const created = await crm.call('POST', '/api/v1/customers', { body: { name } });
    expect(created.status).toBe(201);
    const found = await crm.call('GET', `/api/v1/customers?search=${encodeURIComponent(name.slice(0, 20))}`);
    expect([found.status, found.body.data.map((one: { id: string }) => one.id)]).toEqual([
      200,
      [created.body.data.id],
    ]);
  });
});
