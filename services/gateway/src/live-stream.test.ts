import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { liveChannel } from '@psa/contracts/event-api';
import { revokedSessionKey, revokedUserKey } from '@psa/contracts/tokens';
import { until } from '@psa/test-kit/until';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { STREAM_PATH } from './live-stream.ts';
import { type TestGateway, testGateway } from './test-gateway.test-helper.ts';

const tenant = randomUUID();
const event = (over: object = {}) => ({
  id: randomUUID(),
  type: 'ticket.opened.v1',
  aggregate: { type: 'ticket', id: randomUUID() },
  occurred_at: '2026-03-02T09:00:00.000Z',
  customer_id: null,
  public: true,
  data: { title: 'must not go out' },
  ...over,
});

describe('live stream', () => {
  let test: TestGateway;
  const sockets: WebSocket[] = [];
  /** Who answers no heartbeat until the next one is dropped: on a busy machine anybody, if they come soon. */
  const start = async ({ heartbeatMs = 30_000 } = {}) => {
    test = await testGateway('in-process', { heartbeatMs });
  };
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.terminate();
    await test.close();
  });

  const connect = (headers: Record<string, string>) => {
    const socket = new WebSocket(test.url.replace('http', 'ws') + STREAM_PATH, { headers });
    sockets.push(socket);
    const received: { type: string; id?: string }[] = [];
    socket.on('message', (data) => received.push(JSON.parse(String(data))));
    const closed = once(socket, 'close').then(([code]) => code as number);
    closed.catch(() => {});
    return { socket, received, closed };
  };
  const open = async (claims: object) => {
    const reader = connect(await test.bearer({ tid: tenant, ...claims }));
    await until(() => reader.received.length > 0);
    expect(reader.received.shift()).toEqual({ type: 'ready' });
    return reader;
  };
  const refusal = (headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve) => {
      const { socket } = connect(headers);
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
      socket.on('error', () => {});
    });

  it('tells each what they may know, and no content', async () => {
    await start();
    const mine = randomUUID();
    const staff = await open({});
    const customer = await open({ role: 'customer_admin', customer_id: mine });
    const other = await open({ role: 'customer_admin', customer_id: randomUUID() });
    const stranger = await open({ tid: randomUUID() });
    const events = [
      event({ customer_id: mine }),
      event({ customer_id: mine, public: false }),
      event({ customer_id: null }),
    ];
    for (const one of events) await test.cache.publish(liveChannel(tenant), JSON.stringify(one));
    await until(() => staff.received.length === 3);
    const [first] = events;
    expect(staff.received[0]).toEqual({
      id: first!.id,
      type: first!.type,
      aggregate: first!.aggregate,
      occurred_at: first!.occurred_at,
    });
    expect(customer.received.map(({ id }) => id)).toEqual([first!.id]);
    expect(other.received).toEqual([]);
    expect(stranger.received).toEqual([]);
  });

  it('takes a cookie from our own pages only', async () => {
    await start();
    const cookie = `psa_access=${await test.tokens.issue({ tid: tenant })}`;
    expect(await refusal({ cookie, origin: 'https://evil.example' })).toBe(403);
    const own = connect({ cookie, origin: test.url });
    await until(() => own.received.length > 0);
  });

  it('refuses those who may not listen', async () => {
    await start();
    expect(await refusal({})).toBe(401);
    expect(await refusal({ authorization: 'Bearer a.b.c' })).toBe(401);
    expect(await refusal(await test.bearer({ permissions: ['ticket:view:all'] }))).toBe(403);
    // A page cannot read the status of a refused upgrade, so it gets a code it can read.
    expect(await connect({ origin: test.url }).closed).toBe(4401);
  });

  it('ends with the token, and with the session', async () => {
    await start({ heartbeatMs: 250 });
    const soon = Math.floor(test.clock.now().getTime() / 1000) + 1;
    expect(await (await open({ exp: soon })).closed).toBe(4401);
    const sid = randomUUID();
    const reader = await open({ sid });
    await test.cache.set(revokedSessionKey(sid), '1', 60);
    expect(await reader.closed).toBe(4401);
  });

  it('stays with a page that signs out, which closes it by itself', async () => {
    await start();
    const [sub, sid] = [randomUUID(), randomUUID()];
    const reader = await open({ sub, sid });
    await test.cache.set(revokedSessionKey(sid), '1', 60);
    const news = event({ type: 'user.logged_out.v1', aggregate: { type: 'user', id: sub }, public: false });
    await test.cache.publish(liveChannel(tenant), JSON.stringify(news));
    expect(await Promise.race([reader.closed, setTimeout(1_500, 'open')])).toBe('open');
  });

  it.each([
    ['before', 'user'],
    ['after', 'user'],
    ['before', 'customer'],
    ['after', 'customer'],
  ])('ends at once when the session is ended %s the news of the %s', async (order, kind) => {
    await start();
    const [sub, customer] = [randomUUID(), randomUUID()];
    const portal = { role: 'customer_admin', customer_id: customer };
    const concerned = await open({ sub, ...portal });
    const colleague = await open(portal);
    const mark = () => test.cache.set(revokedUserKey(sub), String(test.clock.now().getTime() / 1000), 60);
    if (order === 'before') await mark();
    const aggregate = { type: kind, id: kind === 'user' ? sub : customer };
    const news = event({ type: `${kind}.updated.v1`, aggregate, public: false });
    await test.cache.publish(liveChannel(tenant), JSON.stringify(news));
    if (order === 'after') {
      // The first look has been; the mark comes with a consumer of the news.
      await setTimeout(200);
      await mark();
    }
    // Long before the next heartbeat.
    expect(await Promise.race([concerned.closed, setTimeout(10_000, 'open')])).toBe(4401);
    expect(colleague.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('drops those who give no sign of life and those who talk', async () => {
    await start({ heartbeatMs: 250 });
    const silent = connect(await test.bearer({ tid: tenant }));
    await until(() => silent.received.length > 0);
    silent.socket.pause();
    const talker = await open({});
    talker.socket.send('hello');
    expect(await talker.closed).toBe(1008);
    const text = async () => (await fetch(`${test.url}/metrics`)).text();
    await until(async () => (await text()).includes('live_streams_open{service="gateway"} 0'));
  });

  it('says good-bye when the gateway stops', async () => {
    await start();
    const reader = await open({});
    await test.gateway.close();
    expect(await reader.closed).toBe(1001);
  });
});
