import { randomUUID } from 'node:crypto';
import { arbitraryFor, hostileFor, NASTY_STRINGS, type Operation } from '@psa/test-kit/openapi-arbitrary';
import { DEMO_PASSWORD } from '@psa/test-kit/platform';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestPlatform, type TestPlatform } from './platform.test-helper.ts';

/** Requests per operation; FUZZ_RUNS asks for more. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 25);
const STACK = /node_modules|\bat \S+ \(|\.ts:\d+|PostgresError|syntax error at/;

let platform: TestPlatform;
let operations: Operation[];
let token: string;
let technician: string;
const ids = new Map<string, string>();

beforeAll(async () => {
  platform = await startTestPlatform();
  operations = await platform.operations();
  // An admin of its own, in a tenant that holds little: what the fuzzer breaks is only its own.
  const fuzzed = await platform.addTenant('Fuzz GmbH');
  token = await platform.login(fuzzed.email);
  technician = await platform.login('technician@demo.example');
  const customer = await platform.call('POST', '/api/v1/customers', { token, body: { name: 'Fuzz Kunde' } });
  ids.set('customers', customer.body.data.id);
  const ticket = await platform.call('POST', '/api/v1/tickets', {
    token,
    body: { title: 'Fuzz', description: 'Fuzz', customer_id: customer.body.data.id },
  });
  ids.set('tickets', ticket.body.data.id);
});
afterAll(() => platform?.stop());

/** What would end the session, or count guesses at the password until the account is locked. */
const LEAVE_OUT = /\/auth\/(logout|keys\/rotate|change-password)$|\/api-keys$/;

/** What every answer must keep to, whatever the request was. */
function complaint(answer: {
  status: number;
  text: string;
  body: {
    error?: { code?: string; details?: { field?: string; message?: string }[]; request_id?: string };
  } | null;
  headers: Headers;
}): string | null {
  if (answer.status >= 500) return `${answer.status}: ${answer.text.slice(0, 300)}`;
  if (STACK.test(answer.text)) return `shows its inside: ${answer.text.slice(0, 300)}`;
  if (answer.status < 400) return null;
  const error = answer.body?.error;
  if (!error?.code || !error.request_id)
    return `${answer.status} without the error body: ${answer.text.slice(0, 200)}`;
  if (answer.status === 400 && !error.details?.length)
    return `400 that names no field: ${answer.text.slice(0, 200)}`;
  if (error.details?.some((detail) => !detail.field || !detail.message))
    return `a detail without field or message: ${answer.text.slice(0, 200)}`;
  return null;
}

const segment = (path: string) => path.split('/')[3] ?? '';
const pathValue = (operation: Operation) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(ids.get(segment(operation.path)) ?? randomUUID()) },
    { weight: 2, arbitrary: fc.uuid() },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...NASTY_STRINGS.filter((text) => text.length < 100 && text.isWellFormed())),
    },
  );

function requestFor(operation: Operation) {
  const query = operation.parameters.filter((parameter) => parameter.in === 'query');
  return fc.record({
    path: fc.array(pathValue(operation), { minLength: 3, maxLength: 3 }),
    query: fc.record(
      Object.fromEntries(
        query.map((parameter) => [
          parameter.name,
          fc.oneof(arbitraryFor(parameter.schema), fc.constantFrom(...NASTY_STRINGS), fc.string()),
        ]),
      ),
      { requiredKeys: query.filter((parameter) => parameter.required).map((parameter) => parameter.name) },
    ),
    unknownQuery: fc.option(fc.constantFrom('x', '__proto__', 'limit[]', 'page'), { freq: 6 }),
    body: operation.body ? hostileFor(operation.body) : fc.constant(undefined),
    header: fc.option(
      fc.constantFrom<Record<string, string>>(
        { 'if-match': '"0"' },
        { 'if-match': 'x' },
        { 'idempotency-key': 'k' },
        { 'idempotency-key': 'a b' },
        { 'x-request-id': 'x' },
      ),
      { freq: 4 },
    ),
  });
}

const wellFormed = (value: unknown) =>
  String(typeof value === 'object' ? JSON.stringify(value) : value).toWellFormed();

