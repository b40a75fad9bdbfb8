import type { ServiceDeps } from '@psa/service-kit/service';
import type { SettingsCache } from './desk/settings.ts';

/** What every part of this service is given: the world, and what it keeps in memory for all of them. */
export interface TicketsDeps extends ServiceDeps {
  /** The desks' settings, each good for one revision. */
  readonly settings: SettingsCache;
}
