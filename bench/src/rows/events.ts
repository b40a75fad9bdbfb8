import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventEnvelope } from '@psa/contracts/events/envelope';
import { prepareDatabase, roleUrl } from '@psa/embedded/database';
import { eventsService } from '@psa/events/app';
import { RabbitBus } from '@psa/infra/bus/rabbitmq-bus';
import { startPostgres } from '@psa/infra/postgres-server';
import { systemIds } from '@psa/service-kit/ids';
import { startRabbitMq } from '@psa/test-kit/rabbitmq';
import { tempDir } from '@psa/test-kit/temp-dir';
import { until } from '@psa/test-kit/until';
import { ticketsService } from '@psa/tickets/app';
import postgres from 'postgres';
import { type Child, startChild } from '../child.ts';
import type { Applied, ConsumerOrder } from '../consumer-process.ts';
import { median, ms, percentile, perSecond, times, whole } from '../measure.ts';
import type { Burst, Committed, ProducerOrder } from '../producer-process.ts';
import type { Benchmark, Row, Say } from '../row.ts';

const ROUNDS = 3;
/** More than the target asks, so that the way from end to end is what bounds it. */
const FULL: Burst = { rate: 4_000, seconds: 6, each: 10 };
/** Two events in a transaction: a ticket opened and assigned. */
const STEADY: Burst = { rate: 1_000, seconds: 8, each: 2 };

interface Measured {
  readonly perSecond: number;
  readonly p99: number;
}

/** Commits events at a rate and waits until each has taken effect, once. */
async function endToEnd(producer: Child<string>, consumer: Child<string>, burst: Burst): Promise<Measured> {
  const committed = await producer.ask<Committed>(burst);
  const began = new Map(committed.flatMap(({ ids, at }) => ids.map((id) => [id, at] as const)));
  const latency: number[] = [];
  let last = 0;
  await until(
    async () => {
      for (const { ids, at } of await consumer.ask<Applied>('report')) {
        for (const id of ids) {
          const from = began.get(id);
          if (from === undefined) throw new Error(`Event ${id} was applied twice or never committed.`);
          began.delete(id);
          latency.push(at - from);
          last = Math.max(last, at);
        }
      }
      return began.size === 0;
    },
    120_000,
    'all events to take effect',
  );
  const first = Math.min(...committed.map(({ at }) => at));
  return { perSecond: latency.length / ((last - first) / 1000), p99: percentile(latency, 0.99) };
}

/** The broker alone: events of the same size, confirmed, consumed, acknowledged; no outbox, no inbox, no database. */
async function brokerAlone(url: string, { rate, seconds }: Burst): Promise<Measured> {
  const bus = await RabbitBus.connect({ url, name: 'bench limit' });
  const latency: number[] = [];
  const wanted = rate * seconds;
  const done = Promise.withResolvers<void>();
  const handleBatch = async (events: readonly EventEnvelope[]) => {
    for (const event of events) latency.push(performance.now() - Number(event.correlation_id));
    if (latency.length === wanted) done.resolve();
  };
  await bus.subscribe({
    consumer: 'bench.limit',
    topics: ['bench.limit.v1'],
    handle: (event) => handleBatch([event]),
    handleBatch,
    maxBatch: 250,
  });
  const began = performance.now();
  const confirmed: Promise<void>[] = [];
  for (let sent = 0; sent < wanted; ) {
    const due = Math.min(wanted, Math.ceil(((performance.now() - began) / 1000) * rate));
    if (due > sent) {
      const at = String(performance.now());
      const events = Array.from({ length: due - sent }, () => limitEvent(at));
      confirmed.push(bus.publish(events));
      sent = due;
    }
    await sleep(2);
  }
  await Promise.all(confirmed);
  await done.promise;
  const took = (performance.now() - began) / 1000;
  await bus.close();
  return { perSecond: wanted / took, p99: percentile(latency, 0.99) };
}

const limitEvent = (at: string): EventEnvelope => ({
  id: systemIds.uuid(),
  type: 'bench.limit.v1',
  version: 1,
  tenant_id: randomUUID(),
  customer_id: null,
  aggregate: { type: 'ticket', id: randomUUID() },
  occurred_at: new Date().toISOString(),
  correlation_id: at,
  causation_id: null,
  actor: { kind: 'system', id: null, name: 'bench' },
  public: true,
  data: { ticket: { title: 'Drucker druckt nicht', description: 'x'.repeat(300) } },
});

