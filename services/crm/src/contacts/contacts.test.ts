import { randomUUID } from 'node:crypto';
import { makeEvent } from '@psa/test-kit/make-event';
import { type TestService, testService } from '@psa/test-kit/service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crmService } from '../app.ts';
import { linkPortalUser } from './portal-users.ts';

let crm: TestService;
let own: string;
let other: string;
beforeAll(async () => {
  crm = await testService(crmService);
  own = (await post('/customers', { name: 'Eigen' })).body.data.id;
  other = (await post('/customers', { name: 'Fremd' })).body.data.id;
});
afterAll(() => crm.close());

const post = (path: string, body: object, as = {}) => crm.call('POST', `/api/v1${path}`, { body, as });
const get = (path: string, as = {}) => crm.call('GET', `/api/v1${path}`, { as });
const patch = (path: string, body: object, as = {}) => crm.call('PATCH', `/api/v1${path}`, { body, as });
const contact = async (body: object) => {
  const answer = await post('/contacts', { customer_id: own, name: 'Eva', ...body });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.data;
};
const told = async (id: string) =>
  (await crm.outbox())
    .filter((event) => event.aggregate.id === id)
    .map((event) => [event.type, event.data.version]);

describe('a site', () => {
  it('is created, changed, listed and deleted, and tells of it', async () => {
    const made = await post('/sites', {
      customer_id: own,
      name: 'Lager',
      city: 'Köln',
      time_zone: 'Europe/Berlin',
    });
    expect(made.status).toBe(201);
    const { id } = made.body.data;
    const person = await contact({ site_id: id });
    expect((await patch(`/sites/${id}`, { city: 'Bonn' })).body.data).toMatchObject({
      city: 'Bonn',
      version: 2,
    });
    expect((await get('/sites?search=bonn&include=customer')).body.data[0].customer.name).toBe('Eigen');
    expect((await get(`/contacts?site_id=${id}&include=site,customer`)).body.data[0]).toMatchObject({
      site: { name: 'Lager' },
      customer: { name: 'Eigen' },
    });
    expect((await crm.call('DELETE', `/api/v1/sites/${id}`)).status).toBe(204);
    expect((await get(`/contacts/${person.id}`)).body.data).toMatchObject({ site_id: null, version: 2 });
    expect(await told(id)).toEqual([
      ['site.created.v1', 1],
      ['site.updated.v1', 2],
      ['site.deleted.v1', 3],
    ]);
    expect((await told(person.id)).at(-1)).toEqual(['contact.updated.v1', 2]);
  });

  it('needs a real customer and a real time zone', async () => {
    expect((await post('/sites', { customer_id: randomUUID(), name: 'x' })).status).toBe(404);
    const bad = await post('/sites', { customer_id: own, name: 'x', time_zone: 'Mars/Olympus' });
    expect(bad.status).toBe(400);
    expect(bad.body.error.details[0].field).toBe('time_zone');
  });
});

