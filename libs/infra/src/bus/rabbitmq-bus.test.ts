import { setTimeout as sleep } from 'node:timers/promises';
import { busContract } from '@psa/test-kit/bus.contract';
import { makeEvent } from '@psa/test-kit/make-event';
import { type RabbitServer, startRabbitMq } from '@psa/test-kit/rabbitmq';
import { tcpLine } from '@psa/test-kit/tcp-line';
import { until } from '@psa/test-kit/until';
import { connect } from 'amqplib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BusUnavailable, RabbitBus } from './rabbitmq-bus.ts';
import { within } from './rabbitmq-connection.ts';

let broker: RabbitServer;

beforeAll(async () => {
  broker = await startRabbitMq();
}, 180_000);
afterAll(async () => {
  await broker?.stop();
  expect(broker?.pid).toBe(0);
});

async function crash(): Promise<void> {
  await broker.kill9();
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

it('refuses to publish while the broker is away, and starts without it', { timeout: 120_000 }, async () => {
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

/** A bus whose connections lead over a line, with one consumer that keeps what it sees. */
async function busOn(port: number, consumer: string) {
  const bus = await RabbitBus.connect(
    {
      url: `amqp://guest:guest@127.0.0.1:${port}?heartbeat=2`,
      confirmTimeoutMs: 1_000,
      setupTimeoutMs: 1_000,
    },
    0,
  );
  const seen: string[] = [];
  const subscribed = bus.subscribe({
    consumer,
    topics: ['#'],
    handle: async (event) => void seen.push(event.id),
  });
  const isReady = () =>
    bus.ping().then(
      () => true,
      () => false,
    );
  return { bus, seen, subscribed, isReady };
}

it('notices connections that have fallen silent, publishes and consumes on others', {
  timeout: 60_000,
}, async () => {
  const line = await tcpLine(broker.port);
  const { bus, seen, subscribed, isReady } = await busOn(line.port, 'test.silent');
  await subscribed;
  line.strand();
  await until(async () => !(await isReady()), 20_000, 'the loss to be noticed');
  await until(isReady);
  const event = makeEvent();
  await bus.publish([event]);
  await until(() => seen.includes(event.id), 10_000);
  await bus.close();
  await line.close();
});

it('gives up a broker that lives and answers nothing, and listens once it does', async () => {
  const line = await tcpLine(broker.port);
  // Only what is about the connection as a whole comes through, heartbeats, too.
  line.filter(framesOfChannelZero);
  const { bus, seen, subscribed, isReady } = await busOn(line.port, 'test.dumb');
  await sleep(1_500);
  expect(await isReady()).toBe(false);
  line.filter(null);
  await within(10_000, subscribed);
  await until(isReady, 10_000);
  const event = makeEvent();
  await bus.publish([event]);
  await until(() => seen.includes(event.id), 10_000);
  await bus.close();
  await line.close();
});

it('may be closed while it connects', async () => {
  const line = await tcpLine(broker.port);
  line.delay(100);
  const bus = await RabbitBus.connect({ url: `amqp://guest:guest@127.0.0.1:${line.port}` }, 0);
  await bus.close();
  await expect(bus.ping()).rejects.toThrow(BusUnavailable);
  await line.close();
});

it('acknowledges a batch in one word, and never what is still under way before it', async () => {
  const line = await tcpLine(broker.port);
  const acknowledgements: boolean[] = [];
  // Method frames (1) of class 60, method 80: the delivery's number, and whether it means all before it as well.
  line.hear((chunk) => {
    for (let at = 0; at + 8 <= chunk.length; at += 8 + chunk.readUInt32BE(at + 3)) {
      const isAck = chunk[at] === 1 && chunk.readUInt32BE(at + 7) === ((60 << 16) | 80);
      if (isAck) acknowledgements.push(chunk[at + 19] === 1);
    }
  });
  const bus = await RabbitBus.connect({ url: `amqp://guest:guest@127.0.0.1:${line.port}` });
  // What is published is large, and chunks of it need not begin with a frame.
  const publisher = await RabbitBus.connect({ url: broker.url });
  const consumer = 'test.batch';
  const [bad, ...good] = Array.from({ length: 40 }, () => makeEvent());
  const seen: string[] = [];
  await bus.subscribe({
    consumer,
    topics: ['#'],
    maxBatch: 100,
    retryDelaysMs: [60_000],
    handle: async (event) => {
      if (event.id === bad!.id) throw new Error('not now');
      seen.push(event.id);
    },
    handleBatch: async (events) => {
      if (events.some((event) => event.id === bad!.id)) throw new Error('not now');
      seen.push(...events.map((event) => event.id));
    },
  });
  await publisher.publish(good.slice(0, 20));
  await until(() => seen.length === 20);
  await until(() => acknowledgements.length > 0);
  expect(acknowledgements.length).toBeLessThan(10);
  expect(acknowledgements.every((isMany) => isMany)).toBe(true);
  acknowledgements.length = 0;
  await publisher.publish([bad!]);
  await publisher.publish(good.slice(20));
  await until(() => seen.length === 39);
  await until(() => acknowledgements.length === 19);
  expect(acknowledgements.some((isMany) => isMany)).toBe(false);
  await Promise.all([bus.close(), publisher.close()]);
  // What failed is with the broker still, and nothing else.
  const again = await RabbitBus.connect({ url: broker.url });
  const left: string[] = [];
  await again.subscribe({ consumer, topics: ['#'], handle: async (event) => void left.push(event.id) });
  await until(() => left.length > 0);
  await sleep(300);
  expect(left).toEqual([bad!.id]);
  await again.close();
  await line.close();
});

/** Those of AMQP's frames (type, channel, size, payload, end) in a chunk that are of channel 0. */
function framesOfChannelZero(chunk: Buffer): Buffer {
  const kept: Buffer[] = [];
  for (let at = 0; at + 8 <= chunk.length; ) {
    const end = at + 8 + chunk.readUInt32BE(at + 3);
    if (chunk.readUInt16BE(at + 1) === 0) kept.push(chunk.subarray(at, end));
    at = end;
  }
  return Buffer.concat(kept);
}

it('says at once that the broker takes nothing while it is short of memory', {
  timeout: 90_000,
}, async () => {
  const { bus, subscribed, isReady } = await busOn(broker.port, 'test.blocked');
  await subscribed;
  await until(isReady);
  await broker.control('set_vm_memory_high_watermark', '0.0000001');
  // It tells a connection that publishes.
  await until(async () => {
    const error = await bus.publish([makeEvent()]).catch((thrown: Error) => thrown);
    return error instanceof BusUnavailable && error.message.includes('takes nothing');
  });
  await expect(bus.ping()).rejects.toThrow('takes nothing');
  // Nor from one that is made to be asked: who is not ready for that is not helped by a restart.
  const fresh = await RabbitBus.connect({ url: broker.url });
  await expect(fresh.ping()).rejects.toThrow('takes nothing');
  await fresh.close();
  await broker.control('set_vm_memory_high_watermark', '0.2');
  await until(isReady);
  await bus.publish([makeEvent()]);
  await bus.close();
});
