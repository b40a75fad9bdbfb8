import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventEnvelope } from '@psa/contracts/events/envelope';
import { afterEach, expect, it } from 'vitest';
import {
  type BusUnderTest,
  consumerName,
  numbers,
  type OpenBus,
  outOfOrder,
  range,
} from './bus-contract-parts.ts';
import { makeEvents } from './make-event.ts';
import { until } from './until.ts';

/** SIGKILL of the subscriber and of the broker: nothing lost, order kept. */
export function crashContract(openBus: OpenBus, subject: BusUnderTest): void {
  let children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    children = [];
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
    const events = makeEvents(800, 50);
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
    await until(() => new Set(applied).size === 800, 60_000);
    // A repetition is allowed; the first time each was applied tells the order.
    const firsts = [...new Set(applied)].map((line) => events[Number(line.split(' ')[1])]!);
    expect(outOfOrder(firsts)).toEqual([]);
  });

  // One test for two questions: to kill a broker and have it back is the long part.
  it('loses nothing, applies nothing twice and keeps a failing event failing when the broker is killed under load', async () => {
    const failing = await failingConsumer(openBus);
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
      topics: ['ticket.#'],
      maxBatch: 50,
      handle: async (event) => apply(event),
      handleBatch: async (events) => {
        await sleep(5);
        for (const event of events) apply(event);
      },
    });
    const publisher = await openBus();
    const events = makeEvents(2_000, 100);
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
    await until(() => published >= 400 && failing.failures() > 0);
    await subject.crash();
    const before = failing.failures();
    await until(() => published >= 1_200);
    await subject.crash();
    await relay;
    await until(() => inbox.size === 2_000, 60_000, `2,000 events; ${inbox.size} came`);
    expect(numbers(applied).sort((a, b) => a - b)).toEqual(range(2_000));
    expect(outOfOrder(applied)).toEqual([]);
    expect(deliveries).toBeGreaterThanOrEqual(2_000);
    await until(() =>
      subscriber.ping().then(
        () => true,
        () => false,
      ),
    );
    await until(() => failing.failures() > before);
    expect(failing.log).toEqual([]);
    failing.mend();
    await until(() => new Set(failing.log).size === 4);
    expect([...new Set(failing.log)]).toEqual([0, 1, 2, 3]);
  });
}

/** A consumer of one customer's four events, which fails at the first of them until it is mended. */
async function failingConsumer(openBus: OpenBus) {
  const log: number[] = [];
  let failures = 0;
  let broken = true;
  const bus = await openBus();
  await bus.subscribe({
    consumer: consumerName('crashretry'),
    topics: ['customer.#'],
    retryDelaysMs: Array.from({ length: 1_000 }, () => 100),
    handle: async (event) => {
      if (broken && event.data.n === 0) {
        failures++;
        throw new Error('down');
      }
      log.push(event.data.n as number);
    },
  });
  await bus.publish(makeEvents(4, 1).map((event) => ({ ...event, type: 'customer.created.v1' })));
  return {
    log,
    failures: () => failures,
    mend: () => {
      broken = false;
    },
  };
}
