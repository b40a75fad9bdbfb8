import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { systemClock } from '@psa/contracts/ports/clock';
import { SERVICE_NAMES, type ServiceName } from '@psa/contracts/services';
import { freePort } from '@psa/test-kit/free-port';
import { afterEach, describe, expect, it } from 'vitest';
import { httpUpstream } from './http-upstream.ts';
import { bodyOf, type TestGateway, testGateway } from './test-gateway.test-helper.ts';
import type { Upstream } from './upstream.ts';

/** The upstreams of a gateway in which `tickets` is something else. */
const withTickets = (tickets: Upstream) => {
  const nobody = httpUpstream({ name: 'nobody', address: 'http://127.0.0.1:9', clock: systemClock });
  return {
    ...(Object.fromEntries(SERVICE_NAMES.map((name) => [name, nobody])) as Record<ServiceName, Upstream>),
    tickets,
  };
};

describe('when a service fails', () => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  const start = async (tickets: Upstream, timeoutMs = 30_000): Promise<TestGateway> => {
    const test = await testGateway('in-process', { upstreams: withTickets(tickets), timeoutMs });
    closing.push(() => test.close());
    return test;
  };

  it('answers 503, opens the breaker, and closes it once the service is back', async () => {
    const port = await freePort();
    let now = Date.now();
    const clock = { now: () => new Date(now) };
    const test = await start(
      httpUpstream({
        name: 'tickets',
        address: `http://127.0.0.1:${port}`,
        clock,
        breaker: { failures: 3 },
      }),
    );
    const ask = async () => fetch(`${test.url}/api/v1/tickets`, { headers: await test.bearer() });
    for (let i = 0; i < 3; i++) expect((await ask()).status).toBe(503);

    let asked = 0;
    const service = createServer((_req, res) => {
      asked++;
      res.end('{}');
    }).listen(port, '127.0.0.1');
    closing.push(async () => service.close());
    const open = await ask();
    expect(open.status).toBe(503);
    expect(Number(open.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await bodyOf(open)).error).toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      message: 'The tickets service does not answer just now.',
    });
    expect(asked).toBe(0);

    now += 1_000;
    expect((await ask()).status).toBe(200);
    expect((await ask()).status).toBe(200);
    expect(asked).toBe(2);
    service.closeAllConnections();
  });

  it('answers 504 when a service stays silent', async () => {
    const service = createServer(() => {});
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    closing.push(async () => {
      service.closeAllConnections();
      service.close();
    });
    const address = `http://127.0.0.1:${(service.address() as { port: number }).port}`;
    const test = await start(httpUpstream({ name: 'tickets', address, clock: systemClock }), 200);
    const response = await fetch(`${test.url}/api/v1/tickets`, { headers: await test.bearer() });
    expect(response.status).toBe(504);
    expect((await bodyOf(response)).error.code).toBe('EXTERNAL_SERVICE_TIMEOUT');
  });

  it('answers 504 for a service in the same process as well', async () => {
    const test = await testGateway('in-process', { timeoutMs: 100 });
    closing.push(() => test.close());
    const response = await fetch(`${test.url}/api/v1/tickets/slow`, { headers: await test.bearer() });
    expect(response.status).toBe(504);
  });

  it('is not ready while a service is not', async () => {
    const test = await start(
      httpUpstream({ name: 'tickets', address: 'http://127.0.0.1:9', clock: systemClock }),
    );
    const response = await fetch(`${test.url}/ready`);
    expect(response.status).toBe(503);
    expect((await bodyOf(response)).checks.tickets.status).toBe('failed');
  });

  it('is passed over for others only when it fails others, too', async () => {
    const service = createServer((req, res) => {
      if (req.headers['x-break'] === undefined) res.end('{}');
      else req.socket.destroy();
    });
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    closing.push(async () => {
      service.closeAllConnections();
      service.close();
    });
    const address = `http://127.0.0.1:${(service.address() as { port: number }).port}`;
    const test = await start(httpUpstream({ name: 'tickets', address, clock: systemClock }));
    const ask = async (headers: Record<string, string>) =>
      (await fetch(`${test.url}/api/v1/tickets`, { headers })).status;
    const one = await test.bearer({ sub: randomUUID() });
    for (let i = 0; i < 20; i++) expect(await ask({ ...one, 'x-break': '1' })).toBe(503);
    expect(await ask(await test.bearer())).toBe(200);
    expect(await ask(one)).toBe(200);
  });
});
