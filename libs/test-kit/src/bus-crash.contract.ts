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
}
