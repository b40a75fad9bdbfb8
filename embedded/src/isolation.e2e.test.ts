import { randomUUID } from 'node:crypto';
import { arbitraryFor, type Operation } from '@psa/test-kit/openapi-arbitrary';
import { DEMO_PASSWORD } from '@psa/test-kit/platform';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestPlatform, type TestPlatform } from './platform.test-helper.ts';

/** Tables without tenant_id, and why that is right. */
const NO_TENANT: Readonly<Record<string, string>> = {
  'auth.tenants': 'is the list of tenants; its id is the tenant',
  'auth.setup_tokens': 'exists before any tenant',
  'auth.signing_keys': 'signs for all tenants; the private half is encrypted',
};
/** Schemas that no service role may enter: the in-process bus has a role of its own. */
const INFRASTRUCTURE = ['bus', 'psa'];

let platform: TestPlatform;
let operations: Operation[];
/** Ids that belong to the demo tenant and to the customer of customer@demo.example. */
let mine: { tenant: string; customer: string; other: string };
let foreign: { email: string; tenantId: string };

beforeAll(async () => {
  platform = await startTestPlatform();
  operations = await platform.operations();
  foreign = await platform.addTenant('Fremde IT GmbH');
  const rows = await platform.admin`
    select tenant_id, customer_id, email from auth.users where email in ('customer@demo.example', 'other@demo.example')`;
  const of = (email: string) => rows.find((row) => row.email === email)!;
  mine = {
    tenant: of('customer@demo.example').tenant_id,
    customer: of('customer@demo.example').customer_id,
    other: of('other@demo.example').customer_id,
  };
  expect(mine.customer).not.toBe(mine.other);
  await fillWhatTheDemoLeavesEmpty();
});
afterAll(() => platform?.stop());

/** A reset mail, columns of an import, synonyms and an attachment: rows that check constraints do not let `plantRow` make up. */
async function fillWhatTheDemoLeavesEmpty(): Promise<void> {
  const email = 'customer@demo.example';
  const forgot = await platform.call('POST', '/api/v1/auth/forgot-password', { body: { email } });
  expect(forgot.status).toBe(204);
  const admin = await platform.login('admin@demo.example');
  const synonyms = await platform.call('PATCH', '/api/v1/search/synonyms', {
    token: admin,
    body: { groups: [['drucker', 'printer']] },
  });
  expect(synonyms.status, synonyms.text).toBe(200);
  const chosen = await platform.call('PATCH', '/api/v1/customers/import-columns', {
    token: admin,
    body: { headings: ['Bezeichnung'], choices: [{ heading: 'Bezeichnung', column: 'name' }] },
  });
  expect(chosen.status, chosen.text).toBe(200);
  const token = await platform.login(email);
  const list = await platform.call('GET', '/api/v1/tickets?limit=1', { token });
  const form = new FormData();
  form.set('file', new Blob(['Protokoll']), 'protokoll.txt');
  const attached = await fetch(`${platform.url}/api/v1/tickets/${list.body.data[0].id}/attachments`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: form,
  });
  expect(attached.status, await attached.text()).toBe(201);
}

interface Table {
  name: string;
  schema: string;
  tenant: boolean;
  customer: boolean;
  forced: boolean;
  partition: boolean;
}

const tables = () => platform.admin<Table[]>`
  select n.nspname || '.' || c.relname as name, n.nspname as schema,
    exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not attisdropped) as tenant,
    exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'customer_id' and not attisdropped) as customer,
    c.relrowsecurity and c.relforcerowsecurity as forced, c.relispartition as partition
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema', 'public') and n.nspname not like 'pg_%'
  order by 1`;

