import { randomUUID } from 'node:crypto';
import { Closed, Nullable, StringEnum, Timestamp } from '@psa/contracts/common';
import { revokedSessionKey, revokedUserKey } from '@psa/contracts/tokens';
import { MemoryCache } from '@psa/infra/cache/memory-cache';
import { migrate } from '@psa/infra/database/migrate';
import { provision } from '@psa/infra/database/provision';
import { type TestDatabase, testDatabase } from '@psa/test-kit/database';
import { FakeClock } from '@psa/test-kit/fake-clock';
import { type TestTokens, testTokens } from '@psa/test-kit/tokens';
import fc from 'fast-check';
import Type from 'typebox';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type App, contextOf, createApp } from './app.ts';
import type { Database } from './database.ts';
import { alreadyExists } from './errors.ts';
import { createLogger } from './log.ts';
import { checkIfMatch, etag, write } from './write.ts';

const Body = Closed({
  name: Type.String({ minLength: 1, maxLength: 10 }),
  kind: StringEnum(['a', 'b']),
  note: Type.Optional(Nullable(Type.String({ maxLength: 5 }))),
  parts: Type.Optional(Type.Array(Closed({ size: Type.Integer() }))),
});

let test: TestDatabase;
let db: Database;
let app: App;
let tokens: TestTokens;
const clock = new FakeClock('2026-03-02T09:00:00Z');
const cache = new MemoryCache({ clock });
const tenant = randomUUID();
const user = randomUUID();

beforeAll(async () => {
  test = await testDatabase();
  await provision(test.admin, [{ service: 'kit_test', password: inject('rolePassword') }]);
  await migrate(test.admin, [{ service: 'kit_test', folder: new URL('./fixtures/', import.meta.url) }]);
  db = test.databaseFor('kit_test');
  tokens = await testTokens(cache, clock);
  app = createApp({
    name: 'kit',
    log: createLogger({ service: 'kit', level: 'silent' }),
    clock,
    verifier: tokens.verifier,
  });
  app.post(
    '/things',
    { config: { permission: 'ticket:create' }, schema: { body: Body } },
    async (request, reply) =>
      write(db, request, reply, async (tx, ctx) => {
        const id = randomUUID();
        const made =
          await tx.sql`insert into things (tenant_id, id, name) values (${ctx.scope.tenant_id}, ${id}, ${request.body.name}) on conflict do nothing returning 1`;
        if (made.length === 0) throw alreadyExists('name', 'is taken');
        return { status: 201, body: { data: { id } }, headers: { etag: etag(1) } };
      }),
  );
  const named = { config: { permission: 'self:manage' as const } };
  app.post('/named/import', named, async () => ({}));
  app.get('/named/:id', named, async () => ({}));
  app.patch('/named/:id', named, async () => ({}));
  app.get('/me', { config: { permission: 'self:manage' } }, async (request) => ({
    data: contextOf(request).actor.id,
  }));
  app.patch('/versioned', { config: { permission: 'ticket:update' } }, async (request) => {
    checkIfMatch(request, 3);
    return { data: 'changed' };
  });
  app.get(
    '/query',
    {
      config: { permission: 'self:manage' },
      schema: { querystring: Closed({ n: Type.Optional(Type.Integer()), at: Type.Optional(Timestamp) }) },
    },
    async (request) => ({ data: request.query.n }),
  );
  app.get('/boom', { config: { permission: 'self:manage' } }, async () => {
    throw new Error('secret detail');
  });
  app.get('/sql', { config: { permission: 'self:manage' } }, async (request) =>
    db.tx(contextOf(request).scope, (tx) => tx.sql`select 'x'::uuid`),
  );
  await app.ready();
});
afterAll(async () => {
  await app.close();
  await test.drop();
});

