import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { request as rawRequest } from 'node:http';
import { SERVICE_NAMES } from '@psa/contracts/services';
import { CSRF_HEADER, revokedSessionKey } from '@psa/contracts/tokens';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bodyOf, KEY, LOCKED_KEY, type TestGateway, testGateway } from './test-gateway.test-helper.ts';

describe.each(['in-process', 'http'] as const)('gateway over %s services', (kind) => {
  let test: TestGateway;
  const get = (path: string, headers: Record<string, string> = {}) => fetch(test.url + path, { headers });

  beforeAll(async () => {
    test = await testGateway(kind, { limits: { anonymousPerMinute: 1_000 } });
  });
  afterAll(() => test.close());

  it('hands a request to the service of its prefix and gives its answer back', async () => {
    const response = await get('/api/v1/tickets/echo?a=1&a=2', await test.bearer({ name: 'Jana' }));
    expect(response.status).toBe(200);
    expect(await bodyOf(response)).toEqual({ data: { name: 'Jana', query: { a: ['1', '2'] } } });
    expect(response.headers.get('etag')).toBe('"7"');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-security-policy')).toBe(
      "default-src 'none'; frame-ancestors 'none'",
    );
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('x-request-id')).toMatch(/^req_/);
    expect(response.headers.get('connection')).toBe('keep-alive');
  });

  it('answers 404 in the one error body for what no service has', async () => {
    for (const path of ['/api/v1/nothing', '/api/v2/tickets', '/api/v1/', '/internal/api-keys/exchange']) {
      const response = await get(path, { 'x-request-id': 'given-by-caller' });
      expect(response.status, path).toBe(404);
      expect(response.headers.get('x-request-id')).toBe('given-by-caller');
      expect(await bodyOf(response)).toMatchObject({
        error: { code: 'RESOURCE_NOT_FOUND', details: [], request_id: 'given-by-caller' },
      });
    }
  });

  it('keeps /internal out of reach, however it is written', async () => {
    for (const path of [
      '/internal/api-keys/exchange',
      '/api/v1/auth/../../../internal/api-keys/exchange',
      '/api/v1/auth/%2e%2e/%2e%2e/%2e%2e/internal/api-keys/exchange',
      '/api/v1/auth//internal/api-keys/exchange',
      '//internal/api-keys/exchange',
    ]) {
      const headers = { 'content-type': 'application/json', ...(await test.bearer()) };
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const request = rawRequest(test.url, { method: 'POST', path, headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        request.on('error', reject);
        request.end(JSON.stringify({ api_key: KEY }));
      });
      expect([404, 405], path).toContain(status);
    }
    expect(test.exchanges()).toBe(0);
  });

  it('reads a request line with the whole address, and declines other protocols by answering', async () => {
    const send = (path: string, headers: Record<string, string> = {}) =>
      new Promise<number | undefined>((resolve, reject) => {
        const request = rawRequest(test.url, { path, headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        request.on('error', reject);
        request.end();
      });
    const credentials = await test.bearer();
    expect(await send('http://other.example/api/v1/tickets/echo?a=1', credentials)).toBe(200);
    expect(await send('http://other.example/api/v1/tickets/echo')).toBe(401);
    expect(await send('HTTP://other.example')).toBeLessThan(500);
    expect(await send('http://other.example?a=1')).toBeLessThan(500);
    expect(await send('http://other.example/internal/api-keys/exchange', credentials)).toBe(404);
    expect(await send('*')).toBe(404);
    const h2c = {
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: 'h2c',
      'http2-settings': 'AAEAAEAAAAIAAAAB',
    };
    expect(await send('/api/v1/tickets/echo', { ...credentials, ...h2c })).toBe(200);
  });

  it('tells the service who asks from where, whatever the client claims', async () => {
    await get('/api/v1/tickets/echo', {
      ...(await test.bearer()),
      'x-forwarded-for': '9.9.9.9',
      'x-forwarded-proto': 'https',
      'x-psa-tenant': 'other',
      'x-real-ip': '9.9.9.9',
      forwarded: 'for=9.9.9.9',
      cookie: 'psa_access=x; other=y',
      'x-request-id': 'trace-me-please',
    });
    const { headers, ip } = test.seen.at(-1)!;
    expect(ip).toBe('127.0.0.1');
    expect(headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-request-id': 'trace-me-please',
    });
    for (const name of ['x-psa-tenant', 'x-real-ip', 'forwarded', 'cookie'])
      expect(headers).not.toHaveProperty(name);
  });

  it('asks for credentials, and refuses bad, expired and revoked ones', async () => {
    const none = await get('/api/v1/tickets/echo');
    expect(none.status).toBe(401);
    expect(none.headers.get('www-authenticate')).toBe('Bearer');
    expect((await bodyOf(none)).error.code).toBe('AUTHENTICATION_REQUIRED');

    const codeOf = async (headers: Record<string, string>) =>
      (await bodyOf(await get('/api/v1/tickets/echo', headers))).error.code;
    expect(await codeOf({ authorization: 'Basic abc' })).toBe('TOKEN_INVALID');
    expect(await codeOf({ authorization: 'Bearer a.b.c' })).toBe('TOKEN_INVALID');
    const past = Math.floor(test.clock.now().getTime() / 1000) - 1;
    expect(await codeOf(await test.bearer({ exp: past }))).toBe('TOKEN_EXPIRED');
    const sid = randomUUID();
    await test.cache.set(revokedSessionKey(sid), '1', 60);
    expect(await codeOf(await test.bearer({ sid }))).toBe('TOKEN_INVALID');
  });

  it('lets public routes pass, with cookies for auth alone', async () => {
    const response = await fetch(`${test.url}/api/v1/auth/refresh`, {
      method: 'POST',
      headers: { cookie: 'psa_refresh=abc', 'content-type': 'application/json' },
      body: '{}',
    });
    expect(response.status).toBe(200);
    expect(await bodyOf(response)).toEqual({ cookies: 'psa_refresh=abc' });
    const foreign = await fetch(`${test.url}/api/v1/auth/refresh`, {
      method: 'POST',
      headers: {
        cookie: 'psa_refresh=abc',
        origin: 'https://evil.example',
        'content-type': 'application/json',
      },
      body: '{}',
    });
    expect(foreign.status).toBe(403);
  });

  it('takes an API key, and asks auth about it once', async () => {
    const before = test.exchanges();
    for (const headers of [{ 'x-api-key': KEY }, { authorization: `Bearer ${KEY}` }] as Record<
      string,
      string
    >[]) {
      const response = await get('/api/v1/tickets/echo', headers);
      expect(await bodyOf(response)).toMatchObject({ data: { name: 'key holder' } });
    }
    expect(test.exchanges()).toBe(before + 1);
    test.clock.advance({ seconds: 61 });
    await get('/api/v1/tickets/echo', { 'x-api-key': KEY });
    expect(test.exchanges()).toBe(before + 2);
    expect((await get('/api/v1/tickets/echo', { 'x-api-key': 'psa_wrong' })).status).toBe(401);
  });

  it('tells auth from where an unknown key comes, and says that this address has to wait', async () => {
    const behind = await testGateway(kind, { trustedProxies: ['127.0.0.1'] });
    try {
      const answer = await fetch(`${behind.url}/api/v1/tickets/echo`, {
        headers: { 'x-api-key': LOCKED_KEY, 'x-forwarded-for': '203.0.113.40' },
      });
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([423, '900']);
      expect((await bodyOf(answer)).error).toMatchObject({
        code: 'ACCOUNT_LOCKED',
        details: [{ field: 'address', message: '203.0.113.40' }],
      });
    } finally {
      await behind.close();
    }
  });

  it('asks again for a key whose token was ended, as a change of its owner’s rights does', async () => {
    const echo = () => get('/api/v1/tickets/echo', { 'x-api-key': KEY });
    await echo();
    const token = String(test.seen.at(-1)!.headers.authorization).slice('Bearer '.length);
    const { sid } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
    await test.cache.set(revokedSessionKey(sid), '1', 60);
    const before = test.exchanges();
    expect((await Promise.all([echo(), echo(), echo()])).map(({ status }) => status)).toEqual([
      200, 200, 200,
    ]);
    expect(test.exchanges() - before).toBeLessThanOrEqual(3);
    const asked = test.exchanges();
    expect((await echo()).status).toBe(200);
    expect(test.exchanges()).toBe(asked);
  });

  it('takes changes by cookie only from our own pages', async () => {
    const token = await test.tokens.issue({ csrf: 'the-csrf-token' });
    const post = (headers: Record<string, string>) =>
      fetch(`${test.url}/api/v1/tickets`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', cookie: `psa_access=${token}`, ...headers },
        body: '{"title":"x"}',
      });
    expect((await post({ [CSRF_HEADER]: 'the-csrf-token' })).status).toBe(201);
    expect((await post({ [CSRF_HEADER]: 'the-csrf-token', origin: test.url })).status).toBe(201);
    for (const headers of [
      {},
      { [CSRF_HEADER]: 'another-token!' },
      { [CSRF_HEADER]: 'the-csrf-token', origin: 'https://evil.example' },
      { [CSRF_HEADER]: 'the-csrf-token', origin: 'null' },
      { [CSRF_HEADER]: 'the-csrf-token', 'sec-fetch-site': 'same-site' },
    ]) {
      const response = await post(headers as Record<string, string>);
      expect(response.status, JSON.stringify(headers)).toBe(403);
      expect((await bodyOf(response)).error.code).toBe('CSRF_INVALID');
    }
    expect((await get('/api/v1/tickets/echo', { cookie: `psa_access=${token}` })).status).toBe(200);
    const withoutClaim = await test.tokens.issue({});
    const response = await post({ cookie: `psa_access=${withoutClaim}`, [CSRF_HEADER]: '' });
    expect(response.status).toBe(403);
  });

  it('streams an attachment up, whole, and a download down', async () => {
    const content = randomBytes(20 * 1024 * 1024);
    const form = new FormData();
    form.set('file', new Blob([content]), 'big.bin');
    const up = await fetch(`${test.url}/api/v1/tickets/1/attachments`, {
      method: 'POST',
      headers: await test.bearer(),
      body: form,
    });
    expect(await bodyOf(up)).toEqual({
      size: content.length,
      sha256: createHash('sha256').update(content).digest('hex'),
    });
    const down = await get('/api/v1/tickets/download', await test.bearer());
    expect((await down.arrayBuffer()).byteLength).toBe(64 * 65_536);
    expect(down.headers.get('content-encoding')).toBeNull();
  });

  it('refuses what is too large or of a wrong type', async () => {
    const post = async (path: string, type: string, body: string | ReadableStream) =>
      fetch(test.url + path, {
        method: 'POST',
        headers: { 'content-type': type, ...(await test.bearer()) },
        body,
        duplex: 'half',
      } as RequestInit);
    const large = JSON.stringify({ title: 'x'.repeat(2 * 1024 * 1024) });
    const declared = await post('/api/v1/tickets', 'application/json', large);
    expect(declared.status).toBe(413);
    expect((await bodyOf(declared)).error.details[0].field).toBe('body');
    // Without Content-Length the size shows only on the way.
    const chunked = await post('/api/v1/tickets', 'application/json', new Blob([large]).stream());
    expect(chunked.status).toBe(413);
    expect((await post('/api/v1/tickets', 'text/plain', 'x')).status).toBe(415);
    expect((await post('/api/v1/tickets', 'application/json', '{"titel":"x"}')).status).toBe(400);
    expect(
      (await post('/api/v1/tickets/1/attachments', 'multipart/form-data', 'x'.repeat(27 << 20))).status,
    ).toBe(413);
  });

  it('tells the service when the client goes away', async () => {
    const gone = new AbortController();
    const answer = fetch(`${test.url}/api/v1/tickets/slow`, {
      headers: await test.bearer(),
      signal: gone.signal,
    });
    answer.catch(() => {});
    await test.slowAsked;
    gone.abort();
    await expect(answer).rejects.toThrow();
    await test.aborted;
  });

  it('compresses lists for those who take it', async () => {
    for (const [accept, encoding] of [
      ['gzip, deflate', 'gzip'],
      ['gzip, deflate, br, zstd', 'br'],
      ['identity', null],
      ['br;q=0, gzip', 'gzip'],
    ] as const) {
      const response = await get('/api/v1/tickets', { ...(await test.bearer()), 'accept-encoding': accept });
      expect(response.headers.get('content-encoding'), accept).toBe(encoding);
      expect((await bodyOf(response)).data).toHaveLength(20);
    }
    const small = await get('/api/v1/tickets/echo', { ...(await test.bearer()), 'accept-encoding': 'gzip' });
    expect(small.headers.get('content-encoding')).toBeNull();
  });

  it('says whether each service is ready', async () => {
    const response = await get('/ready');
    expect(response.status).toBe(200);
    const { checks } = await bodyOf(response);
    expect(Object.keys(checks).sort()).toEqual(['cache', ...SERVICE_NAMES].sort());
    expect((await bodyOf(await get('/health'))).service).toBe('gateway');
  });

  it.each(['/metrics', '/health', '/ready'])('%s is only read', async (path) => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const response = await fetch(test.url + path, { method });
      expect([response.status, response.headers.get('allow')], method).toEqual([405, 'GET, HEAD']);
    }
    expect((await fetch(test.url + path, { method: 'HEAD' })).status).toBe(200);
  });

  it('shows metrics with each family once', async () => {
    await get('/api/v1/tickets/echo', await test.bearer());
    const text = await (await get('/metrics')).text();
    expect(text.match(/^# TYPE http_requests_total/gm)).toHaveLength(1);
    expect(text).toContain(
      'http_requests_total{method="GET",route="/api/v1/tickets/*",status_code="200",service="gateway"}',
    );
    expect(text.includes('service="tickets"')).toBe(kind === 'in-process');
  });

  it('merges the services into one OpenAPI 3.1 document with a page to browse it', async () => {
    const document = await bodyOf(await get('/api/v1/openapi.json'));
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toContain('/api/v1/auth/refresh');
    expect(document.paths['/api/v1/tickets'].post.security).toEqual([{ bearer: [] }]);
    expect(Object.keys(document.paths).filter((path) => path.startsWith('/internal'))).toEqual([]);

    const page = await get('/api/docs');
    const html = await page.text();
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(html).not.toMatch(/<script(?![^>]* src=)/);
    for (const [, path] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect((await get(path!)).status, path).toBe(200);
    }
  });
});
