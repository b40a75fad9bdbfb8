import type { Platform } from '../platform.ts';

/** What the demo data are put into: the services, and the clocks of those whose data tell of the past. */
export type DemoTarget = Pick<Platform, 'services' | 'deps' | 'clocks'>;
