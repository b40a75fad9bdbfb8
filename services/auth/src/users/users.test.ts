import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuthTest, authTest, CUSTOMER, PASSWORD } from '../auth.test-helper.ts';

let t: AuthTest;
beforeAll(async () => {
  t = await authTest();
});
afterAll(() => t.close());

const post = (body: object, headers = {}) => t.call('POST', '/api/v1/users', { as: t.admin, body, headers });
const patch = (id: string, body: object, as = t.admin, headers = {}) =>
  t.call('PATCH', `/api/v1/users/${id}`, { as, body, headers });
const base = { name: 'Tina Technik', role: 'technician_l1', password: PASSWORD };
const details = (answer: { body: { error: { details: { field: string }[] } } }) =>
  answer.body.error.details.map((d) => d.field);

describe('users', () => {
  it('are created with row, event and entity tag', async () => {
    const answer = await post({ ...base, email: 'Tina@first.example' });
    expect(answer.status).toBe(201);
    expect(answer.headers.etag).toBe('"1"');
    const user = answer.body.data;
    expect(user).toMatchObject({
      email: 'tina@first.example',
      role: 'technician_l1',
      status: 'active',
      audience: 'staff',
    });
    expect(Object.keys(user)).not.toContain('password_hash');
    const [row] = await t.db
      .admin`select tenant_id, name, password_hash from auth.users where id = ${user.id}`;
    expect(row).toMatchObject({ tenant_id: t.tenant.tenant_id, name: 'Tina Technik' });
    expect(row!.password_hash).toMatch(/^\$argon2id/);
    expect((await t.events('user.created.v1')).at(-1)!.data).toEqual({
      user_id: user.id,
      email: user.email,
      name: user.name,
      role: user.role,
      audience: 'staff',
      customer_id: null,
      status: 'active',
      version: 1,
    });
  });

  it('an e-mail address belongs to one user, in whatever case, and to a new one after deletion', async () => {
    const id = await t.user({ email: 'one@first.example' });
    const taken = await post({ ...base, email: 'ONE@first.example' });
    expect(taken.status).toBe(409);
    expect(details(taken)).toEqual(['email']);
    const other = await t.user({ email: 'two@first.example' });
    expect((await patch(other, { email: 'One@First.example' })).status).toBe(409);
    expect((await t.call('DELETE', `/api/v1/users/${id}`, { as: t.admin })).status).toBe(204);
    expect((await t.call('GET', `/api/v1/users/${id}`, { as: t.admin })).status).toBe(404);
    expect((await post({ ...base, email: 'one@first.example' })).status).toBe(201);
  });

  it('two at once with one address: one is created', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => post({ ...base, email: 'same@first.example' })));
    expect(answers.map((a) => a.status).sort()).toEqual([201, 409, 409]);
  });

  it('names each bad field', async () => {
    expect(details(await post({ ...base, email: 'x@first.example', role: 'wizard' }))).toEqual(['role']);
    expect(details(await post({ ...base, email: 'x@first.example', password: 'short' }))).toContain(
      'password',
    );
    expect(details(await post({ ...base, email: 'x@first.example', role: 'customer_user' }))).toEqual([
      'customer_id',
    ]);
    expect(details(await post({ ...base, email: 'x@first.example', customer_id: CUSTOMER }))).toEqual([
      'customer_id',
    ]);
    const unknown = { role: 'customer_user', customer_id: '0195d000-0000-7000-8000-00000000dead' };
    expect(details(await post({ ...base, email: 'x@first.example', ...unknown }))).toEqual(['customer_id']);
    expect(details(await post({ ...base, email: 'no address', more: 1 })).sort()).toEqual(['email', 'more']);
    const missing = '0195d000-0000-7000-8000-00000000dead';
    expect((await patch(missing, { name: 'Nobody' })).status).toBe(404);
    expect((await t.call('GET', '/api/v1/users/not-an-id', { as: t.admin })).status).toBe(400);
  });

  it('of a customer see nothing but their company', async () => {
    const email = 'kunde@customer.example';
    const id = await t.user({ email, role: 'customer_user', customer_id: CUSTOMER });
    const { access } = await t.session(email);
    const me = await t.as(access, 'GET', '/api/v1/auth/me');
    expect(me.body.data).toMatchObject({ id, audience: 'customer', customer_id: CUSTOMER });
    expect((await t.as(access, 'GET', '/api/v1/users')).status).toBe(403);
    const visible = await t.deps.db.read(
      { tenant_id: t.tenant.tenant_id, customer_id: CUSTOMER, user_id: id },
      (tx) => tx.sql`select id from users`,
    );
    expect(visible.map((row) => row.id)).toEqual([id]);
    for (const table of ['sessions', 'refresh_tokens', 'password_tokens', 'api_keys']) {
      const rows = await t.deps.db.read(
        { tenant_id: t.tenant.tenant_id, customer_id: CUSTOMER, user_id: id },
        (tx) => tx.sql`select user_id from ${tx.sql(table)} where user_id <> ${id}`,
      );
      expect(rows, table).toHaveLength(0);
    }
  });

  it('refuses a lost update and repeats an answer for the same Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'create-once' };
    const first = await post({ ...base, email: 'idem@first.example' }, headers);
    const second = await post({ ...base, email: 'idem@first.example' }, headers);
    expect(second.body).toEqual(first.body);
    expect(second.headers['idempotent-replay']).toBe('true');
    // What is kept to compare with says nothing of the password, not even as a fast hash.
    const third = await post(
      { ...base, password: 'Ein ganz anderer Satz', email: 'idem@first.example' },
      headers,
    );
    expect(third.body).toEqual(first.body);
    const id = first.body.data.id;
    expect((await patch(id, { name: 'Ida' }, t.admin, { 'if-match': '"1"' })).headers.etag).toBe('"2"');
    expect((await patch(id, { name: 'Ina' }, t.admin, { 'if-match': '"1"' })).status).toBe(412);
  });

  it('are listed, filtered, searched, sorted and thinned', async () => {
    await t.user({ email: 'zoe@first.example', name: 'Zoë 100%', role: 'billing' });
    const list = (query: string) => t.call('GET', `/api/v1/users?${query}`, { as: t.admin });
    const names = async (query: string) => (await list(query)).body.data.map((u: { name: string }) => u.name);
    expect(await names('role=billing')).toEqual(['Zoë 100%']);
    expect(await names('search=100%25')).toEqual(['Zoë 100%']);
    expect(await names('search=ADA')).toEqual(['Ada Admin']);
    expect((await list('audience=customer')).body.data).toHaveLength(1);
    const thin = (await list('fields=email&role=system_admin')).body.data;
    expect(thin).toEqual([{ id: t.tenant.admin_id, email: t.email }]);
    const all = await names('limit=100');
    expect(all).toEqual([...all].sort((a, b) => a.toLowerCase().localeCompare(b.toLowerCase())));
    expect((await list('sort=password_hash')).status).toBe(400);
  });

  it('are found as everything is: by words in any order, without accents, in either spelling', async () => {
    const id = await t.user({ email: 'jm@bücher.example', name: 'Jörg Müller-Lüdenscheidt' });
    const ids = async (search: string) => {
      const { body } = await t.call('GET', `/api/v1/users?search=${encodeURIComponent(search)}`, {
        as: t.admin,
      });
      return body.data.map((one: { id: string }) => one.id);
    };
    const asked = [
      'MÜLLER jörg',
      'muller',
      'mueller joerg',
      'ludenscheidt',
      'bücher.example',
      'xn--bcher-kva',
    ];
    const found = async () => {
      const answers = [];
      for (const text of asked) answers.push(await ids(text));
      return answers;
    };
    const every = asked.map(() => [id]);
    expect(await found()).toEqual(every);
    expect(await ids('müller fritz')).toEqual([]);

    // Of a release before: found by letters as they stand, then filled in by the service itself.
    await t.db.admin`update auth.users set search_text = null`;
    expect([await ids('jm@'), await ids('mueller')]).toEqual([[id], []]);
    await t.db.admin`insert into auth.timers (tenant_id, kind, key, due_at)
      values (${t.tenant.tenant_id}, 'user_search_text', 'all', ${t.clock.now().toISOString()})`;
    await t.running.runDue();
    expect(await found()).toEqual(every);
    await patch(id, { name: 'Ännchen Öl' });
    expect([await ids('oel annchen'), await ids('mueller')]).toEqual([[id], []]);
    expect(await ids('jm@')).toEqual([id]);
  });

  it('disabling ends sessions at once; enabling lets in again', async () => {
    const id = await t.user({ email: 'leaver@first.example' });
    const { access, refresh } = await t.session('leaver@first.example');
    await patch(id, { status: 'disabled' });
    expect((await t.as(access, 'GET', '/api/v1/auth/me')).status).toBe(401);
    expect((await t.as(null, 'POST', '/api/v1/auth/refresh', { refresh_token: refresh })).status).toBe(401);
    expect((await t.login('leaver@first.example')).status).toBe(401);
    await patch(id, { status: 'active' });
    t.clock.advance({ seconds: 1 });
    expect((await t.login('leaver@first.example')).status).toBe(200);
  });
});

