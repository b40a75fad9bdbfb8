import { authService } from '@psa/auth/app';
import type { ServiceName } from '@psa/contracts/services';
import { crmService } from '@psa/crm/app';
import { eventsService } from '@psa/events/app';
import { searchService } from '@psa/search/app';
import type { ServiceDefinition } from '@psa/service-kit/service';
import { ticketsService } from '@psa/tickets/app';

/** Every service behind the gateway. */
export const DEFINITIONS: Readonly<Record<ServiceName, ServiceDefinition>> = {
  auth: authService,
  crm: crmService,
  tickets: ticketsService,
  events: eventsService,
  search: searchService,
};