describe('a contact', () => {
  it('belongs to a customer, and its site to the same', async () => {
    const site = (await post('/sites', { customer_id: other, name: 'Fremdes Haus' })).body.data.id;
    const wrong = await post('/contacts', { customer_id: own, name: 'x', site_id: site });
    expect(wrong.status).toBe(404);
    expect(wrong.body.error.details[0].field).toBe('site_id');
    const nobody = await post('/contacts', { name: 'x' });
    expect(nobody.body.error.details[0].field).toBe('customer_id');
  });

  it('is the main contact alone, also when several are made so at once', async () => {
    const people = await Promise.all(['A', 'B', 'C', 'D'].map((name) => contact({ name, is_primary: true })));
    await Promise.all(people.map((person) => patch(`/contacts/${person.id}`, { is_primary: true })));
    const rows = await crm.db.admin`select id from crm.contacts where customer_id = ${own} and is_primary`;
    expect(rows).toHaveLength(1);
    const list = await get(`/contacts?customer_id=${own}&is_primary=true`);
    expect(list.body.data.map((person: { id: string }) => person.id)).toEqual([rows[0]!.id]);
  });

  it('is found by name, mail and phone; sorted with empty ones last', async () => {
    await contact({ name: 'Jörg Weiß', email: 'joerg@weiss.example', phone: '0221 998877' });
    for (const text of ['joerg', 'weiss jorg', 'weiss.example', '998877']) {
      expect(
        (await get(`/contacts?search=${encodeURIComponent(text)}`)).body.data.map(
          (p: { name: string }) => p.name,
        ),
      ).toEqual(['Jörg Weiß']);
    }
    const sorted = (await get('/contacts?sort=email&limit=1')).body;
    expect(sorted.data[0].email).toBe('joerg@weiss.example');
    expect(
      (await get(`/contacts?sort=email&limit=1&cursor=${sorted.meta.next_cursor}`)).body.data[0].email,
    ).toBe(null);
  });

  it('is deleted softly, once', async () => {
    const { id } = await contact({});
    expect((await crm.call('DELETE', `/api/v1/contacts/${id}`)).status).toBe(204);
    expect((await crm.call('DELETE', `/api/v1/contacts/${id}`)).status).toBe(404);
    expect(await told(id)).toEqual([
      ['contact.created.v1', 1],
      ['contact.deleted.v1', 2],
    ]);
  });
});

describe('the administrator of a customer', () => {
  const admin = () => ({ role: 'customer_admin', audience: 'customer' as const, customer_id: own });
  const as = () => ({
    ...admin(),
    permissions: ['customer:view', 'contact:view', 'contact:create', 'contact:update'],
  });

  it('sees and keeps the contacts and sites of its own company only', async () => {
    const foreign = (await post('/contacts', { customer_id: other, name: 'Fremde' })).body.data.id;
    const house = (await post('/sites', { customer_id: other, name: 'Haus' })).body.data.id;
    const noted = await contact({ name: 'Notiert', notes: 'schwierig' });
    expect((await get(`/contacts/${noted.id}`, as())).body.data.notes).toBe(null);
    for (const path of [`/contacts/${foreign}`, `/sites/${house}`])
      expect((await get(path, as())).status).toBe(404);
    const seen = (await get('/contacts?limit=100', as())).body.data;
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.every((person: { customer_id: string }) => person.customer_id === own)).toBe(true);

    const made = await post('/contacts', { name: 'Neu' }, as());
    expect(made.status).toBe(201);
    expect(made.body.data.customer_id).toBe(own);
    expect((await patch(`/contacts/${made.body.data.id}`, { phone: '1' }, as())).status).toBe(200);
    expect((await post('/contacts', { name: 'x', customer_id: other }, as())).status).toBe(404);
    expect((await patch(`/contacts/${foreign}`, { name: 'x' }, as())).status).toBe(404);
    expect((await post('/contacts', { name: 'x', notes: 'y' }, as())).body.error.details[0].field).toBe(
      'notes',
    );
    expect((await crm.call('DELETE', `/api/v1/contacts/${noted.id}`, { as: as() })).status).toBe(403);
    expect((await post('/sites', { customer_id: own, name: 'x' }, as())).status).toBe(403);
  });

  it('is nobody in another tenant', async () => {
    expect((await get('/contacts', { ...as(), tid: randomUUID() })).body.data).toEqual([]);
  });
});

describe('the import of contacts', () => {
  const run = (ids: string[], customer_id = own, as = {}) =>
    post(
      '/contacts/import',
      {
        source: 'old-desk',
        contacts: ids.map((external_id) => ({ external_id, name: `P ${external_id}`, customer_id })),
      },
      as,
    );

  it('creates once, however often and by how many at once', async () => {
    const answers = await Promise.all([run(['1', '2']), run(['2', '1']), run(['1'])]);
    for (const answer of answers) expect(answer.status, answer.text).toBe(200);
    const made = answers.flatMap((answer) => answer.body.data.contacts);
    expect(made.filter((item) => item.created)).toHaveLength(2);
    expect(new Set(made.map((item) => item.id)).size).toBe(2);
    expect(await told(made[0].id)).toEqual([['contact.created.v1', 1]]);
  });

  it('names the customers that it does not know, and then writes nothing', async () => {
    const answer = await run(['8', '9'], randomUUID());
    expect(answer.status).toBe(400);
    expect(answer.body.error.details.map((detail: { field: string }) => detail.field)).toEqual([
      'contacts[0].customer_id',
      'contacts[1].customer_id',
    ]);
    expect((await run(['8'], own, { permissions: ['contact:create'] })).status).toBe(403);
  });
});

