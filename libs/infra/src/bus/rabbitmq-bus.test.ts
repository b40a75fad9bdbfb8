import { setTimeout as sleep } from 'node:timers/promises';
import { busContract } from '@psa/test-kit/bus.contract';
import { makeEvent } from '@psa/test-kit/make-event';
import { startRabbitMq } from '@psa/test-kit/rabbitmq';
import type { TestServer } from '@psa/test-kit/redis';
import { until } from '@psa/test-kit/until';
import { connect } from 'amqplib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BusUnavailable, RabbitBus } from './rabbitmq-bus.ts';

let broker: TestServer;

beforeAll(async () => {
  broker = await startRabbitMq();
}, 60_000);
afterAll(() => broker.stop());

async function crash(): Promise<void> {
  await broker.kill9();
  await sleep(200);
  await broker.start();
}

busContract('RabbitMQ', {
  open: () => RabbitBus.connect({ url: broker.url }),
  crash,
  foreign: {
    module: `data:text/javascript,${encodeURIComponent(`
      import { RabbitBus } from '${new URL('./rabbitmq-bus.ts', import.meta.url).href}';
      export async function openBus(url) { return RabbitBus.connect({ url }); }`)}`,
    config: () => broker.url,
  },
});

it('refuses to publish while the broker is away, and starts without it', { timeout: 60_000 }, async () => {
  await broker.end();
  const warnings: string[] = [];
  const log = { info: () => {}, warn: (line: string) => warnings.push(line) };
  const bus = await RabbitBus.connect({ url: broker.url, log }, 100);
  await expect(bus.publish([makeEvent()])).rejects.toThrow(BusUnavailable);
  await expect(bus.ping()).rejects.toThrow(BusUnavailable);
  await expect(bus.deadLetters()).rejects.toThrow(BusUnavailable);
  const seen: string[] = [];
  const subscribed = bus.subscribe({
    consumer: 'test.patient',
    topics: ['#'],
    handle: async (event) => void seen.push(event.id),
  });
  await broker.start();
  await subscribed;
  await until(() =>
    bus.ping().then(
      () => true,
      () => false,
    ),
  );
  const event = makeEvent();
  await bus.publish([event]);
  await until(() => seen.length === 1);
  expect(seen).toEqual([event.id]);
  expect(warnings.length).toBeGreaterThan(0);
  await bus.close();
});

it('keeps a foreign message that is no event, and goes on', async () => {
  const bus = await RabbitBus.connect({ url: broker.url });
  const consumer = 'test.foreign';
  const seen: string[] = [];
  await bus.subscribe({ consumer, topics: ['#'], handle: async (event) => void seen.push(event.id) });
  const connection = await connect(broker.url);
  const channel = await connection.createChannel();
  channel.sendToQueue(consumer, Buffer.from('{"half'));
  channel.sendToQueue(consumer, Buffer.from('null'));
  await bus.publish([makeEvent()]);
  await until(() => seen.length === 1);
  await until(async () => (await channel.checkQueue(`${consumer}.dlq`)).messageCount === 2);
  expect(await bus.deadLetters(consumer)).toEqual([]);
  expect(await bus.replayDeadLetters(consumer)).toBe(0);
  await connection.close();
  await bus.close();
});

it('survives a consumer queue that is deleted under it', async () => {
  const bus = await RabbitBus.connect({ url: broker.url });
  const seen: string[] = [];
  await bus.subscribe({
    consumer: 'test.deleted',
    topics: ['#'],
    handle: async (event) => void seen.push(event.id),
  });
  const connection = await connect(broker.url);
  await (await connection.createChannel()).deleteQueue('test.deleted');
  await connection.close();
  await until(async () => {
    await bus.publish([makeEvent()]).catch(() => {});
    return seen.length > 0;
  });
  await bus.close();
});

it('stops giving events of a topic that was given up', { timeout: 30_000 }, async () => {
  const consumer = 'test.fewer';
  const first = await RabbitBus.connect({ url: broker.url });
  await first.subscribe({ consumer, topics: ['ticket.#', 'customer.#'], handle: async () => {} });
  await first.close();
  const second = await RabbitBus.connect({ url: broker.url });
  const seen: string[] = [];
  await second.subscribe({
    consumer,
    topics: ['ticket.#'],
    handle: async (event) => void seen.push(event.type),
  });
  await second.publish([makeEvent({ type: 'customer.created.v1' }), makeEvent()]);
  await until(() => seen.length === 1);
  expect(seen).toEqual(['ticket.opened.v1']);
  await second.close();
});