describe('every route, from the OpenAPI document', () => {
  it('answers hostile requests below 500, without a stack, and every 400 names its field', async () => {
    const complaints: string[] = [];
    for (const operation of operations.filter((one) => !LEAVE_OUT.test(one.path))) {
      for (const request of fc.sample(requestFor(operation), { numRuns: RUNS, seed: 7 })) {
        let i = 0;
        const path = operation.path.replaceAll(
          /\{[^}]+\}/g,
          () => encodeURIComponent(request.path[i++ % 3]!) || '%20',
        );
        const query = new URLSearchParams(
          Object.entries(request.query).map(([name, value]) => [name, wellFormed(value)]),
        );
        if (request.unknownQuery) query.append(request.unknownQuery, '1');
        const url = query.size > 0 ? `${path}?${query}` : path;
        const isGet = operation.method === 'GET';
        const answer = await platform.call(operation.method, url, {
          token,
          ...(isGet || request.body === undefined ? {} : { body: request.body }),
          ...(request.header ? { headers: request.header } : {}),
        });
        const problem = complaint(answer);
        if (problem)
          complaints.push(
            `${operation.method} ${url.slice(0, 200)} ${JSON.stringify(request.body)?.slice(0, 200) ?? ''} → ${problem}`,
          );
      }
    }
    expect(complaints).toEqual([]);
  });

  it('takes no other content type, no broken or too deep JSON, no body over the limit', async () => {
    const complaints: string[] = [];
    for (const operation of operations.filter(
      (one) => one.body && one.bodyTypes.length === 1 && !LEAVE_OUT.test(one.path),
    )) {
      const path = operation.path.replaceAll(/\{[^}]+\}/g, ids.get(segment(operation.path)) ?? randomUUID());
      const expectStatus = async (name: string, wanted: number[], raw: string, type = 'application/json') => {
        const answer = await platform.call(operation.method, path, {
          token,
          raw,
          headers: { 'content-type': type },
        });
        const problem = complaint(answer);
        if (!wanted.includes(answer.status) || problem)
          complaints.push(`${operation.method} ${operation.path} ${name}: ${answer.status} ${problem ?? ''}`);
      };
      await expectStatus('as a form', [415], 'a=b', 'application/x-www-form-urlencoded');
      await expectStatus('as XML', [415], '<a/>', 'application/xml');
      await expectStatus('broken', [400], '{"a":');
      // Whoever has not signed in may not send that much in the first place.
      await expectStatus(
        'deep',
        operation.secured ? [400] : [413],
        `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`,
      );
      await expectStatus('poisoned', [400], '{"__proto__":{"admin":true}}');
    }
    expect(complaints).toEqual([]);
    const large = await platform.call('POST', '/api/v1/tickets', {
      token,
      raw: JSON.stringify({ title: 'x'.repeat(2 * 1024 * 1024) }),
    });
    expect([large.status, large.body.error.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  });

  it('an unknown method or path is a clear 404 or 405', async () => {
    for (const [method, path] of [
      ['GET', '/api/v1/nowhere'],
      ['DELETE', '/api/v1/search'],
      ['GET', '/api/v2/tickets'],
      ['POST', '/internal/api-keys/exchange'],
    ] as const) {
      const answer = await platform.call(method, path, {
        token,
        ...(method === 'POST' ? { body: { api_key: 'x' } } : {}),
      });
      expect([404, 405], `${method} ${path}`).toContain(answer.status);
      if (answer.status === 405) expect(answer.headers.get('allow'), path).toContain('GET');
      expect(answer.body.error.code).toBeTruthy();
    }
  });

  it('is still alive and right afterwards', async () => {
    expect((await platform.call('GET', '/ready')).status).toBe(200);
    // Not by a new login: the wrong ones above have locked their address, as they must.
    const locked = await platform.call('POST', '/api/v1/auth/login', {
      body: { email: 'technician@demo.example', password: DEMO_PASSWORD },
    });
    expect([locked.status, locked.body.error.code]).toEqual([423, 'ACCOUNT_LOCKED']);
    const tickets = await platform.call('GET', '/api/v1/tickets?limit=5', { token: technician });
    expect([tickets.status, tickets.body.data.length]).toEqual([200, 5]);
    const own = await platform.call('GET', `/api/v1/customers/${ids.get('customers')}`, { token });
    expect([200, 404]).toContain(own.status);
  });
});
