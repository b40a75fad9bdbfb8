import { makeEvent } from '@psa/test-kit/make-event';
import { type RabbitCluster, startRabbitCluster } from '@psa/test-kit/rabbitmq-cluster';
import { until } from '@psa/test-kit/until';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RabbitBus } from './rabbitmq-bus.ts';

let cluster: RabbitCluster;

beforeAll(async () => {
  cluster = await startRabbitCluster();
}, 600_000);
afterAll(() => cluster?.stop());

it('loses no event when one node after the other is killed under load', { timeout: 600_000 }, async () => {
  const publisher = await RabbitBus.connect({ url: cluster.urls }, 60_000);
  // The consumer begins with another node than the publisher.
  const consumer = await RabbitBus.connect({ url: cluster.urls.toReversed() }, 60_000);
  const seen = new Set<string>();
  await consumer.subscribe({
    consumer: 'test.cluster',
    topics: ['#'],
    handle: async (event) => void seen.add(event.id),
  });
  const published = new Set<string>();
  let refused = 0;
  let stopping = false;
  const load = (async () => {
    while (!stopping) {
      const event = makeEvent();
      // As the relay does: what was not confirmed is published again.
      for (;;) {
        const ok = await publisher.publish([event]).then(
          () => true,
          () => false,
        );
        if (ok) break;
        refused++;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      published.add(event.id);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  const more = async (count: number) => {
    const wanted = published.size + count;
    await until(() => published.size >= wanted, 120_000);
  };
  await more(50);
  for (const node of [0, 1, 2]) {
    await cluster.kill9(node);
    // Two of three go on.
    await more(50);
    await cluster.start(node);
    await more(50);
  }
  stopping = true;
  await load;
  await until(() => published.isSubsetOf(seen), 120_000);
  expect(published.size).toBeGreaterThan(300);
  expect(refused).toBeGreaterThan(0);
  await Promise.all([publisher.close(), consumer.close()]);
});
