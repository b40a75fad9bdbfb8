import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '@psa/contracts/ports/clock';
import { RabbitBus } from '@psa/infra/bus/rabbitmq-bus';
import { systemContext } from '@psa/service-kit/context';
import { Database } from '@psa/service-kit/database';
import { systemIds } from '@psa/service-kit/ids';
import { createLogger } from '@psa/service-kit/log';
import { emit, OutboxRelay } from '@psa/service-kit/outbox';

export interface ProducerOrder {
  readonly databaseUrl: string;
  readonly brokerUrl: string;
  readonly tenantId: string;
  readonly schema: string;
}

/** `rate` events per second for so many seconds, each transaction with `each` of them. */
export interface Burst {
  readonly rate: number;
  readonly seconds: number;
  readonly each: number;
}

/** When the transactions with these events were committed. */
export type Committed = readonly { readonly ids: readonly string[]; readonly at: number }[];

const now = () => performance.timeOrigin + performance.now();

// A service that writes events: outbox and relay in one process, as in `runService`.
process.once('message', async (order: ProducerOrder) => {
  const db = new Database({ url: order.databaseUrl, max: 8 });
  const bus = await RabbitBus.connect({ url: order.brokerUrl, name: 'bench producer' });
  const log = createLogger({ service: 'bench', level: 'warn' });
  const relay = new OutboxRelay({ db, bus, log, schema: order.schema });
  const ctx = systemContext(order.tenantId, 'bench');
  relay.start();

  async function commit(each: number): Promise<{ ids: string[]; at: number }> {
    const events = Array.from({ length: each }, () => {
      const data = { ticket: { title: 'Drucker druckt nicht', description: 'x'.repeat(300) } } as never;
      const aggregate = { type: 'ticket', id: systemIds.uuid() };
      return { type: 'ticket.opened.v1' as const, aggregate, data };
    });
    const deps = { relay, ids: systemIds, clock: systemClock };
    const emitted = await db.tx(ctx.scope, (tx) => emit(deps, tx, ctx, events));
    return { ids: emitted.map((event) => event.id), at: now() };
  }

  async function burst({ rate, seconds, each }: Burst): Promise<Committed> {
    const began = performance.now();
    const transactions = Math.round((rate * seconds) / each);
    const running: Promise<{ ids: string[]; at: number }>[] = [];
    for (let i = 0; i < transactions; i++) {
      const due = began + ((i * each) / rate) * 1000;
      const wait = due - performance.now();
      if (wait > 1) await sleep(wait);
      running.push(commit(each));
    }
    return Promise.all(running);
  }

  process.on('message', async (wanted: Burst) => process.send!(await burst(wanted)));
  process.on('disconnect', async () => {
    await relay.stop();
    await bus.close();
    await db.close();
    process.exit(0);
  });
  process.send!('ready');
});
