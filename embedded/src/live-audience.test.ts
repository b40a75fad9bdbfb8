import { once } from 'node:events';
import { liveChannel } from '@psa/contracts/event-api';
import { SERVICE_NAMES } from '@psa/contracts/services';
import type { AccessClaims } from '@psa/contracts/tokens';
import { liveMessage } from '@psa/events/log/consumer';
import type { GatewayDeps } from '@psa/gateway/app';
import { inProcessUpstream } from '@psa/gateway/in-process-upstream';
import { STREAM_PATH } from '@psa/gateway/live-stream';
import { type TestGateway, testGateway } from '@psa/gateway/test-gateway.test-helper';
import { until } from '@psa/test-kit/until';
import { type TestDesk, testDesk } from '@psa/tickets/desk.test-helper';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';

let desk: TestDesk;
let gateway: TestGateway;
const sockets: WebSocket[] = [];
const readers = new Map<string, { as: Partial<AccessClaims>; heard: Set<string> }>();
let told = 0;

beforeAll(async () => {
  desk = await testDesk();
  const { app, tokens, tenantId } = desk.service;
  const upstream = inProcessUpstream('tickets', app);
  gateway = await testGateway('in-process', {
    upstreams: Object.fromEntries(SERVICE_NAMES.map((name) => [name, upstream])) as GatewayDeps['upstreams'],
    verifier: tokens.verifier,
    clock: desk.service.clock,
  });
  const own = ['ticket:view:own', 'event:stream', 'ticket:update'];
  for (const [name, as] of Object.entries({
    'who sees all': desk.anna,
    'who works on some': { ...desk.ben, permissions: own },
    'who works on none': { ...desk.ben, sub: crypto.randomUUID(), permissions: own },
    'a user': desk.user,
    'a colleague': { ...desk.user, sub: crypto.randomUUID() },
    'their boss': desk.boss,
    'another customer': desk.stranger,
  })) {
    const heard = new Set<string>();
    readers.set(name, { as, heard });
    const headers = { authorization: `Bearer ${await tokens.issue({ tid: tenantId, ...as })}` };
    const socket = new WebSocket(gateway.url.replace('http', 'ws') + STREAM_PATH, { headers });
    sockets.push(socket);
    const ready = Promise.withResolvers<void>();
    socket.on('message', (data) => {
      const message = JSON.parse(String(data));
      if (message.type === 'ready') ready.resolve();
      else if (message.aggregate.type === 'ticket') heard.add(message.aggregate.id);
    });
    await ready.promise;
  }
});
afterAll(async () => {
  for (const socket of sockets) {
    socket.close();
    await once(socket, 'close');
  }
  await gateway.close();
  await desk.service.close();
});

const call = async (...args: Parameters<TestDesk['service']['call']>) => {
  const answer = await desk.service.call(...args);
  expect(answer.status, answer.text).toBeLessThan(300);
  return answer.body?.data;
};
const watch = (ticketId: string, userId: string, customer = desk.customer) =>
  desk.service.db.admin`
    insert into tickets.watchers (tenant_id, ticket_id, user_id, customer_id, name, created_at)
    values (${desk.service.tenantId}, ${ticketId}, ${userId}, ${customer}, 'W', now())`;

/** Hands on what the desk has told since the last time, as the events service does; who heard of which tickets. */
async function heardOf(): Promise<Record<string, string[]>> {
  const mark = await desk.open({}, desk.user);
  const foreign = await desk.open({}, desk.stranger);
  // Everybody sees these last ones: whoever has heard of theirs has heard of all before.
  for (const { as } of readers.values())
    if (!as.customer_id || as.customer_id === desk.customer) await watch(mark.id, as.sub!);
  const all = await desk.service.outbox();
  for (const event of all.slice(told))
    await gateway.cache.publish(liveChannel(event.tenant_id), JSON.stringify(liveMessage(event)));
  told = all.length;
  const marks = [mark.id, foreign.id];
  const answer: Record<string, string[]> = {};
  for (const [name, { heard }] of readers) {
    await until(
      () => marks.some((id) => heard.has(id)) && (name !== 'who sees all' || heard.has(foreign.id)),
    );
    answer[name] = [...heard].filter((id) => !marks.includes(id)).sort();
    heard.clear();
  }
  await desk.service.db.admin`update tickets.tickets set deleted_at = now() where id = any(${marks})`;
  return answer;
}

