import { type Clock, systemClock } from '@psa/contracts/ports/clock';
import { SERVICE_NAMES, type ServiceName } from '@psa/contracts/services';

/** The machine's clock, but for while it is held: the demo data are made at the times they tell of. */
export class SettableClock implements Clock {
  #held: Date | null = null;

  now(): Date {
    return this.#held === null ? new Date() : new Date(this.#held);
  }

  /** Stands still at that instant until the next call. */
  hold(at: Date): void {
    this.#held = at;
  }

  /** Goes with the machine again. */
  release(): void {
    this.#held = null;
  }
}

/** Services that keep the present even while demo data are made: sign-in, the history and the index. */
const PRESENT = ['auth', 'events', 'search'] as const satisfies readonly ServiceName[];
type Present = (typeof PRESENT)[number];
const isPresent = (name: ServiceName): name is Present => (PRESENT as readonly ServiceName[]).includes(name);

/** Clocks of the services whose demo data tell of the past. */
export type DemoClocks = Readonly<Record<Exclude<ServiceName, Present>, SettableClock>>;

export const demoClocks = (): DemoClocks =>
  Object.fromEntries(
    SERVICE_NAMES.filter((name) => !isPresent(name)).map((name) => [name, new SettableClock()]),
  ) as unknown as DemoClocks;

/** The clock of a service: its own among the demo's, else the machine's. */
export const clockOf = (clocks: DemoClocks, name: ServiceName): Clock =>
  isPresent(name) ? systemClock : clocks[name];
