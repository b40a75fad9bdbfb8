import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type ApiClient, type ApiClientOptions, createApiClient, readCookie } from './client.ts';
import { ApiError, parseRetryAfter } from './error.ts';

interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}
type Answer = {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
  raw?: string;
  delay?: number;
};

const servers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of servers.splice(0)) await stop();
});

/** A real server on a free port that answers by `handle` and records what came. */
async function serve(handle: (request: Seen, all: Seen[]) => Answer): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const entry = { method: request.method!, url: request.url!, headers: request.headers, body };
    seen.push(entry);
    const answer = handle(entry, seen);
    if (answer.delay) await new Promise((done) => setTimeout(done, answer.delay));
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
    response.end(answer.raw ?? (answer.body === undefined ? '' : JSON.stringify(answer.body)));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  servers.push(
    () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

function client(url: string, options: ApiClientOptions = {}): ApiClient {
  return createApiClient({
    baseUrl: `${url}/api/v1`,
    cookies: () => 'other=1; psa_csrf=token%2F1',
    ...options,
  });
}

const refused = (status: number, code: string, more: object = {}) => ({
  status,
  body: {
    error: {
      code,
      message: 'no',
      details: [],
      request_id: 'req-1',
      timestamp: '2026-01-01T00:00:00Z',
      ...more,
    },
  },
});

async function failure(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => null,
    (e: unknown) => e,
  );
  if (!(error instanceof ApiError)) throw new Error(`expected an ApiError, got ${String(error)}`);
  return error;
}