async function measure(
  say: Say,
  brokerUrl: string,
  producer: Child<string>,
  consumer: Child<string>,
): Promise<Row[]> {
  await endToEnd(producer, consumer, { ...FULL, seconds: 2 });
  await endToEnd(producer, consumer, { ...STEADY, seconds: 2 });
  const full: { limit: Measured; ours: Measured }[] = [];
  const steady: { limit: Measured; ours: Measured }[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [burst, into] of [[FULL, full] as const, [STEADY, steady] as const]) {
      const limit = await brokerAlone(brokerUrl, burst);
      const ours = await endToEnd(producer, consumer, burst);
      into.push({ limit, ours });
      say(
        `round ${round}, offered ${burst.rate}/s: broker alone ${perSecond(limit.perSecond)} p99 ${ms(limit.p99)}, ours ${perSecond(ours.perSecond)} p99 ${ms(ours.p99)}`,
      );
    }
  }
  const rate = median(full.map(({ ours }) => ours.perSecond));
  const p99 = median(steady.map(({ ours }) => ours.p99));
  return [
    {
      what: `outbox → RabbitMQ (confirms) → consumer (inbox), ${whole(FULL.rate)}/s offered`,
      ours: perSecond(rate),
      limit: `${perSecond(median(full.map(({ limit }) => limit.perSecond)))} (the broker alone, same rate offered)`,
      ratio: times(median(full.map(({ ours, limit }) => ours.perSecond / limit.perSecond))),
      target: '≥ 2,000/s',
      met: rate >= 2_000,
    },
    {
      what: 'the same at 1,000/s, p99 from commit to applied',
      ours: ms(p99),
      limit: `${ms(median(steady.map(({ limit }) => limit.p99)))} (the broker alone)`,
      ratio: times(median(steady.map(({ ours, limit }) => ours.p99 / limit.p99))),
      target: '≤ 100 ms',
      met: p99 <= 100,
      note: 'at 1,000/s with two events each, the database commits 500 transactions a second besides those of the relay and the consumer; a wait for a core anywhere on the way (producer, database, broker, consumer) shows in the p99, as it does for the broker alone.',
    },
  ];
}

async function run(say: Say): Promise<Row[]> {
  const dir = await tempDir('bench');
  const server = await startPostgres({ dataDir: join(dir.path, 'postgres') });
  const broker = await startRabbitMq();
  const opened: Child<string>[] = [];
  try {
    const password = randomUUID();
    const sets = [ticketsService, eventsService].map(({ name, migrations }) => ({
      service: name,
      folder: migrations,
    }));
    await prepareDatabase(server, sets, password);
    const admin = postgres(server.superuserUrl('psa_platform'), { max: 1, onnotice: () => {} });
    await admin.unsafe(`
      set role psa_owner;
      create table events.bench_effects (
        tenant_id uuid not null, event_id uuid not null, primary key (tenant_id, event_id));
      call psa.protect('events.bench_effects', 'staff')`);
    await admin.end();
    const consumer = await startChild<string>('./consumer-process.ts', {
      input: {
        brokerUrl: broker.url,
        databaseUrl: roleUrl(server, 'events', password),
        topic: 'ticket.#',
      } satisfies ConsumerOrder,
    });
    opened.push(consumer);
    const producer = await startChild<string>('./producer-process.ts', {
      input: {
        brokerUrl: broker.url,
        databaseUrl: roleUrl(server, 'tickets', password),
        tenantId: randomUUID(),
        schema: 'tickets',
      } satisfies ProducerOrder,
    });
    opened.push(producer);
    return await measure(say, broker.url, producer, consumer);
  } finally {
    await Promise.all(opened.map((child) => child.stop()));
    await broker.stop();
    await server.stop();
    await dir.remove();
  }
}

export const events: Benchmark = {
  name: 'events',
  method:
    "Three processes and Debian's RabbitMQ: a service that commits events to its outbox and relays them with confirms; a consumer that writes inbox row and effect in one transaction. Each event must take effect exactly once. The limit: events of the same size through the same bus and broker, confirmed and acknowledged, without outbox, inbox and database. Loss and repetition under kill -9 are tests (`npm test`), not measured here.",
  run,
};