it('everybody hears of the tickets that they may read, and of no others', async () => {
  const colleague = readers.get('a colleague')!.as.sub!;
  await desk.open();
  await desk.open({}, desk.user);
  await desk.open({}, desk.boss);
  await desk.open({}, desk.stranger);
  await desk.open({}, desk.ben);
  await desk.open({ assigned_to: desk.ben.sub });
  const team = await call('POST', '/api/v1/teams', { body: { name: 'Netz', member_ids: [desk.ben.sub] } });
  await desk.open({ team_id: team.id });
  const watched = await desk.open({}, desk.boss);
  await watch(watched.id, colleague);
  await watch((await desk.open({ customer_id: desk.otherCustomer })).id, desk.ben.sub, desk.otherCustomer);

  const heard = await heardOf();
  for (const [name, { as }] of readers) {
    const seen = await call('GET', '/api/v1/tickets?limit=100', { as });
    expect([name, heard[name]]).toEqual([name, seen.map(({ id }: { id: string }) => id).sort()]);
  }
  expect(Object.values(heard).map((ids) => ids.length)).toEqual([9, 4, 0, 1, 1, 7, 2]);
});

it('hears no more of what it does not watch, but that its own is gone or given to somebody else', async () => {
  const { id } = await desk.open({}, desk.user);
  const given = await desk.open({ assigned_to: desk.ben.sub });
  const colleague = readers.get('a colleague')!.as.sub!;
  await watch(id, colleague);
  expect((await heardOf())['a colleague']).toEqual([id]);
  await call('DELETE', `/api/v1/tickets/${id}/watchers/${colleague}`);
  // Taken off: the last that is heard. Whoever of the technicians watches is no news for the customer.
  expect(await heardOf()).toMatchObject({ 'a user': [id], 'a colleague': [id], 'another customer': [] });
  await call('POST', `/api/v1/tickets/${id}/watchers`, { body: { user_id: desk.ben.sub } });
  expect(await heardOf()).toMatchObject({ 'a user': [], 'their boss': [], 'who works on some': [id] });
  await call('DELETE', `/api/v1/tickets/${id}/watchers/${desk.ben.sub}`);
  expect(await heardOf()).toMatchObject({ 'a user': [], 'their boss': [], 'who works on some': [id] });
  await call('POST', `/api/v1/tickets/${id}/comments`, { body: { body: 'Ja', visibility: 'public' } });
  await call('PATCH', `/api/v1/tickets/${given.id}`, { body: { assigned_to: desk.anna.sub } });
  const heard = await heardOf();
  expect([heard['a user'], heard['a colleague'], heard['who works on some']]).toEqual([[id], [], [given.id]]);
  const body = { name: 'Server', member_ids: [desk.ben.sub] };
  const [team, next] = [
    await call('POST', '/api/v1/teams', { body }),
    await call('POST', '/api/v1/teams', { body: { name: 'Drucker', member_ids: [desk.anna.sub] } }),
  ];
  const moved = await desk.open({ team_id: team.id });
  expect((await heardOf())['who works on some']).toEqual([moved.id]);
  await call('PATCH', `/api/v1/tickets/${moved.id}`, { body: { team_id: next.id } });
  expect((await heardOf())['who works on some']).toEqual([moved.id]);
  await call('PATCH', `/api/v1/tickets/${moved.id}`, { body: { priority: 'high' } });
  expect((await heardOf())['who works on some']).toEqual([]);
  await call('DELETE', `/api/v1/tickets/${id}`);
  const after = await heardOf();
  expect([after['a user'], after['a colleague']]).toEqual([[id], []]);
});