describe('administrators', () => {
  it('the last active one cannot be disabled, demoted or deleted', async () => {
    const id = t.tenant.admin_id;
    expect((await patch(id, { status: 'disabled' })).status).toBe(409);
    expect((await patch(id, { role: 'dispatcher' })).status).toBe(409);
    expect((await t.call('DELETE', `/api/v1/users/${id}`, { as: t.admin })).status).toBe(409);
    // Invited and disabled administrators do not count.
    await t.user({ email: 'admin2@first.example', role: 'system_admin', password: undefined });
    expect((await patch(id, { role: 'dispatcher' })).status).toBe(409);
    expect((await patch(id, { name: 'Ada A.' })).status).toBe(200);
  });

  it('two who demote each other at once: one stays', async () => {
    const second = await t.user({ email: 'admin3@first.example', role: 'system_admin' });
    const answers = await Promise.all([
      patch(t.tenant.admin_id, { role: 'dispatcher' }),
      patch(second, { role: 'dispatcher' }),
    ]);
    expect(answers.map((a) => a.status).sort()).toEqual([200, 409]);
    // Tokens of this second are void for who was demoted.
    t.clock.advance({ seconds: 1 });
    const demoted = answers[0].status === 200 ? t.tenant.admin_id : second;
    expect((await patch(demoted, { role: 'system_admin' })).status).toBe(200);
    t.clock.advance({ seconds: 1 });
  });
});