async function call(
  method: 'GET' | 'POST' | 'PATCH',
  url: string,
  options: { body?: unknown; headers?: Record<string, string>; claims?: object; anonymous?: boolean } = {},
) {
  const token = await tokens.issue({ tid: tenant, sub: user, role: 'service_manager', ...options.claims });
  const response = await app.inject({
    method,
    url,
    headers: {
      ...(options.anonymous ? {} : { authorization: `Bearer ${token}` }),
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(options.body === undefined
      ? {}
      : { payload: typeof options.body === 'string' ? options.body : JSON.stringify(options.body) }),
  });
  return {
    status: response.statusCode,
    headers: response.headers,
    text: response.body,
    body: response.body ? JSON.parse(response.body) : null,
  };
}
const fields = (answer: { body: { error: { details: { field: string }[] } } }) =>
  answer.body.error.details.map((detail) => detail.field).sort();

describe('bad input', () => {
  it('is 400 and names every bad field, unknown ones too', async () => {
    const answer = await call('POST', '/things', {
      body: { name: '', kind: 'c', note: 'too long', parts: [{ size: 'x' }, {}], extra: 1 },
    });
    expect(answer.status).toBe(400);
    expect(answer.body.error.code).toBe('VALIDATION_ERROR');
    expect(fields(answer)).toEqual(['extra', 'kind', 'name', 'note', 'parts[0].size', 'parts[1].size']);
    const said = answer.body.error.details.map((one: { field: string; code: string; values?: object }) => [
      one.field,
      one.code,
      one.values,
    ]);
    expect(said.sort()).toEqual([
      ['extra', 'unknown_field', undefined],
      ['kind', 'unknown_value', undefined],
      ['name', 'empty', undefined],
      ['note', 'too_long', { most: 5 }],
      ['parts[0].size', 'wrong_type', undefined],
      ['parts[1].size', 'required', undefined],
    ]);
    expect(answer.body.error).toMatchObject({
      request_id: answer.headers['x-request-id'],
      timestamp: '2026-03-02T09:00:00.000Z',
    });
    const nameless = await call('POST', '/things', { body: { name: 'x', kind: 'a', '': 1 } });
    expect(nameless.body.error.details).toContainEqual({
      field: '""',
      code: 'unknown_field',
      message: 'is not a known field',
    });
  });

  it('numbers in bodies are numbers, in query strings text that must look like one', async () => {
    expect((await call('GET', '/query?n=7')).body).toEqual({ data: 7 });
    expect(fields(await call('GET', '/query?n=x'))).toEqual(['n']);
    expect(fields(await call('GET', '/query?m=1'))).toEqual(['m']);
  });

  it('thousands of problems are answered by a hundred of them, more by the first', async () => {
    const body = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 1]));
    const answer = await call('POST', '/things', { body: body(4_000) });
    expect([answer.status, answer.body.error.details.length]).toEqual([400, 100]);
    expect(answer.text.length).toBeLessThan(20_000);
    const larger = await call('POST', '/things', { body: body(40_000) });
    expect([larger.status, fields(larger)]).toEqual([400, ['name']]);
    const most = await call('POST', '/things', { body: body(80_000) });
    expect([most.status, most.body.error.details]).toEqual([
      413,
      [{ field: 'body', code: 'too_many', message: 'has more than 50000 values', values: { most: 50_000 } }],
    ]);
  });

  it('a body of the largest size is judged in less than 250 ms of this process, whatever it is made of', async () => {
    const room = 1024 * 1024 - 100;
    const fill = (piece: string, before = '[', after = ']') =>
      `${before}${Array(Math.floor(room / (piece.length + 1)))
        .fill(piece)
        .join(',')}${after}`;
    const few = (piece: string, before = '[', after = ']') =>
      `${before}${Array(49_000).fill(piece).join(',')}${after}`;
    for (const [name, body] of Object.entries({
      'a list of nothing': fill('{}'),
      'parts of nothing': fill('{}', '{"name":"x","kind":"a","parts":[', ']}'),
      'parts of nothing, as many as may be': few('{}', '{"name":"x","kind":"a","parts":[', ']}'),
      'parts of lists': few('[]', '{"parts":[', ']}'),
      'the same name over and over': few('"a":1', '{', '}'),
      'a long text': `{"name":"${'\u0061'.repeat(room / 6 - 10)}"}`,
      'brackets in text': `{"name":"${'[{'.repeat(room / 2 - 10)}"}`,
    })) {
      const before = process.cpuUsage();
      const answer = await call('POST', '/things', { body });
      const used = process.cpuUsage(before);
      expect([400, 413], name).toContain(answer.status);
      // CPU time, not the clock: the machine may be busy with something else.
      expect((used.user + used.system) / 1000, name).toBeLessThan(250);
    }
  });

  it('text with half a character or NUL is 400 and names its field', async () => {
    const half = String.raw`"\ud83d"`;
    for (const [body, field] of [
      [`{"name":${half},"kind":"a"}`, 'name'],
      [`{"name":"x","kind":"a","note":${half}}`, 'note'],
      [`{"name":"x","kind":"a","parts":[${half}]}`, 'parts[0]'],
      [`{"name":"x","kind":"a","parts":[{"size":${half}}]}`, 'parts[0].size'],
      [String.raw`{"name":"a\u0000b","kind":"a"}`, 'name'],
      [String.raw`{"a\u0000b":1}`, 'body'],
      [`{${half}:1}`, 'body'],
    ]) {
      const answer = await call('POST', '/things', { body });
      expect([answer.status, fields(answer)], body).toEqual([400, [field]]);
    }
    const whole = String.raw`{"name":"\ud83d\ude00","kind":"a"}`;
    expect((await call('POST', '/things', { body: whole })).status).toBe(201);
  });

  it('a time that neither JavaScript nor PostgreSQL can hold is 400 and names its field', async () => {
    for (const at of [
      '2026-06-30T23:59:60Z',
      '2016-12-31t23:59:60.5z',
      '0000-01-01T00:00:00Z',
      '2026-01-01T00:00:00%2B16:00',
      '2026-01-01T00:00:00-23:59',
      '2026-01-01T24:00:00Z',
      '0001-01-01T00:00:00%2B14:00',
      '9999-12-31T23:59:59-01:00',
      '%2B275760-09-13T00:00:00Z',
      '2026-02-30T00:00:00Z',
      `2026-01-01T00:00:00.${'1'.repeat(60)}Z`,
      'infinity',
      'epoch',
      'now',
    ]) {
      expect(fields(await call('GET', `/query?at=${at}`)), at).toEqual(['at']);
    }
    for (const at of [
      '0001-01-01T00:00:00Z',
      '9999-12-31T23:59:59.999Z',
      '2026-03-29T02:30:00%2B01:00',
      '2026-01-01T00:00:00-12:00',
      '2026-01-01T00:00:00%2B14:00',
      '2026-01-01t00:00:00z',
    ]) {
      expect((await call('GET', `/query?at=${at}`)).status, at).toBe(200);
    }
  });

  it.each([
    ['no JSON', '{', 400],
    ['empty', '', 400],
    ['too deep', `${'['.repeat(50)}${']'.repeat(50)}`, 400],
    ['a poisoned prototype', '{"name":"x","kind":"a","__proto__":{"admin":true}}', 400],
    ['too large', JSON.stringify({ name: 'x'.repeat(2_000_000) }), 413],
  ])('a body that is %s is refused', async (_name, body, status) => {
    const answer = await call('POST', '/things', { body });
    expect(answer.status).toBe(status);
    expect(fields(answer)).toEqual(['body']);
  });

  it('a method that a path does not have is 405 and names those that it has', async () => {
    for (const [method, url] of [
      ['PATCH', '/things'],
      ['GET', '/things?n=1'],
    ] as const) {
      const answer = await call(method, url);
      expect([answer.status, answer.headers.allow, answer.body.error]).toMatchObject([
        405,
        'POST',
        { code: 'METHOD_NOT_ALLOWED', allowed: ['POST'] },
      ]);
    }
    expect((await call('PATCH', '/query')).headers.allow).toBe('GET, HEAD');
    expect((await call('GET', '/nothing')).status).toBe(404);
  });

  it('a method that a fixed path does not have is 405, although a path with a parameter has it', async () => {
    const stranger = await call('PATCH', '/named/import?n=1');
    expect([stranger.status, stranger.headers.allow]).toEqual([405, 'POST']);
    expect((await call('GET', '/named/import')).status).toBe(405);
    expect((await call('POST', '/named/import', { body: '{}' })).status).toBe(200);
    expect((await call('PATCH', '/named/other', { body: '{}' })).status).toBe(200);
    expect((await call('POST', '/named/other')).headers.allow).toBe('GET, HEAD, PATCH');
  });

  it('NUL in a query is 400 and names its field', async () => {
    expect(fields(await call('GET', '/query?at=%00'))).toEqual(['at']);
    expect(fields(await call('GET', '/query?%00=1'))).toEqual(['query']);
  });

  it('another content type is 415', async () => {
    const answer = await call('POST', '/things', {
      body: 'name=x',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect([answer.status, answer.body.error.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
  });

  it('whatever is sent: an answer below 500 with the error body, never a stack', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const answer = await call('POST', '/things', { body: JSON.stringify(value) });
        expect(answer.status).toBe(400);
        expect(answer.body.error.details.length).toBeGreaterThan(0);
        expect(answer.text).not.toMatch(/node_modules|\.ts:\d/);
      }),
      { numRuns: 60 },
    );
  });

  it('an unexpected error is a bare 500; what PostgreSQL refuses as a value is 400', async () => {
    const boom = await call('GET', '/boom');
    expect([boom.status, boom.body.error.code]).toEqual([500, 'INTERNAL_ERROR']);
    expect(boom.text).not.toContain('secret detail');
    expect((await call('GET', '/sql')).status).toBe(400);
  });

  it('an unknown path is 404 in the same form', async () => {
    expect((await call('GET', '/nowhere?x=1')).body.error).toMatchObject({
      code: 'RESOURCE_NOT_FOUND',
      message: 'There is no GET /nowhere.',
    });
  });
});

