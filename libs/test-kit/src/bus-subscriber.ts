/**
 * A process of its own that consumes events and writes one line per event, `<aggregate id> <n>`, to its
 * standard output; the bus contract kills it. Arguments: module with `openBus(config)`, config, consumer.
 */
import { writeSync } from 'node:fs';
import type { EventBus } from '@psa/contracts/ports/bus';

const [module, config, consumer] = process.argv.slice(2) as [string, string, string];
const { openBus } = (await import(module)) as { openBus: (config: string) => Promise<EventBus> };
const bus = await openBus(config);
await bus.subscribe({
  consumer,
  topics: ['#'],
  handle: async (event) => {
    // Synchronous, so that a kill cannot lose a line of an event already acknowledged.
    writeSync(1, `${event.aggregate.id} ${String(event.data.n)}\n`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  },
});