describe('tables', () => {
  it('every table of a service has tenant_id and forced row-level security, or stands in the list with a reason', async () => {
    const all = (await tables()).filter((table) => !INFRASTRUCTURE.includes(table.schema));
    expect(all.length).toBeGreaterThan(30);
    expect(
      all.filter((table) => !table.tenant && !(table.name in NO_TENANT)).map((table) => table.name),
    ).toEqual([]);
    // A partition is reached through its parent; by itself it must be closed, which the next test tries.
    expect(
      all.filter((table) => table.tenant && !table.forced && !table.partition).map((table) => table.name),
    ).toEqual([]);
  });

  it('no service role bypasses row-level security, owns anything, or enters another schema', async () => {
    const roles =
      await platform.admin`select rolname from pg_roles where rolname like 'psa\\_%' and rolcanlogin and (rolbypassrls or rolsuper or rolcreaterole or rolcreatedb)`;
    expect(roles).toEqual([]);
    const owned =
      await platform.admin`select c.relname from pg_class c join pg_roles r on r.oid = c.relowner where r.rolname like 'psa\\_%' and r.rolcanlogin`;
    expect(owned).toEqual([]);
    const foreignGrants = await platform.admin`
      select grantee, table_schema, table_name, privilege_type from information_schema.role_table_grants
      where grantee like 'psa\\_%' and grantee <> 'psa_owner' and grantee <> 'psa_' || table_schema`;
    expect(foreignGrants).toEqual([]);
  });

  it('as a foreign tenant, without a tenant, and as a foreign customer: not one row of ours, in any table', async () => {
    const all = (await tables()).filter((table) => table.tenant && !INFRASTRUCTURE.includes(table.schema));
    for (const table of all.filter((one) => !one.partition)) await plantRow(table);
    const leaks: string[] = [];
    const empty: string[] = [];
    for (const table of all) {
      const sql = platform.asService(table.schema);
      const [seen] = await platform.admin.unsafe(
        `select count(*)::int as n from ${table.name} where tenant_id = $1`,
        [mine.tenant],
      );
      if (seen!.n === 0 && !table.partition) empty.push(table.name);
      const count = async (settings: Record<string, string>, where: string) => {
        const result = await sql
          .begin(async (tx) => {
            for (const [name, value] of Object.entries(settings))
              await tx`select set_config(${name}, ${value}, true)`;
            return tx.unsafe(`select count(*)::int as n from ${table.name} where ${where}`);
          })
          .catch((error: { code?: string }) => {
            // A partition that the role has no right to at all is closed, too.
            if (error.code === '42501') return [{ n: 0 }];
            throw error;
          });
        return (result as { n: number }[])[0]!.n;
      };
      if ((await count({}, 'true')) > 0) leaks.push(`${table.name} without a tenant`);
      if ((await count({ 'psa.tenant_id': foreign.tenantId }, `tenant_id <> '${foreign.tenantId}'`)) > 0)
        leaks.push(`${table.name} to a foreign tenant`);
      const portal = {
        'psa.tenant_id': mine.tenant,
        'psa.customer_id': mine.other,
        'psa.user_id': randomUUID(),
      };
      if (
        table.customer &&
        (await count(portal, `customer_id is not null and customer_id <> '${mine.other}'`)) > 0
      )
        leaks.push(`${table.name} to a foreign customer`);
      await sql.end({ timeout: 1 });
    }
    expect(leaks).toEqual([]);
    expect(empty, 'tables that held no row of ours prove nothing').toEqual([]);
  });
});

/** Puts a row of our tenant and customer into a table that might be empty, foreign keys aside. */
async function plantRow(table: Table): Promise<void> {
  const columns = await platform.admin<{ name: string; type: string; kind: string; nullable: boolean }[]>`
    select column_name as name, data_type as type, is_generated || is_identity as kind, is_nullable = 'YES' or column_default is not null as nullable
    from information_schema.columns where table_schema || '.' || table_name = ${table.name} order by ordinal_position`;
  const values: Record<string, string> = {};
  for (const { name, type, kind, nullable } of columns) {
    if (name === 'tenant_id') values[name] = `'${mine.tenant}'`;
    else if (name === 'customer_id') values[name] = `'${mine.customer}'`;
    else if (nullable || kind !== 'NEVERNO') continue;
    else values[name] = plantedValue(type);
  }
  const names = Object.keys(values);
  await platform.admin
    .begin(async (sql) => {
      await sql.unsafe('set local session_replication_role = replica');
      await sql.unsafe(
        `insert into ${table.name} (${names.map((name) => `"${name}"`).join(', ')}) values (${names.map((name) => values[name]).join(', ')}) on conflict do nothing`,
      );
    })
    // A check constraint may refuse made-up values; then the demo data must have filled the table.
    .catch(() => {});
}