describe('the guard', () => {
  it('a route without a permission cannot be registered', () => {
    const other = createApp({
      name: 'x',
      log: createLogger({ service: 'x', level: 'silent' }),
      clock,
      verifier: tokens.verifier,
    });
    expect(() => other.get('/open', async () => 1)).toThrow('names no permission');
  });

  it('no token, a broken one, another role, an expired one', async () => {
    expect((await call('GET', '/me', { anonymous: true })).body.error.code).toBe('AUTHENTICATION_REQUIRED');
    expect((await call('GET', '/me', { headers: { authorization: 'Bearer abc' } })).body.error.code).toBe(
      'TOKEN_INVALID',
    );
    expect((await call('GET', '/me', { headers: { authorization: 'Basic abc' } })).body.error.code).toBe(
      'TOKEN_INVALID',
    );
    const denied = await call('GET', '/me', { claims: { permissions: ['ticket:create'] } });
    expect([denied.status, denied.body.error.code]).toEqual([403, 'PERMISSION_DENIED']);
    const old = Math.floor(clock.now().getTime() / 1000) - 10;
    expect((await call('GET', '/me', { claims: { exp: old, iat: old - 900 } })).body.error.code).toBe(
      'TOKEN_EXPIRED',
    );
  });

  it('a token expires and is revoked also after it was seen once', async () => {
    const sid = randomUUID();
    const token = await tokens.issue({ sid, sub: user, tid: tenant, role: 'service_manager' });
    const headers = { authorization: `Bearer ${token}` };
    expect((await call('GET', '/me', { headers })).status).toBe(200);
    await cache.set(revokedSessionKey(sid), '1', 60);
    expect((await call('GET', '/me', { headers })).status).toBe(401);
    await cache.delete(revokedSessionKey(sid));
    await cache.set(revokedUserKey(user), String(Math.floor(clock.now().getTime() / 1000)), 60);
    expect((await call('GET', '/me', { headers })).status).toBe(401);
    await cache.delete(revokedUserKey(user));
    clock.advance({ minutes: 16 });
    expect((await call('GET', '/me', { headers })).body.error.code).toBe('TOKEN_EXPIRED');
  });

  it('a well-formed request id is kept, another is replaced', async () => {
    expect(
      (await call('GET', '/me', { headers: { 'x-request-id': 'caller-0001' } })).headers['x-request-id'],
    ).toBe('caller-0001');
    expect(
      (await call('GET', '/me', { headers: { 'x-request-id': 'a b\u00e4' } })).headers['x-request-id'],
    ).toMatch(/^req_/);
  });
});

