import { RabbitBus } from '@psa/infra/bus/rabbitmq-bus';
import { Database } from '@psa/service-kit/database';
import { onceEach } from '@psa/service-kit/inbox';

export interface ConsumerOrder {
  readonly databaseUrl: string;
  readonly brokerUrl: string;
  readonly topic: string;
}

/** When events had taken effect: the transaction with the inbox row and the effect was committed. */
export type Applied = readonly { readonly ids: readonly string[]; readonly at: number }[];

const now = () => performance.timeOrigin + performance.now();

process.once('message', async (order: ConsumerOrder) => {
  const db = new Database({ url: order.databaseUrl, max: 4 });
  const bus = await RabbitBus.connect({ url: order.brokerUrl, name: 'bench consumer' });
  let applied: { ids: string[]; at: number }[] = [];
  const handleBatch = async (events: Parameters<typeof onceEach>[2]) => {
    const ids: string[] = [];
    await onceEach(db, 'bench.effect', events, async (tx, fresh, tenantId) => {
      await tx.sql`
        insert into bench_effects (tenant_id, event_id)
        select ${tenantId}::uuid, id from unnest(${fresh.map((event) => event.id)}::uuid[]) as t(id)`;
      ids.push(...fresh.map((event) => event.id));
    });
    applied.push({ ids, at: now() });
  };
  await bus.subscribe({
    consumer: 'bench.effect',
    topics: [order.topic],
    handle: (event) => handleBatch([event]),
    handleBatch,
    maxBatch: 250,
  });
  process.on('message', () => {
    process.send!(applied);
    applied = [];
  });
  process.on('disconnect', async () => {
    await bus.close();
    await db.close();
    process.exit(0);
  });
  process.send!('ready');
});