function plantedValue(type: string): string {
  if (type === 'uuid') return `'${randomUUID()}'`;
  if (type.startsWith('timestamp')) return 'now()';
  if (type === 'date') return 'current_date';
  if (type === 'jsonb' || type === 'json') return `'{}'`;
  if (type === 'boolean') return 'false';
  if (type === 'ARRAY') return `'{}'`;
  if (type === 'tsvector') return `''`;
  if (['integer', 'bigint', 'smallint', 'numeric', 'double precision', 'real'].includes(type)) return '1';
  return `'x'`;
}

/** Ids of ours for the parameters of a path, found by walking the lists as our own admin. */
async function idsFor(
  path: string,
  token: string,
  cache: Map<string, string | null>,
): Promise<string | null> {
  const parts = path.split('/');
  const filled: string[] = [];
  for (const part of parts) {
    if (!part.startsWith('{')) {
      filled.push(part);
      continue;
    }
    const list = filled.join('/');
    if (!cache.has(list)) {
      const { body } = await platform.call('GET', `${list}?limit=1`, { token });
      const { body: plain } = body?.data ? { body } : await platform.call('GET', list, { token });
      const first = Array.isArray(plain?.data) ? plain.data[0] : undefined;
      cache.set(list, first?.id ?? first?.user_id ?? null);
    }
    filled.push(cache.get(list) ?? randomUUID());
  }
  return filled.join('/');
}

const sample = (operation: Operation, seed: number) =>
  operation.body ? fc.sample(arbitraryFor(operation.body), { numRuns: 1, seed })[0] : undefined;

/** Everything of ours that a stranger must not be able to change. */
async function digest(): Promise<string> {
  const names = (await tables()).filter(
    (table) =>
      table.tenant &&
      !table.partition &&
      !INFRASTRUCTURE.includes(table.schema) &&
      !/\.(outbox|inbox|timers|api_keys|ticket_counters|idempotency|tickets|ticket_history|history|audit_log|audit_heads?|log|sessions|refresh_tokens|words|documents|objects|texts)$/.test(
        table.name,
      ),
  );
  const parts = await Promise.all(
    names.map(({ name }) =>
      platform.admin.unsafe(
        `select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as d from ${name} t where tenant_id = $1`,
        [mine.tenant],
      ),
    ),
  );
  // A stranger may make keys and tickets of its own; a number that it took is no change of ours.
  const keys = await platform.admin`
    select md5(string_agg(k::text, ',' order by k.id)) as d from auth.api_keys k join auth.users u on u.id = k.user_id
    where u.tenant_id = ${mine.tenant} and u.customer_id is distinct from ${mine.other}`;
  const tickets = await platform.admin`
    select md5(string_agg(concat_ws('|', id, title, description, status, priority, assigned_to, team_id, tags, deleted_at), ',' order by id)) as d from tickets.tickets where tenant_id = ${mine.tenant}`;
  return JSON.stringify([...parts.map((part, i) => [names[i]!.name, part[0]!.d]), keys[0]!.d, tickets[0]!.d]);
}

/** Routes about the caller itself or about everybody’s platform: they have no foreign object. A wrong password counts. */
const OWN =
  /^\/api\/v1\/(auth\/(me|change-password|logout|login|refresh|forgot-password|reset-password|setup|jwks|keys\/rotate)|api-keys|events\/(test|types|dead-letters.*))$/;

/** What everybody who is signed in may do: read and change what is its own. A key never holds more than its owner. */
const SELF = /^\/api\/v1\/(auth\/(me|change-password)|api-keys(\/\{id\})?)$/;