describe('writes', () => {
  it('with one Idempotency-Key, ten at once: one row, ten equal answers', async () => {
    const headers = { 'idempotency-key': 'k-1' };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () =>
        call('POST', '/things', { body: { name: 'once', kind: 'a' }, headers }),
      ),
    );
    expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
    expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(201));
    expect(answers[0]!.headers.etag).toBe('"1"');
    expect(await test.admin`select from kit_test.things where name = 'once'`).toHaveLength(1);
    const other = await call('POST', '/things', { body: { name: 'else', kind: 'a' }, headers });
    expect([other.status, other.body.error.code]).toEqual([409, 'IDEMPOTENCY_CONFLICT']);
  });

  it('a refused write leaves its key free', async () => {
    const headers = { 'idempotency-key': 'k-2' };
    expect((await call('POST', '/things', { body: { name: 'once', kind: 'a' }, headers })).status).toBe(409);
    expect((await call('POST', '/things', { body: { name: 'k2', kind: 'a' }, headers })).status).toBe(201);
  });

  it('If-Match: the current version goes through, a stale one is 412', async () => {
    expect((await call('PATCH', '/versioned', { headers: { 'if-match': '"3"' } })).status).toBe(200);
    expect((await call('PATCH', '/versioned', { headers: { 'if-match': '"2"' } })).body.error.code).toBe(
      'VERSION_CONFLICT',
    );
    expect((await call('PATCH', '/versioned')).status).toBe(200);
  });
});
