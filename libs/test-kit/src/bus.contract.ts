import type { EventBus } from '@psa/contracts/ports/bus';
import { afterEach, describe } from 'vitest';
import type { BusUnderTest } from './bus-contract-parts.ts';
import { crashContract } from './bus-crash.contract.ts';
import { deliveryContract } from './bus-delivery.contract.ts';
import { failureContract } from './bus-failure.contract.ts';

/** The behaviour that every {@link EventBus} has. Call it at the top level of an adapter's test file. */
export function busContract(name: string, subject: BusUnderTest): void {
  describe(`${name} as an event bus`, { timeout: 120_000 }, () => {
    let open: EventBus[] = [];
    const openBus = async (): Promise<EventBus> => {
      const bus = await subject.open();
      open.push(bus);
      return bus;
    };
    afterEach(async () => {
      for (const bus of open) await bus.close();
      open = [];
    });

    deliveryContract(openBus);
    failureContract(openBus);
    crashContract(openBus, subject);
  });
}
