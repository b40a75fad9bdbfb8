/**
 * A consumer in a process of its own, which tests kill: it writes a row for each event that it applies, in the
 * transaction of the inbox. Settings: DATABASE_URL, RABBITMQ_URL.
 */
import { RabbitBus } from '@psa/infra/bus/rabbitmq-bus';
import { Database } from '@psa/service-kit/database';
import { onceEach } from '@psa/service-kit/inbox';

const db = new Database({ url: process.env.DATABASE_URL!, max: 4 });
const bus = await RabbitBus.connect({ url: process.env.RABBITMQ_URL!, name: 'ledger' });
const consumer = 'ledger.applied';
const apply = (events: Parameters<typeof onceEach>[2]) =>
  onceEach(db, consumer, events, async (tx, fresh, tenantId) => {
    for (const event of fresh) {
      const object =
        event.type === 'ticket.commented.v1' ? String(event.data.comment_id) : event.aggregate.id;
      await tx.sql`
        insert into applied (tenant_id, event_id, type, aggregate_id, object_id)
        values (${tenantId}, ${event.id}, ${event.type}, ${event.aggregate.id}, ${object})`;
    }
  });
await bus.subscribe({
  consumer,
  topics: ['#'],
  maxBatch: 50,
  // A broken connection to the database must not make dead letters of good events within the test.
  retryDelaysMs: Array.from({ length: 200 }, () => 250),
  handle: (event) => apply([event]),
  handleBatch: apply,
});
console.log('ready');
