import { setImmediate as turn } from 'node:timers/promises';
import type { EventEnvelope } from '@psa/contracts/events/envelope';
import { makeEvent } from '@psa/test-kit/make-event';
import { until } from '@psa/test-kit/until';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Dispatcher } from './dispatcher.ts';

describe('a subscription that takes many events at once', () => {
  let batches: EventEnvelope[][];
  let dispatcher: Dispatcher<number>;
  beforeEach(() => {
    batches = [];
    dispatcher = new Dispatcher<number>(
      {
        consumer: 'test',
        topics: ['#'],
        handle: async (event) => void batches.push([event]),
        handleBatch: async (events) => void batches.push([...events]),
      },
      { done: async () => {}, retrying: async () => {}, park: async () => {} },
    );
  });
  afterEach(() => dispatcher.stop());
  const add = (token: number) =>
    dispatcher.add({ event: makeEvent({ type: 'ticket.opened.v1' }), token, failures: 0, notBefore: 0 });

  it('gets the first event at once', async () => {
    add(1);
    await turn();
    await turn();
    expect(batches).toHaveLength(1);
  });

  it('gets what comes in a row together, in its order, and all of it', async () => {
    const began = performance.now();
    const given: EventEnvelope[] = [];
    for (let i = 0; i < 200; i++) {
      const event = makeEvent({ type: 'ticket.opened.v1' });
      given.push(event);
      dispatcher.add({ event, token: i, failures: 0, notBefore: 0 });
      // Each comes in a turn of its own, as it does from a broker.
      await turn();
    }
    await until(() => batches.flat().length === 200, 5_000, 'all events');
    // One batch in 25 ms at most, the first besides, and the one that was begun last.
    expect(batches.length).toBeLessThanOrEqual((performance.now() - began) / 25 + 2);
    expect(batches.flat().map((event) => event.id)).toEqual(given.map((event) => event.id));
  });

  it('a full batch waits for nobody', async () => {
    add(0);
    await until(() => batches.length === 1, 5_000, 'the first');
    const began = performance.now();
    for (let i = 1; i <= 300; i++) add(i);
    await until(() => batches.flat().length >= 201, 5_000, 'two full batches');
    expect(batches.slice(1, 3).map((batch) => batch.length)).toEqual([100, 100]);
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});
