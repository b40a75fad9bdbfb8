import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventEnvelope } from '@psa/contracts/events/envelope';
import type { EventBus } from '@psa/contracts/ports/bus';
import { afterEach, describe, expect, it } from 'vitest';
import { makeEvent, makeEvents } from './make-event.ts';
import { until } from './until.ts';

export interface BusUnderTest {
  /** A bus as a process of its own would open it; called several times on the same broker. */
  open(): Promise<EventBus>;
  /** Kills the broker with SIGKILL, waits a moment and has it running again. */
  crash(): Promise<void>;
  /** The same for another process: a module's path with `openBus(config)`, and the config. */
  readonly foreign: { readonly module: string; config(): string };
}

/** The behaviour that every {@link EventBus} has. Call it at the top level of an adapter's test file. */
export function busContract(name: string, subject: BusUnderTest): void {
  describe(`${name} as an event bus`, { timeout: 120_000 }, () => {
    let open: EventBus[] = [];
    let children: ChildProcess[] = [];

    async function openBus(): Promise<EventBus> {
      const bus = await subject.open();
      open.push(bus);
      return bus;
    }
    afterEach(async () => {
      for (const child of children) child.kill('SIGKILL');
      for (const bus of open) await bus.close();
      open = [];
      children = [];
    });

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
      const [first, second] = [await openBus(), await openBus()];
      await first.subscribe({ consumer, topics: ['#'], handle: async () => void seen.push('first') });
      await second.subscribe({ consumer, topics: ['#'], handle: async () => void seen.push('second') });
      await second.publish([makeEvent()]);
      await until(() => seen.length === 1);
      await first.close();
      await second.publish([makeEvent()]);
      await until(() => seen.length === 2);
      expect(seen).toEqual(['first', 'second']);
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
        retryDelaysMs: [150, 300, 600],
        handle: async (event, { attempt }) => {
          log.push(`${String(event.data.name)}#${attempt}`);
          if (event.data.name === 'a1' && attempt < 3) throw new Error('not yet');
        },
      });
      const [a, b] = [randomUUID(), randomUUID()];
      const event = (name: string, id: string) =>
        makeEvent({ aggregate: { type: 'ticket', id }, data: { name } });
      await bus.publish([event('a1', a), event('a2', a), event('b1', b)]);
      await bus.publish([event('a3', a), event('b2', b)]);
      await until(() => log.includes('a3#1'));
      expect(log.filter((it) => it.startsWith('a'))).toEqual(['a1#1', 'a1#2', 'a1#3', 'a2#1', 'a3#1']);
      expect(log.indexOf('b2#1')).toBeLessThan(log.indexOf('a1#2'));
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

    it('loses nothing and keeps the order when the subscriber is killed again and again', async () => {
      const consumer = consumerName('killed');
      const applied: string[] = [];
      const start = async () => {
        const script = join(import.meta.dirname, 'bus-subscriber.ts');
        const args = [script, subject.foreign.module, subject.foreign.config(), consumer];
        const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
        children.push(child);
        createInterface({ input: child.stdout }).on('line', (line) => applied.push(line));
        return child;
      };
      // The queue must be known before anything is published.
      const bus = await openBus();
      await bus.subscribe({ consumer, topics: ['#'], handle: async () => {} });
      await bus.close();
      const publisher = await openBus();
      const events = makeEvents(2_000, 50);
      for (let at = 0; at < events.length; at += 200) await publisher.publish(events.slice(at, at + 200));
      for (let round = 1; round <= 3; round++) {
        const child = await start();
        const before = applied.length;
        await until(() => applied.length >= before + 150);
        const ended = new Promise((resolve) => child.once('close', resolve));
        child.kill('SIGKILL');
        await ended;
      }
      await start();
      await until(() => new Set(applied).size === 2_000, 60_000);
      // A repetition is allowed; the first time each was applied tells the order.
      const firsts = [...new Set(applied)].map((line) => events[Number(line.split(' ')[1])]!);
      expect(outOfOrder(firsts)).toEqual([]);
    });

    it('loses nothing and applies nothing twice when the broker is killed under load', async () => {
      const consumer = consumerName('crash');
      // Published and applied as a service does it: the relay repeats what was not confirmed, the inbox
      // refuses what it has.
      const inbox = new Set<string>();
      const applied: EventEnvelope[] = [];
      let deliveries = 0;
      const apply = (event: EventEnvelope) => {
        deliveries++;
        if (inbox.has(event.id)) return;
        inbox.add(event.id);
        applied.push(event);
      };
      const subscriber = await openBus();
      await subscriber.subscribe({
        consumer,
        topics: ['#'],
        maxBatch: 50,
        handle: async (event) => apply(event),
        handleBatch: async (events) => {
          await sleep(5);
          for (const event of events) apply(event);
        },
      });
      const publisher = await openBus();
      const events = makeEvents(5_000, 100);
      let published = 0;
      const relay = (async () => {
        while (published < events.length) {
          const batch = events.slice(published, published + 50);
          try {
            await publisher.publish(batch);
            published += batch.length;
          } catch {
            await sleep(50);
          }
        }
      })();
      await until(() => published >= 1_000);
      await subject.crash();
      await until(() => published >= 3_000);
      await subject.crash();
      await relay;
      await until(() => inbox.size === 5_000, 60_000, `5,000 events; ${inbox.size} came`);
      expect(numbers(applied).sort((a, b) => a - b)).toEqual(range(5_000));
      expect(outOfOrder(applied)).toEqual([]);
      expect(deliveries).toBeGreaterThanOrEqual(5_000);
      await until(() =>
        subscriber.ping().then(
          () => true,
          () => false,
        ),
      );
    });

    it('keeps a failing event failing over a crash of the broker, and its followers behind it', async () => {
      const consumer = consumerName('crashretry');
      const bus = await openBus();
      const log: string[] = [];
      let broken = true;
      await bus.subscribe({
        consumer,
        topics: ['#'],
        retryDelaysMs: Array.from({ length: 1_000 }, () => 100),
        handle: async (event) => {
          if (broken && event.data.n === 0) throw new Error('down');
          log.push(String(event.data.n));
        },
      });
      await bus.publish(makeEvents(4, 1));
      await sleep(300);
      await subject.crash();
      await until(() =>
        bus.ping().then(
          () => true,
          () => false,
        ),
      );
      await sleep(500);
      expect(log).toEqual([]);
      broken = false;
      await until(() => new Set(log).size === 4);
      expect([...new Set(log)]).toEqual(['0', '1', '2', '3']);
    });
  });
}

function consumerName(purpose: string): string {
  return `test.${purpose}-${randomUUID().slice(0, 8)}`;
}

function numbers(events: readonly EventEnvelope[]): number[] {
  return events.map((event) => event.data.n as number);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

function byId(events: readonly EventEnvelope[]): EventEnvelope[] {
  return [...events].sort((a, b) => a.id.localeCompare(b.id));
}

/** Events that came after a later one of their aggregate. */
function outOfOrder(events: readonly EventEnvelope[]): EventEnvelope[] {
  const last = new Map<string, number>();
  return events.filter((event) => {
    const n = event.data.n as number;
    const before = last.get(event.aggregate.id) ?? -1;
    last.set(event.aggregate.id, Math.max(n, before));
    return n < before;
  });
}
