import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { limitedAs } from './client-address.ts';
import { bodyOf, type TestGateway, testGateway } from './test-gateway.test-helper.ts';

describe('rate limits', () => {
  let test: TestGateway;
  afterEach(() => test.close());
  const get = (path: string, headers: Record<string, string>) => fetch(test.url + path, { headers });

  it('counts strangers by address and says which limit it is and how long to wait', async () => {
    test = await testGateway('in-process', { limits: { anonymousPerMinute: 3 } });
    for (const remaining of ['2', '1', '0']) {
      const response = await get('/api/v1/tickets/echo', {});
      expect(response.status).toBe(401);
      expect(response.headers.get('ratelimit-limit')).toBe('3');
      expect(response.headers.get('ratelimit-remaining')).toBe(remaining);
    }
    const refused = await get('/api/v1/tickets/echo', {});
    expect(refused.status).toBe(429);
    const { error } = await bodyOf(refused);
    expect(error).toMatchObject({
      code: 'RATE_LIMIT_EXCEEDED',
      details: [{ field: 'anonymous', code: 'limit', message: '3 at once, 3 a minute without signing in' }],
    });
    // Three requests come free in a minute; the first of them was some moments ago.
    expect(error.retry_after).toBeGreaterThan(50);
    expect(error.retry_after).toBeLessThanOrEqual(60);
    expect(refused.headers.get('retry-after')).toBe(String(error.retry_after));
    const reset = Number(refused.headers.get('x-ratelimit-reset'));
    expect(reset - Math.ceil(test.clock.now().getTime() / 1000)).toBe(
      Number(refused.headers.get('ratelimit-reset')),
    );
    // Somebody who signs in from that address is not held up, nor are pages.
    expect((await get('/api/v1/tickets/echo', await test.bearer())).status).toBe(200);
    expect((await get('/', { accept: 'text/html' })).status).toBe(200);
  });

  it('what a stranger waits for is a few requests, not a whole window', async () => {
    test = await testGateway('in-process', { limits: { anonymousPerMinute: 60 } });
    let refused: Response;
    do refused = await get('/api/v1/tickets/echo', {});
    while (refused.status === 401);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(5);
  });

  it('counts each user by tier', async () => {
    test = await testGateway('in-process', { limits: { standardPerHour: 2, professionalPerHour: 4 } });
    const limitOf = async (claims: object) => {
      const response = await get('/api/v1/tickets/echo', await test.bearer(claims));
      return response.headers.get('ratelimit-limit');
    };
    const customer = { role: 'customer_admin', customer_id: randomUUID() };
    expect(await limitOf(customer)).toBe('2');
    expect(await limitOf({ ...customer, tier: 'professional' })).toBe('4');
    expect(await limitOf({ ...customer, tier: 'enterprise' })).toBe('1000');
    expect(await limitOf({ role: 'technician_l1' })).toBe('4');

    const one = await test.bearer(customer);
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await get('/api/v1/tickets/echo', one)).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect((await get('/api/v1/tickets/echo', await test.bearer(customer))).status).toBe(200);
  });

  it('what a portal reads for its pages spends nothing of what its user may do', async () => {
    test = await testGateway('in-process', {
      limits: { standardPerHour: 2, professionalPerHour: 2, readingPerHour: 40 },
    });
    const sub = randomUUID();
    const cookie = `psa_access=${await test.tokens.issue({ sub, role: 'technician_l1', csrf: 'the-token' })}`;
    const read = async () => (await get('/api/v1/tickets/echo', { cookie })).status;
    for (let i = 0; i < 40; i++) expect(await read()).toBe(200);
    expect(await read()).toBe(429);
    const write = () =>
      fetch(`${test.url}/api/v1/tickets`, {
        method: 'POST',
        headers: { cookie, 'content-type': 'application/json', 'x-csrf-token': 'the-token' },
        body: '{"title":"x"}',
      });
    expect([(await write()).status, (await write()).status]).toEqual([201, 201]);
    const refused = await bodyOf(await write());
    expect(refused.error.details).toEqual([{ field: 'api', code: 'limit', message: '2 at once, 2 an hour' }]);
  });

  it('believes X-Forwarded-For of our own proxies only', async () => {
    test = await testGateway('in-process', {
      trustedProxies: ['127.0.0.1', '10.0.40.0/24'],
      limits: { anonymousPerMinute: 1 },
    });
    const from = async (forwarded: string) =>
      (await get('/api/v1/tickets/echo', { 'x-forwarded-for': forwarded })).status;
    expect(await from('203.0.113.1')).toBe(401);
    expect(await from('203.0.113.1')).toBe(429);
    expect(await from('198.51.100.7, 203.0.113.1')).toBe(429);
    expect(await from('203.0.113.2, 10.0.40.9')).toBe(401);
    await get('/api/v1/tickets/echo', { ...(await test.bearer()), 'x-forwarded-for': '203.0.113.9' });
    expect(test.seen.at(-1)?.ip).toBe('203.0.113.9');
    expect((await get('/metrics', { 'x-forwarded-for': '203.0.113.9' })).status).toBe(403);
    const https = await get('/', {
      accept: 'text/html',
      'x-forwarded-proto': 'https',
      'x-forwarded-for': '203.0.113.9',
    });
    expect(https.headers.get('strict-transport-security')).toContain('max-age=31536000');
  });

  it('wants the token for metrics where one is set', async () => {
    test = await testGateway('in-process', { metricsToken: 'scrape' });
    expect((await get('/metrics', {})).status).toBe(401);
    expect((await get('/metrics', { authorization: 'Bearer scrape' })).status).toBe(200);
  });

  it('counts an IPv6 subscriber as one', async () => {
    test = await testGateway('in-process');
    expect(limitedAs('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
    expect(limitedAs('2001:db8:1:2::9')).toBe('2001:db8:1:2::/64');
    expect(limitedAs('2001:db8::1')).toBe('2001:db8:0:0::/64');
    expect(limitedAs('203.0.113.9')).toBe('203.0.113.9');
  });
});
