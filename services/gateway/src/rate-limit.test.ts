import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { limitedAs } from './client-address.ts';
import { bodyOf, type TestGateway, testGateway } from './test-gateway.test-helper.ts';

describe('rate limits', () => {
  let test: TestGateway;
  afterEach(() => test.close());
  const get = (path: string, headers: Record<string, string>) => fetch(test.url + path, { headers });

  it('counts strangers by address and says how long to wait', async () => {
    test = await testGateway('in-process', { limits: { anonymousPerMinute: 3 } });
    for (const remaining of ['2', '1', '0']) {
      const response = await get('/api/v1/tickets/echo', {});
      expect(response.status).toBe(401);
      expect(response.headers.get('x-ratelimit-limit')).toBe('3');
      expect(response.headers.get('x-ratelimit-remaining')).toBe(remaining);
    }
    const refused = await get('/api/v1/tickets/echo', {});
    expect(refused.status).toBe(429);
    expect((await bodyOf(refused)).error).toMatchObject({ code: 'RATE_LIMIT_EXCEEDED', retry_after: 60 });
    expect(refused.headers.get('retry-after')).toBe('60');
    const reset = Number(refused.headers.get('x-ratelimit-reset'));
    expect(reset - Math.ceil(test.clock.now().getTime() / 1000)).toBe(60);
    // Somebody who signs in from that address is not held up, nor are pages.
    expect((await get('/api/v1/tickets/echo', await test.bearer())).status).toBe(200);
    expect((await get('/', { accept: 'text/html' })).status).toBe(200);
  });

  it('counts each user by tier', async () => {
    test = await testGateway('in-process', { limits: { standardPerHour: 2, professionalPerHour: 4 } });
    const limitOf = async (claims: object) => {
      const response = await get('/api/v1/tickets/echo', await test.bearer(claims));
      return response.headers.get('x-ratelimit-limit');
    };
    const customer = { role: 'customer_admin', customer_id: randomUUID() };
    expect(await limitOf(customer)).toBe('2');
    expect(await limitOf({ ...customer, tier: 'professional' })).toBe('4');
    expect(await limitOf({ ...customer, tier: 'enterprise' })).toBe('10000');
    expect(await limitOf({ role: 'technician_l1' })).toBe('4');

    const one = await test.bearer(customer);
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await get('/api/v1/tickets/echo', one)).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect((await get('/api/v1/tickets/echo', await test.bearer(customer))).status).toBe(200);
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
