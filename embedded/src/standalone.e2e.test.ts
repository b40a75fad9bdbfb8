import { SERVICE_NAMES } from '@psa/contracts/services';
import { until } from '@psa/test-kit/until';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ADMIN, type ServiceProcesses, serviceProcesses } from './service-processes.test-helper.ts';

let rig: ServiceProcesses;
let token: string;
let ticketId: string;

beforeAll(async () => {
  rig = await serviceProcesses();
});
afterAll(() => rig.stop());

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers have many shapes; the test looks at few of them.
  readonly body: any;
  readonly headers: Headers;
}

async function api(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(rig.urlOf('gateway') + path, {
    method,
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json(), headers: response.headers };
}

it('runs as six processes: sign in, open a ticket, see its event, find it', async () => {
  // The gateway first: nobody waits for anybody.
  await Promise.all([rig.start(...SERVICE_NAMES), rig.start('gateway')]);
  await rig.makeFirstTenant();
  const ready = await api('GET', '/ready');
  expect(ready.status, JSON.stringify(ready.body)).toBe(200);
  expect(Object.keys(ready.body.checks).sort()).toEqual(['cache', ...SERVICE_NAMES].sort());

  const { email, password } = ADMIN;
  const login = await api('POST', '/api/v1/auth/login', { email, password });
  expect(login.status, JSON.stringify(login.body)).toBe(200);
  token = login.body.data.access_token;

  const customer = await api('POST', '/api/v1/customers', { name: 'Bäckerei Krume' });
  expect(customer.status).toBe(201);
  // Asked of crm by REST, or known by its event already.
  const made = await api('POST', '/api/v1/tickets', {
    title: 'Der Kassendrucker druckt nicht',
    description: 'Seit dem Stromausfall.',
    customer_id: customer.body.data.id,
  });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  ticketId = made.body.data.id;

  await until(async () => {
    const { body } = await api('GET', '/api/v1/events/history?type=ticket.opened.v1');
    return body.data.some((event: { aggregate: { id: string } }) => event.aggregate.id === ticketId);
  });
  await until(async () => {
    const { body } = await api('GET', '/api/v1/search?q=kasendrucker');
    return body.data.some((hit: { id: string }) => hit.id === ticketId);
  });
  // The list asks the search service over REST.
  const listed = await api('GET', '/api/v1/tickets?search=kassendrucker');
  expect(listed.body.data.map((ticket: { id: string }) => ticket.id)).toEqual([ticketId]);
});

it('answers 503 while a service is dead, names it at /ready, and heals when it is back', async () => {
  await rig.kill9('tickets');
  const dead = await api('GET', `/api/v1/tickets/${ticketId}`);
  expect(dead.status).toBe(503);
  expect(Number(dead.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(dead.body.error).toMatchObject({
    code: 'SERVICE_UNAVAILABLE',
    message: 'The tickets service does not answer just now.',
  });
  const ready = await api('GET', '/ready');
  expect(ready.status).toBe(503);
  expect(ready.body.checks.tickets.status).toBe('failed');
  expect(ready.body.checks.crm.status).toBe('ok');
  // The others go on.
  expect((await api('GET', '/api/v1/customers')).status).toBe(200);
  expect((await api('GET', '/api/v1/search?q=kassendrucker')).status).toBe(200);
  // Enough failures to open the breaker.
  for (let i = 0; i < 6; i++) expect((await api('GET', '/api/v1/tickets')).status).toBe(503);

  await rig.start('tickets');
  await until(async () => (await api('GET', `/api/v1/tickets/${ticketId}`)).status === 200);
  await until(async () => (await api('GET', '/ready')).status === 200);
});

it('keeps people signed in while the sign-in service is dead, and says 503 to those who come', async () => {
  await rig.kill9('auth');
  expect((await api('GET', `/api/v1/tickets/${ticketId}`)).status).toBe(200);
  const { email, password } = ADMIN;
  expect((await api('POST', '/api/v1/auth/login', { email, password })).status).toBe(503);
  // A service that starts now has never seen the keys: that must not read as "not signed in".
  await rig.kill9('crm');
  await rig.start('crm');
  await until(async () => {
    const { status } = await api('GET', '/api/v1/customers');
    if (status !== 503) throw new Error(`${status} without any keys`);
    return (await fetch(`${rig.urlOf('crm')}/ready`)).ok;
  });
  await rig.start('auth');
  await until(async () => (await api('POST', '/api/v1/auth/login', { email, password })).status === 200);
  await until(async () => (await api('GET', '/api/v1/customers')).status === 200);
});

it('names the broker at /ready while it is away, goes on taking tickets, and tells of them later', async () => {
  await rig.rabbit.kill9();
  await until(async () => (await fetch(`${rig.urlOf('tickets')}/ready`)).status === 503);
  const { checks } = (await (await fetch(`${rig.urlOf('tickets')}/ready`)).json()) as {
    checks: Record<string, { status: string }>;
  };
  expect(checks).toMatchObject({ bus: { status: 'failed' }, database: { status: 'ok' } });
  const found = await api('GET', `/api/v1/tickets/${ticketId}`);
  const made = await api('POST', '/api/v1/tickets', {
    title: 'Ohne Broker',
    description: 'Wird trotzdem angenommen.',
    customer_id: found.body.data.customer_id,
  });
  expect(made.status).toBe(201);
  await rig.rabbit.start();
  await until(async () => {
    const { body } = await api('GET', '/api/v1/events/history?type=ticket.opened.v1');
    return body.data.some((event: { aggregate: { id: string } }) => event.aggregate.id === made.body.data.id);
  }, 60_000);
});

it('stops in order on SIGTERM', async () => {
  const began = Date.now();
  await Promise.all([rig.end('gateway'), ...SERVICE_NAMES.map((name) => rig.end(name))]);
  // ServerProcess.end kills after 20 s what did not end by itself.
  expect(Date.now() - began).toBeLessThan(15_000);
});
