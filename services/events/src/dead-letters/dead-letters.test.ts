import { randomUUID } from 'node:crypto';
import { makeEvent } from '@psa/test-kit/make-event';
import { type TestService, testService } from '@psa/test-kit/service';
import { until } from '@psa/test-kit/until';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventsService } from '../app.ts';

let events: TestService;
beforeAll(async () => {
  events = await testService(eventsService);
  await events.running.start();
});
afterAll(() => events.close());

const path = '/api/v1/events';

it('a test event goes through outbox and bus into the history', async () => {
  const answer = await events.call('POST', `${path}/test`, { body: { message: 'hallo' } });
  expect(answer.status).toBe(202);
  const { event_id, correlation_id } = answer.body.data;
  await until(async () => (await events.call('GET', `${path}/${event_id}`)).status === 200);
  const stored = (await events.call('GET', `${path}/${event_id}`)).body.data;
  expect(stored).toMatchObject({
    type: 'system.test_published.v1',
    tenant_id: events.tenantId,
    correlation_id,
    data: { message: 'hallo' },
  });
  const refused = await events.call('POST', `${path}/test`, {
    body: { message: 'x' },
    as: { permissions: ['event:view'] },
  });
  expect(refused.status).toBe(403);
});

describe('dead letters', () => {
  it('are listed and replayed for the own tenant only', async () => {
    const other = randomUUID();
    let broken = true;
    const applied: string[] = [];
    await events.deps.bus.subscribe({
      consumer: 'test.fragile',
      topics: ['ticket.#'],
      retryDelaysMs: [],
      handle: async (event) => {
        if (broken) throw new Error('not today');
        applied.push(event.tenant_id);
      },
    });
    await events.deps.bus.publish([
      makeEvent({ tenant_id: other }),
      makeEvent({ tenant_id: events.tenantId }),
    ]);
    const list = async (as = {}) => (await events.call('GET', `${path}/dead-letters`, { as })).body.data;
    await until(async () => (await list()).length === 1 && (await list({ tid: other })).length === 1);
    expect((await list())[0]).toMatchObject({
      consumer: 'test.fragile',
      event: { tenant_id: events.tenantId },
      error: expect.stringContaining('not today'),
      attempts: 1,
    });
    expect(await list({ tid: randomUUID() })).toEqual([]);

    broken = false;
    const replay = (consumer: string, as = {}) =>
      events.call('POST', `${path}/dead-letters/replay`, { body: { consumer }, as });
    expect((await replay('test.fragile', { tid: randomUUID() })).body.data.replayed).toBe(0);
    expect((await replay('test.unknown')).body.data.replayed).toBe(0);
    expect((await replay('test.fragile')).body.data).toEqual({ consumer: 'test.fragile', replayed: 1 });
    await until(() => applied.length === 1);
    expect(applied).toEqual([events.tenantId]);
    expect(await list()).toEqual([]);
    expect(await list({ tid: other })).toHaveLength(1);
    await until(async () => {
      const history = await events.call('GET', `${path}/history?type=audit.recorded.v1`);
      return history.body.data.length === 1;
    });
    expect((await replay('test.fragile', { permissions: ['event:view'] })).status).toBe(403);
  });
});