describe('routes', () => {
  let admin: string;
  const cache = new Map<string, string | null>();
  beforeAll(async () => {
    admin = await platform.login('admin@demo.example');
  });

  it('finds the routes of every service', () => {
    const prefixes = new Set(operations.map((operation) => operation.path.split('/')[3]));
    expect([...prefixes]).toEqual(
      expect.arrayContaining([
        'auth',
        'users',
        'roles',
        'audit',
        'customers',
        'sites',
        'contacts',
        'tickets',
        'teams',
        'events',
        'search',
      ]),
    );
    expect(operations.length).toBeGreaterThan(60);
  });

  it('without a token: 401 on every route that is not public', async () => {
    const wrong: string[] = [];
    for (const operation of operations.filter((one) => one.secured)) {
      const path = operation.path.replaceAll(/\{[^}]+\}/g, randomUUID());
      const { status } = await platform.call(operation.method, path, operation.body ? { body: {} } : {});
      if (status !== 401) wrong.push(`${operation.method} ${operation.path}: ${status}`);
    }
    expect(wrong).toEqual([]);
  });

  it('with a role that holds nothing: 403 on every route', async () => {
    const role = await platform.call('POST', '/api/v1/roles', {
      token: admin,
      body: { name: 'nothing', title: { de: 'Nichts', en: 'Nothing' }, audience: 'staff', permissions: [] },
    });
    expect(role.status).toBe(201);
    const email = 'nothing@demo.example';
    expect(
      (
        await platform.call('POST', '/api/v1/users', {
          token: admin,
          body: { email, name: 'Niemand', role: 'nothing', password: DEMO_PASSWORD },
        })
      ).status,
    ).toBe(201);
    const token = await platform.login(email);
    const wrong: string[] = [];
    expect(operations.filter((one) => SELF.test(one.path)).length).toBe(7);
    for (const operation of operations.filter((one) => one.secured && !SELF.test(one.path))) {
      const path = (await idsFor(operation.path, admin, cache))!;
      const { status } = await platform.call(operation.method, path, {
        token,
        ...(operation.body ? { body: sample(operation, 1) } : {}),
      });
      if (status !== 403) wrong.push(`${operation.method} ${operation.path}: ${status}`);
    }
    expect(wrong).toEqual([]);
  });

  it.each([
    ['the admin of another tenant', () => foreign.email],
    ['the admin of another customer', () => 'other@demo.example'],
  ])('as %s: every route with ids of ours gives nothing and changes nothing', async (_who, email) => {
    const token = await platform.login(email());
    const ours = new Set(
      (
        await platform.admin`
        select id::text from tickets.tickets where customer_id = ${mine.customer}
        union all select id::text from crm.customers where id = ${mine.customer}
        union all select id::text from crm.contacts where customer_id = ${mine.customer}
        union all select id::text from auth.users where customer_id = ${mine.customer}`
      ).map((row) => row.id as string),
    );
    expect(ours.size).toBeGreaterThan(5);
    const owned = new Map<string, string | null>();
    await fillOwned(owned);
    const before = await digest();
    const wrong: string[] = [];
    for (const operation of operations.filter((one) => one.secured && !OWN.test(one.path))) {
      const withIds = operation.path.includes('{');
      const path = (await idsFor(operation.path, admin, owned))!;
      for (let attempt = 0; attempt < (operation.body ? 6 : 1); attempt++) {
        const body = sample(operation, attempt);
        const query = operation.path.endsWith('/search') ? '?q=a' : '';
        const answer = await platform.call(operation.method, path + query, {
          token,
          ...(operation.body ? { body } : {}),
        });
        const leaked = [...ours].filter(
          (id) => answer.text.includes(id) && !path.includes(id) && !JSON.stringify(body ?? '').includes(id),
        );
        if (leaked.length > 0) wrong.push(`${operation.method} ${operation.path}: shows ${leaked[0]}`);
        // With an id of ours in the path nothing may succeed; a body that does not fit is refused first.
        if (withIds && (answer.status < 400 || answer.status >= 500))
          wrong.push(`${operation.method} ${operation.path}: ${answer.status}`);
        if (answer.status >= 500)
          wrong.push(`${operation.method} ${operation.path}: ${answer.status} ${answer.text}`);
        if (withIds && answer.status !== 400) break;
      }
    }
    expect(wrong).toEqual([]);
    expect(await digest()).toBe(before);
  });

  /** Ids in paths must be of our own customer, so that they are foreign to both strangers. */
  async function fillOwned(owned: Map<string, string | null>) {
    const first = async (rows: Promise<readonly { id: string }[]>) => (await rows)[0]?.id ?? null;
    const ticket = await first(platform.admin<{ id: string }[]>`
      select id from tickets.tickets t where customer_id = ${mine.customer} and deleted_at is null
      order by exists (select from tickets.comments c where c.ticket_id = t.id) desc limit 1`);
    owned.set('/api/v1/tickets', ticket);
    owned.set('/api/v1/customers', mine.customer);
    for (const table of ['crm.contacts', 'crm.sites', 'auth.users']) {
      const rows = platform.admin<{ id: string }[]>`
        select id from ${platform.admin(table)} where customer_id = ${mine.customer} limit 1`;
      owned.set(`/api/v1/${table.split('.')[1]}`, await first(rows));
    }
  }
});
