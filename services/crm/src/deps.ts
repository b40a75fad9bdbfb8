import type { ServiceDeps } from '@psa/service-kit/service';

/** What the features of this service need of the world. */
export type CrmDeps = Pick<ServiceDeps, 'db' | 'relay' | 'ids' | 'clock' | 'log' | 'bus' | 'peers'>;
