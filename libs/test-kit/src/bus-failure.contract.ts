import { randomUUID } from 'node:crypto';
import type { EventEnvelope } from '@psa/contracts/events/envelope';
import { expect, it } from 'vitest';
import { consumerName, numbers, type OpenBus, outOfOrder, range } from './bus-contract-parts.ts';
import { makeEvent, makeEvents } from './make-event.ts';
import { until } from './until.ts';

/** What happens to events whose handler throws: tried again, parked, shown, replayed. */
export function failureContract(openBus: OpenBus): void {
  it('does not let one bad event of a batch hold up its neighbours', async () => {
    const bus = await openBus();
    const consumer = consumerName('badbatch');
    const applied: EventEnvelope[] = [];
    await bus.subscribe({
      consumer,
      topics: ['#'],
      retryDelaysMs: [50, 100],
      handle: async (event) => {
        if (event.data.n === 13) throw new Error('thirteen');
        applied.push(event);
      },
      handleBatch: async (events) => {
        if (events.some((event) => event.data.n === 13)) throw new Error('thirteen');
        applied.push(...events);
      },
    });
    await bus.publish(makeEvents(60, 5));
    await until(() => applied.length === 59);
    await until(async () => (await bus.deadLetters(consumer)).length === 1);
    expect(numbers(applied).sort((a, b) => a - b)).toEqual(range(60).filter((n) => n !== 13));
    expect(outOfOrder(applied)).toEqual([]);
  });

  it('tries a failed event again, with later events of its aggregate waiting and others not', async () => {
    const bus = await openBus();
    const log: string[] = [];
    await bus.subscribe({
      consumer: consumerName('retry'),
      topics: ['#'],
      retryDelaysMs: Array.from({ length: 200 }, (_, n) => 50 + n),
      handle: async (event, { attempt }) => {
        log.push(`${String(event.data.name)}#${attempt}`);
        // Fails until the other aggregate is through: if that had to wait for this one, neither would end.
        if (event.data.name === 'a1' && (attempt < 3 || !log.includes('b2#1'))) throw new Error('not yet');
      },
    });
    const [a, b] = [randomUUID(), randomUUID()];
    const event = (name: string, id: string) =>
      makeEvent({ aggregate: { type: 'ticket', id }, data: { name } });
    await bus.publish([event('a1', a), event('a2', a), event('b1', b)]);
    await bus.publish([event('a3', a), event('b2', b)]);
    await until(() => log.includes('a3#1'));
    const ofA = log.filter((it) => it.startsWith('a'));
    const tries = ofA.length - 2;
    expect(tries).toBeGreaterThanOrEqual(3);
    expect(ofA).toEqual([...range(tries).map((n) => `a1#${n + 1}`), 'a2#1', 'a3#1']);
    expect(log.filter((it) => it.startsWith('b'))).toEqual(['b1#1', 'b2#1']);
  });

  it('parks an event after its last try, goes on behind it, and hands it over again on demand', async () => {
    const bus = await openBus();
    const consumer = consumerName('park');
    let broken = true;
    const applied: number[] = [];
    await bus.subscribe({
      consumer,
      topics: ['#'],
      retryDelaysMs: [30, 60],
      handle: async (event) => {
        if (broken && event.data.n === 1) throw new TypeError('no such customer');
        applied.push(event.data.n as number);
      },
    });
    expect(await bus.replayDeadLetters(consumer)).toBe(0);
    const events = makeEvents(3, 1);
    await bus.publish(events);
    await until(() => applied.includes(2));
    expect(applied).toEqual([0, 2]);
    const [letter, ...more] = await bus.deadLetters(consumer);
    expect(more).toEqual([]);
    expect(letter).toMatchObject({
      consumer,
      event: events[1],
      attempts: 3,
      error: 'TypeError: no such customer',
    });
    expect(Math.abs(Date.now() - Date.parse(letter!.parked_at))).toBeLessThan(60_000);
    // Looking does not take it away, and all consumers' letters can be listed from another process.
    const other = await openBus();
    expect(await other.deadLetters(consumer)).toHaveLength(1);
    await until(async () =>
      (await other.deadLetters(undefined, 1_000)).some((it) => it.consumer === consumer),
    );

    expect(await bus.replayDeadLetters(consumer)).toBe(1);
    await until(async () => (await bus.deadLetters(consumer)).length === 1);
    broken = false;
    expect(await bus.replayDeadLetters(consumer)).toBe(1);
    await until(() => applied.includes(1));
    expect(await bus.deadLetters(consumer)).toEqual([]);
  });

  it('replays no more than asked for', async () => {
    const bus = await openBus();
    const consumer = consumerName('some');
    let broken = true;
    const applied: number[] = [];
    await bus.subscribe({
      consumer,
      topics: ['#'],
      retryDelaysMs: [],
      handle: async (event) => {
        if (broken) throw new Error('down');
        applied.push(event.data.n as number);
      },
    });
    await bus.publish(makeEvents(5, 5));
    await until(async () => (await bus.deadLetters(consumer)).length === 5);
    expect(await bus.deadLetters(consumer, 2)).toHaveLength(2);
    broken = false;
    expect(await bus.replayDeadLetters(consumer, 3)).toBe(3);
    await until(() => applied.length === 3);
    expect(await bus.deadLetters(consumer)).toHaveLength(2);
    expect(await bus.replayDeadLetters(consumer)).toBe(2);
    await until(() => applied.length === 5);
  });

  it('shows the same dead letters however often it looks, and replays each once while it goes on failing', async () => {
    const bus = await openBus();
    const consumer = consumerName('looks');
    let tries = 0;
    await bus.subscribe({
      consumer,
      topics: ['#'],
      retryDelaysMs: [],
      handle: async () => {
        tries++;
        throw new Error('down');
      },
    });
    const events = makeEvents(5, 5);
    await bus.publish(events);
    await until(async () => (await bus.deadLetters(consumer)).length === 5);
    const first = (await bus.deadLetters(consumer)).map((letter) => letter.event.id);
    for (let look = 0; look < 25; look++) {
      expect((await bus.deadLetters(consumer, 2)).map((it) => it.event.id)).toEqual(first.slice(0, 2));
      expect((await bus.deadLetters(consumer)).map((it) => it.event.id)).toEqual(first);
    }
    expect(await bus.replayDeadLetters(consumer)).toBe(5);
    await until(() => tries === 10);
    await until(async () => (await bus.deadLetters(consumer)).length === 5);
  });

  it('shows and replays the dead letters of one tenant alone', async () => {
    const bus = await openBus();
    const consumer = consumerName('tenants');
    const [ours, theirs] = [crypto.randomUUID(), crypto.randomUUID()];
    let broken = true;
    const applied: string[] = [];
    await bus.subscribe({
      consumer,
      topics: ['#'],
      retryDelaysMs: [],
      handle: async (event) => {
        if (broken) throw new Error('down');
        applied.push(event.tenant_id);
      },
    });
    await bus.publish([theirs, theirs, ours].map((tenant_id) => makeEvent({ tenant_id })));
    await until(async () => (await bus.deadLetters(consumer)).length === 3);
    expect((await bus.deadLetters(undefined, 1, ours)).map((it) => it.event.tenant_id)).toEqual([ours]);
    broken = false;
    expect(await bus.replayDeadLetters(consumer, 10, ours)).toBe(1);
    await until(() => applied.length === 1);
    expect(applied).toEqual([ours]);
    expect(await bus.deadLetters(consumer)).toHaveLength(2);
  });
}