describe('portal users', () => {
  it('are linked with the contact of their address, and unlinked when they go', async () => {
    const person = await contact({ name: 'Login', email: 'Login@x.example' });
    const stranger = (await post('/contacts', { customer_id: other, name: 'x', email: 'login@x.example' }))
      .body.data;
    const user = { user_id: randomUUID(), email: 'login@x.example', name: 'L', role: 'customer_user' };
    const event = (type: string, version: number) =>
      makeEvent({
        tenant_id: crm.tenantId,
        type,
        data: { ...user, audience: 'customer', customer_id: own, status: 'active', version },
      });
    const created = event('user.created.v1', 1);
    await linkPortalUser(crm.deps, created);
    await linkPortalUser(crm.deps, created);
    expect((await get(`/contacts/${person.id}`)).body.data).toMatchObject({
      user_id: user.user_id,
      version: 2,
    });
    expect((await get(`/contacts/${stranger.id}`)).body.data.user_id).toBe(null);
    await linkPortalUser(crm.deps, event('user.deleted.v1', 2));
    expect((await get(`/contacts/${person.id}`)).body.data).toMatchObject({ user_id: null, version: 3 });
  });
});

describe('addresses and numbers as people write them', () => {
  it('of an internationalised domain are stored once and found in both forms', async () => {
    const customer = (await post('/customers', { name: 'Müller' })).body.data.id;
    for (const [email, name] of [
      ['info@müller.example', 'Ines'],
      [' INFO@xn--mller-kva.example ', 'Ingo'],
    ]) {
      const made = await crm.call('POST', '/api/v1/contacts', {
        body: { customer_id: customer, name, email },
      });
      expect(made.status).toBe(201);
      expect(made.body.data.email).toBe('info@müller.example');
    }
    for (const search of [
      'info@müller.example',
      'info@xn--mller-kva.example',
      'MÜLLER.EXAMPLE',
      'mueller.example',
    ]) {
      const found = await crm.call(
        'GET',
        `/api/v1/contacts?customer_id=${customer}&search=${encodeURIComponent(search)}`,
      );
      expect([search, found.body.meta.total]).toEqual([search, 2]);
    }
  });

  it('are found by their digits', async () => {
    const customer = (await post('/customers', { name: 'Telefon' })).body.data.id;
    await crm.call('POST', '/api/v1/contacts', {
      body: { customer_id: customer, name: 'Theo', phone: ' 0871/96  53-210' },
    });
    for (const search of [
      '08719653210',
      '+498719653210',
      '+49 871 9653210',
      '0871/9653210',
      '0871 96 53 210',
    ]) {
      const found = await crm.call(
        'GET',
        `/api/v1/contacts?customer_id=${customer}&search=${encodeURIComponent(search)}`,
      );
      expect([search, found.body.meta.total]).toEqual([search, 1]);
    }
  });

  it('of web sites get the scheme that is left out; what is none is named', async () => {
    const site = async (website: string) =>
      (await crm.call('POST', '/api/v1/customers', { body: { name: 'Web', website } })).body;
    expect((await site('www.web.example')).data.website).toBe('https://www.web.example');
    expect((await site('HTTP://Web.example/A')).data.website).toBe('http://web.example/A');
    expect((await site('javascript:alert(1)')).error.details).toEqual([
      {
        field: 'website',
        code: 'wrong_form',
        message: 'must be a web address such as https://www.example.com',
        values: { form: 'web-address' },
      },
    ]);
  });
});
