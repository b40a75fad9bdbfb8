import { setTimeout as sleep } from 'node:timers/promises';
import type { EventEnvelope } from '@psa/contracts/events/envelope';
import { expect, it } from 'vitest';
import { byId, consumerName, numbers, type OpenBus, outOfOrder } from './bus-contract-parts.ts';
import { makeEvent, makeEvents } from './make-event.ts';
import { until } from './until.ts';

/** Who gets which event, in which order, and what replicas and closing do to that. */
export function deliveryContract(openBus: OpenBus): void {
  it('answers a ping, and takes nothing and what nobody wants', async () => {
    const bus = await openBus();
    await bus.ping();
    await bus.publish([]);
    await bus.publish([makeEvent({ type: 'nobody.cares.v1' })]);
    expect(await bus.deadLetters(undefined, 0)).toEqual([]);
  });

  it('hands each event once to every consumer whose topics match, unchanged', async () => {
    const bus = await openBus();
    const seen: Record<string, EventEnvelope[]> = { all: [], opened: [], two: [] };
    const attempts: number[] = [];
    const collect = (list: string, topics: string[]) =>
      bus.subscribe({
        consumer: consumerName(list),
        topics,
        handle: async (event, delivery) => {
          attempts.push(delivery.attempt);
          seen[list]!.push(event);
        },
      });
    await collect('all', ['#']);
    await collect('opened', ['ticket.opened.*']);
    // Two patterns that both match must not make two deliveries of it.
    await collect('two', ['customer.#', 'customer.*.v1']);
    const opened = makeEvent({ data: { text: 'Grüße 🎉', list: [1, null, { deep: true }] } });
    const closed = makeEvent({ type: 'ticket.closed.v1' });
    const customer = makeEvent({ type: 'customer.created.v1' });
    await bus.publish([opened, closed]);
    await bus.publish([customer]);
    await until(() => seen.all!.length === 3 && seen.opened!.length === 1 && seen.two!.length === 1);
    await sleep(200);
    expect(byId(seen.all!)).toEqual(byId([opened, closed, customer]));
    expect(seen.opened).toEqual([opened]);
    expect(seen.two).toEqual([customer]);
    expect(new Set(attempts)).toEqual(new Set([1]));
  });

  it('keeps events for a consumer that is away', async () => {
    const consumer = consumerName('away');
    const first = await openBus();
    await first.subscribe({ consumer, topics: ['ticket.#'], handle: async () => {} });
    await first.close();
    const publisher = await openBus();
    const events = makeEvents(5, 1);
    await publisher.publish(events);
    const second = await openBus();
    const seen: EventEnvelope[] = [];
    await second.subscribe({
      consumer,
      topics: ['ticket.#'],
      handle: async (event) => void seen.push(event),
    });
    await until(() => seen.length === 5);
    expect(seen).toEqual(events);
  });

  it('refuses a second subscription under the same name, and any after it was closed', async () => {
    const bus = await openBus();
    const subscription = { consumer: consumerName('twice'), topics: ['#'], handle: async () => {} };
    await bus.subscribe(subscription);
    await expect(bus.subscribe(subscription)).rejects.toThrow(/already/);
    await bus.close();
    await bus.close();
    await expect(bus.subscribe({ ...subscription, consumer: consumerName('late') })).rejects.toThrow();
  });

  it('shares a consumer among replicas: every event once, in order per aggregate', async () => {
    const consumer = consumerName('shared');
    const seen: EventEnvelope[] = [];
    for (const bus of [await openBus(), await openBus()]) {
      await bus.subscribe({
        consumer,
        topics: ['#'],
        handle: async (event) => {
          await sleep(Math.random() * 3);
          seen.push(event);
        },
      });
    }
    const events = makeEvents(300, 20);
    const publisher = await openBus();
    for (let at = 0; at < 300; at += 50) await publisher.publish(events.slice(at, at + 50));
    await until(() => seen.length >= 300);
    expect(numbers(seen).sort((a, b) => a - b)).toEqual(events.map((_, n) => n));
    expect(outOfOrder(seen)).toEqual([]);
  });

  it('takes over at once when the serving replica leaves', async () => {
    const consumer = consumerName('handover');
    const seen: string[] = [];
    const replicas = { first: await openBus(), second: await openBus() };
    for (const [name, bus] of Object.entries(replicas)) {
      await bus.subscribe({ consumer, topics: ['#'], handle: async () => void seen.push(name) });
    }
    await replicas.second.publish([makeEvent()]);
    await until(() => seen.length === 1);
    // Which one serves is the bus's business.
    const [serving, waiting] =
      seen[0] === 'first' ? (['first', 'second'] as const) : (['second', 'first'] as const);
    await replicas[serving].close();
    await replicas[waiting].publish([makeEvent()]);
    await until(() => seen.length === 2);
    expect(seen).toEqual([serving, waiting]);
  });

  it('hands many events over in one call where that is asked for, in order', async () => {
    const bus = await openBus();
    const batches: number[][] = [];
    await bus.subscribe({
      consumer: consumerName('batch'),
      topics: ['#'],
      maxBatch: 40,
      handle: async () => {
        throw new Error('not asked for');
      },
      handleBatch: async (events) => {
        batches.push(numbers(events));
        await sleep(20);
      },
    });
    const events = makeEvents(400, 7);
    await bus.publish(events);
    await until(() => batches.flat().length >= 400);
    expect(batches.flat().sort((a, b) => a - b)).toEqual(events.map((_, n) => n));
    expect(outOfOrder(batches.flat().map((n) => events[n]!))).toEqual([]);
    expect(Math.max(...batches.map((it) => it.length))).toBe(40);
  });

  it('waits for the handler under way when it closes, and delivers the rest later', async () => {
    const bus = await openBus();
    const consumer = consumerName('closing');
    const first: number[] = [];
    let begun = false;
    await bus.subscribe({
      consumer,
      topics: ['#'],
      handle: async (event) => {
        begun = true;
        await sleep(300);
        first.push(event.data.n as number);
      },
    });
    await bus.publish(makeEvents(4, 1));
    await until(() => begun);
    await bus.close();
    expect(first).toEqual([0]);
    const rest: number[] = [];
    const next = await openBus();
    await next.subscribe({
      consumer,
      topics: ['#'],
      handle: async (event) => void rest.push(event.data.n as number),
    });
    await until(() => rest.length === 3);
    await sleep(100);
    expect(rest).toEqual([1, 2, 3]);
  });
}