describe('requests', () => {
  it('unwraps data, meta and the ETag, and builds the query', async () => {
    const { url, seen } = await serve(() => ({
      headers: { etag: '"3"' },
      body: { data: [{ id: 'a' }], meta: { limit: 20, total: 1 } },
    }));
    const result = await client(url).get<{ id: string }[]>('/tickets', {
      query: { status: ['new', 'assigned'], search: '', page: 2, team: undefined, mine: true },
    });
    expect(result).toEqual({ data: [{ id: 'a' }], meta: { limit: 20, total: 1 }, etag: '"3"', status: 200 });
    expect(seen[0]!.url).toBe('/api/v1/tickets?status=new%2Cassigned&page=2&mine=true');
    expect(seen[0]!.headers['x-csrf-token']).toBeUndefined();
    expect(seen[0]!.headers['idempotency-key']).toBeUndefined();
  });

  it('takes an answer without an envelope as it is', async () => {
    const { url } = await serve(() => ({ body: { updated: ['a'], failed: [] } }));
    const { data } = await client(url).post('/tickets/bulk', { ids: ['a'] });
    expect(data).toEqual({ updated: ['a'], failed: [] });
  });

  it('sends the CSRF token, If-Match and JSON on unsafe methods', async () => {
    const { url, seen } = await serve(() => ({ body: { data: { id: 'a' } } }));
    await client(url).patch('/tickets/a', { status: 'resolved' }, { ifMatch: '"3"' });
    expect(seen[0]!.headers).toMatchObject({
      'x-csrf-token': 'token/1',
      'if-match': '"3"',
      'content-type': 'application/json',
    });
    expect(JSON.parse(seen[0]!.body)).toEqual({ status: 'resolved' });
  });

  it('gives every POST its own idempotency key, or the one it was told', async () => {
    const { url, seen } = await serve(() => ({ status: 201, body: { data: {} } }));
    const api = client(url);
    await api.post('/tickets', {});
    await api.post('/tickets', {});
    await api.post('/tickets', {}, { idempotencyKey: 'mine' });
    const keys = seen.map((s) => s.headers['idempotency-key']);
    expect(keys[0]).toMatch(/^[0-9a-f-]{32,36}$/);
    expect(keys[1]).not.toBe(keys[0]);
    expect(keys[2]).toBe('mine');
  });

  it('takes 204 as no data and sends form data untouched', async () => {
    const { url, seen } = await serve(() => ({ status: 204 }));
    const form = new FormData();
    form.set('file', new Blob(['abc']), 'a.txt');
    const result = await client(url).post('/tickets/a/attachments', form);
    expect(result.data).toBeUndefined();
    expect(seen[0]!.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
    expect(seen[0]!.body).toContain('filename="a.txt"');
  });
});

describe('errors', () => {
  it('reads the envelope', async () => {
    const { url } = await serve(() =>
      refused(400, 'VALIDATION_ERROR', {
        details: [
          { field: 'title', code: 'required', message: 'is missing', values: { least: 1 } },
          { field: 'title', message: 'is short' },
        ],
      }),
    );
    const error = await failure(client(url).post('/tickets', {}));
    expect(error).toMatchObject({
      status: 400,
      code: 'VALIDATION_ERROR',
      requestId: 'req-1',
      transient: false,
    });
    expect(error.issueOf('title')).toEqual({
      field: 'title',
      code: 'required',
      message: 'is missing',
      values: { least: 1 },
    });
    expect(error.details).toHaveLength(2);
    expect(error.issueOf('body')).toBeUndefined();
  });

  it('copes with a proxy that answers without an envelope', async () => {
    const { url } = await serve(() => ({
      status: 503,
      headers: { 'retry-after': '7', 'content-type': 'text/html' },
      raw: '<h1>503</h1>',
    }));
    const error = await failure(client(url).get('/tickets'));
    expect(error).toMatchObject({ status: 503, code: 'SERVICE_UNAVAILABLE', retryAfter: 7, transient: true });
  });

  it('calls an answer that is not JSON an invalid response', async () => {
    const { url } = await serve(() => ({ raw: '{"data":' }));
    expect((await failure(client(url).get('/tickets'))).code).toBe('INVALID_RESPONSE');
  });

  it('tells no answer, a late answer and an abort apart', async () => {
    const { url } = await serve(() => ({ delay: 2000, body: { data: 1 } }));
    expect(await failure(client('http://127.0.0.1:1').get('/x'))).toMatchObject({
      status: 0,
      code: 'NETWORK_ERROR',
    });
    expect(await failure(client(url).get('/x', { timeout: 30 }))).toMatchObject({
      status: 0,
      code: 'TIMEOUT',
    });
    const abort = new AbortController();
    const pending = client(url).get('/x', { signal: abort.signal });
    abort.abort();
    await expect(pending).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('reads Retry-After as seconds or as a date', () => {
    const now = Date.parse('2026-03-01T12:00:00Z');
    expect(parseRetryAfter('12')).toBe(12);
    expect(parseRetryAfter('Sun, 01 Mar 2026 12:00:30 GMT', now)).toBe(30);
    expect(parseRetryAfter('Sun, 01 Mar 2026 11:00:00 GMT', now)).toBe(0);
    expect(parseRetryAfter('soon')).toBeNull();
    expect(parseRetryAfter(null)).toBeNull();
  });
});

describe('session renewal', () => {
  it('renews once for all requests in flight and repeats them with the same key', async () => {
    let fresh = false;
    const { url, seen } = await serve((request) => {
      if (request.url.endsWith('/auth/refresh')) {
        fresh = true;
        return { delay: 30, body: { data: {} } };
      }
      return fresh ? { body: { data: request.method } } : refused(401, 'TOKEN_EXPIRED');
    });
    const api = client(url);
    const results = await Promise.all([api.get('/a'), api.get('/b'), api.post('/c', {})]);
    expect(results.map((r) => r.data)).toEqual(['GET', 'GET', 'POST']);
    const renewals = seen.filter((s) => s.url.endsWith('/auth/refresh'));
    expect(renewals).toHaveLength(1);
    expect(renewals[0]!.headers['x-csrf-token']).toBe('token/1');
    const posts = seen.filter((s) => s.url.endsWith('/c')).map((s) => s.headers['idempotency-key']);
    expect(new Set(posts).size).toBe(1);
  });

  it('reports a lost session and does not try again and again', async () => {
    let signedOut = 0;
    const { url, seen } = await serve(() => refused(401, 'TOKEN_EXPIRED'));
    const api = client(url, { onSignedOut: () => signedOut++ });
    expect((await failure(api.get('/a'))).status).toBe(401);
    expect(seen.map((s) => s.url)).toEqual(['/api/v1/a', '/api/v1/auth/refresh']);
    expect(signedOut).toBe(1);
  });

  it('keeps the session when the renewal itself finds the server down', async () => {
    let signedOut = 0;
    const { url } = await serve((request) =>
      request.url.endsWith('/refresh') ? refused(503, 'SERVICE_UNAVAILABLE') : refused(401, 'TOKEN_EXPIRED'),
    );
    const error = await failure(client(url, { onSignedOut: () => signedOut++ }).get('/a'));
    expect(error.status).toBe(503);
    expect(signedOut).toBe(0);
  });

  it('does not renew what another tab has just renewed', async () => {
    const answers = [refused(401, 'TOKEN_EXPIRED'), { body: { data: 'ok' } }];
    const { url, seen } = await serve(() => answers.shift()!);
    const api = client(url, { renewedAt: { get: () => Date.now() + 1000, set: () => {} } });
    expect((await api.get('/a')).data).toBe('ok');
    expect(seen.map((s) => s.url)).toEqual(['/api/v1/a', '/api/v1/a']);
  });

  it('neither renews for a login nor without a session', async () => {
    const { url, seen } = await serve(() => refused(401, 'INVALID_CREDENTIALS'));
    await failure(client(url).post('/auth/login', {}, { renewSession: false }));
    const nobody = client(url, { cookies: () => '' });
    expect(nobody.mayBeSignedIn()).toBe(false);
    await failure(nobody.get('/a'));
    expect(seen.map((s) => s.url)).toEqual(['/api/v1/auth/login', '/api/v1/a']);
  });
});

describe('cookies', () => {
  it('finds a cookie by its whole name', () => {
    expect(readCookie('xpsa_csrf=1; psa_csrf=2', 'psa_csrf')).toBe('2');
    expect(readCookie('psa_csrf_old=1', 'psa_csrf')).toBeNull();
    expect(readCookie('', 'psa_csrf')).toBeNull();
  });
});