describe('nobody gets further than they are', () => {
  const manager = () => ({
    ...t.admin,
    sub: '0195d000-0000-7000-8000-00000000aaaa',
    role: 'lead',
    permissions: ['user:create', 'user:update', 'user:delete', 'user:view', 'ticket:*', 'self:manage'],
  });
  it('by giving a role, by an import, or through somebody who can do more', async () => {
    const create = (role: string) =>
      t.call('POST', '/api/v1/users', {
        as: manager(),
        body: { ...base, email: `${role}@lead.example`, role },
      });
    const refused = await create('system_admin');
    expect(refused.status).toBe(403);
    expect(refused.body.error.message).toContain('*');
    expect((await create('dispatcher')).status).toBe(403);
    const imported = await t.call('POST', '/api/v1/users/import', {
      as: manager(),
      body: { source: 's', users: [{ external_id: '1', name: 'One', role: 'system_admin' }] },
    });
    expect(imported.status).toBe(403);
    expect((await patch(t.tenant.admin_id, { email: 'mine@lead.example' }, manager())).status).toBe(403);
    const remove = await t.call('DELETE', `/api/v1/users/${t.tenant.admin_id}`, { as: manager() });
    expect(remove.status).toBe(403);
    expect((await t.login()).status).toBe(200);
  });

  it('nor upwards by changing themselves', async () => {
    const id = await t.user({ email: 'climber@first.example', role: 'service_manager' });
    const self = { ...manager(), sub: id };
    expect((await patch(id, { role: 'system_admin' }, self)).status).toBe(403);
    expect((await patch(id, { name: 'Clara Climber' }, self)).status).toBe(200);
  });
});

