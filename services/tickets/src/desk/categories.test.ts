import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDesk, testDesk } from '../desk.test-helper.ts';

let desk: TestDesk;
let call: TestDesk['service']['call'];
beforeAll(async () => {
  desk = await testDesk();
  call = desk.service.call;
});
afterAll(() => desk.service.close());

const create = async (path: string, body: object, as?: object) => {
  const answer = await call('POST', `/api/v1/${path}`, { body, ...(as ? { as } : {}) });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.data;
};

describe('a portal user’s category', () => {
  it('is one of the desk’s, as the desk writes it', async () => {
    await create('categories', { name: 'Telefonie' });
    const body = { title: 'Kein Ton', description: 'x', category: 'Mein Projekt' };
    for (const as of [desk.user, desk.boss]) {
      const refused = await call('POST', '/api/v1/tickets', { as, body });
      expect(refused.status).toBe(400);
      expect(refused.body.error.details).toMatchObject([{ field: 'category' }]);
    }
    const ticket = await desk.open({ category: 'telefonie' }, desk.user);
    expect(ticket.category).toBe('Telefonie');
    expect((await desk.open({}, desk.user)).category).toBeNull();
    // What staff write is free, and no customer changes it.
    expect(await desk.open({ category: 'Sonderfall' })).toMatchObject({ category: 'Sonderfall' });
    const change = await call('PATCH', `/api/v1/tickets/${ticket.id}`, {
      as: desk.user,
      body: { category: 'Mein Projekt' },
    });
    expect(change.status).toBe(403);
  });
});

it.each([
  ['categories', { name: 'Zweimal' }],
  ['teams', { name: 'Zweimal' }],
  [
    'calendars',
    { name: 'Zweimal', time_zone: 'Europe/Berlin', week: { '1': [{ start: '08:00', end: '17:00' }] } },
  ],
])('a name that %s have already is refused at its field, in whichever case', async (path, body) => {
  await create(path, body);
  const other = await create(path, { ...body, name: 'Anders' });
  const taken = { ...body, name: 'zweimal' };
  for (const answer of [
    await call('POST', `/api/v1/${path}`, { body: taken }),
    await call('PATCH', `/api/v1/${path}/${other.id}`, { body: { name: taken.name } }),
  ]) {
    expect(answer.status).toBe(409);
    expect(answer.body.error).toMatchObject({
      code: 'RESOURCE_ALREADY_EXISTS',
      details: [{ field: 'name', code: 'taken' }],
    });
  }
});

describe('renaming a category', () => {
  it('renames it on tickets, in rules and in views, and tells of it', async () => {
    const category = await create('categories', { name: 'Drucker' });
    const rule = await create('assignment-rules', { name: 'Druck', category: 'drucker' });
    await create('categories', { name: 'Druckerei' });
    const other = await create('assignment-rules', { name: 'Sonst', category: 'Druckerei' });
    const view = await create('saved-views', { name: 'D', query: 'status=open&category=Drucker&sort=due' });
    const tickets = [
      await desk.open({ category: 'Drucker' }),
      await desk.open({ category: 'drucker', customer_id: desk.otherCustomer }),
    ];
    const untouched = await desk.open({ category: 'Druckerei' });
    const patch = (name: string) => call('PATCH', `/api/v1/categories/${category.id}`, { body: { name } });
    expect((await patch('Drucken & Scannen')).status).toBe(200);
    for (const { id, version, category: from } of tickets) {
      expect(await desk.row(id)).toMatchObject({ category: 'Drucken & Scannen', version: version + 1 });
      expect((await desk.history(id)).at(-1)).toMatchObject({
        kind: 'changed',
        changes: [{ field: 'category', from, to: 'Drucken & Scannen' }],
      });
      expect((await desk.events(id)).at(-1)).toBe('ticket.updated.v1');
    }
    expect(await desk.row(untouched.id)).toMatchObject({ category: 'Druckerei', version: 1 });
    const get = async (path: string) => (await call('GET', `/api/v1/${path}`)).body.data;
    expect(await get(`assignment-rules/${rule.id}`)).toMatchObject({
      category: 'Drucken & Scannen',
      version: 2,
    });
    expect(await get(`assignment-rules/${other.id}`)).toMatchObject({ category: 'Druckerei', version: 1 });
    const { query } = await get(`saved-views/${view.id}`);
    expect(Object.fromEntries(new URLSearchParams(query))).toEqual({
      status: 'open',
      category: 'Drucken & Scannen',
      sort: 'due',
    });
    expect(await get('tickets/categories')).not.toContain('Drucker');
    // Only the spelling.
    expect((await patch('Drucken und Scannen')).status).toBe(200);
    expect((await patch('DRUCKEN UND SCANNEN')).status).toBe(200);
    expect((await desk.row(tickets[0]!.id)).category).toBe('DRUCKEN UND SCANNEN');
    // Nothing is renamed when the new name is another's.
    await create('categories', { name: 'Server' });
    expect((await patch('server')).status).toBe(409);
    expect((await desk.row(tickets[0]!.id)).category).toBe('DRUCKEN UND SCANNEN');
  });

  it('is refused where more tickets bear it than can be renamed at once, and changes nothing', async () => {
    const category = await create('categories', { name: 'Viel' });
    const { id } = await desk.open({ category: 'Viel' });
    const columns = await desk.service.db.admin<{ name: string }[]>`
      select column_name as name from information_schema.columns where table_schema = 'tickets'
        and table_name = 'tickets' and is_generated = 'NEVER' and column_name not in ('id', 'ticket_number')`;
    const list = columns.map(({ name }) => name).join(', ');
    await desk.service.db.admin.unsafe(`
      insert into tickets.tickets (id, ticket_number, ${list})
      select gen_random_uuid(), 100000 + n, ${list} from tickets.tickets, generate_series(1, 1000) n where id = '${id}'`);
    const answer = await call('PATCH', `/api/v1/categories/${category.id}`, { body: { name: 'Mehr' } });
    expect(answer.status).toBe(409);
    expect(answer.body.error.details).toMatchObject([{ field: 'name' }]);
    expect(answer.body.error.message).toContain('1000 tickets');
    expect(await desk.row(id)).toMatchObject({ category: 'Viel', version: 1 });
  });

  it('deleting one looks for tickets in whichever case', async () => {
    const category = await create('categories', { name: 'Kasse' });
    await desk.open({ category: 'KASSE' });
    const answer = await call('DELETE', `/api/v1/categories/${category.id}`);
    expect(answer.status).toBe(409);
    expect(answer.body.error.message).toMatch(/open tickets: #/);
  });
});