describe('importing people', () => {
  const people = Array.from({ length: 40 }, (_, i) => ({
    external_id: `Resolved by ${i}`,
    name: `Resolver ${i}`,
    role: 'technician_l2',
  }));
  const send = (users: object[], as = t.admin) =>
    t.call('POST', '/api/v1/users/import', { as, body: { source: 'servicenow-log', users } });

  it('makes each of them once, also when sent twice at the same time in another order', async () => {
    const answers = await Promise.all([send(people), send([...people].reverse()), send(people)]);
    expect(answers.map((a) => a.status)).toEqual([200, 200, 200]);
    type Person = { external_id: string; id: string; created: boolean };
    const ids = answers.map((a) => new Map(a.body.data.users.map((u: Person) => [u.external_id, u.id])));
    for (const person of people) {
      expect(new Set(ids.map((map) => map.get(person.external_id))).size).toBe(1);
    }
    const created = answers.flatMap((a) => a.body.data.users.filter((u: Person) => u.created));
    expect(created).toHaveLength(40);
    const rows = await t.db.admin`select status, email, id from auth.users where source = 'servicenow-log'`;
    expect(rows).toHaveLength(40);
    for (const row of rows)
      expect(row).toMatchObject({ status: 'imported', email: `${row.id}@imported.invalid` });
    const events = (await t.events('user.created.v1')).filter((e) => e.data.status === 'imported');
    expect(events.filter((e) => String(e.data.name).startsWith('Resolver'))).toHaveLength(40);
  });

  it('takes a name twice in one request as one person, and may be done by an importer of tickets', async () => {
    const as = { ...t.admin, role: 'service_manager', permissions: undefined as never };
    const one = { external_id: 'Twice', name: 'Twice', role: 'technician_l1' };
    const answer = await send([one, one], JSON.parse(JSON.stringify(as)));
    expect(answer.body.data.users).toHaveLength(1);
    expect(
      (await send([one], { ...t.admin, role: 'technician_l1', permissions: ['ticket:create'] })).status,
    ).toBe(403);
    expect(details(await send([{ ...one, role: 'nobody' }]))).toEqual(['users[0].role']);
    expect(details(await send([{ ...one, role: 'customer_user' }]))).toEqual(['users[0].role']);
    expect((await send([])).status).toBe(400);
  });

  it('imported people cannot sign in', async () => {
    const [row] = await t.db.admin`select email from auth.users where source = 'servicenow-log' limit 1`;
    expect((await t.login(row!.email, PASSWORD)).status).toBe(401);
  });
});

describe('an address of an internationalised domain', () => {
  it('is one account in both forms: it cannot be taken twice, and signs in by either', async () => {
    expect((await post({ ...base, email: 'Ida@Müller.example' })).body.data.email).toBe('ida@müller.example');
    const again = await post({ ...base, email: 'ida@xn--mller-kva.example' });
    expect(again.status).toBe(409);
    expect(details(again)).toEqual(['email']);
    for (const email of ['ida@müller.example', ' IDA@xn--mller-kva.EXAMPLE ']) {
      expect([email, (await t.login(email)).status]).toEqual([email, 200]);
    }
  });
});
