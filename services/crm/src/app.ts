import type { ServiceDefinition } from '@psa/service-kit/service';
import { portalUserConsumer } from './contacts/portal-users.ts';
import { contactRoutes } from './contacts/routes.ts';
import { csvRoutes, importColumnRoutes } from './csv/routes.ts';
import { customerRoutes } from './customers/routes.ts';
import { siteRoutes } from './sites/routes.ts';

/** Customers of the MSP, their sites and contacts. */
export const crmService: ServiceDefinition = {
  name: 'crm',
  title: 'Customers, sites and contacts',
  migrations: new URL('./db/migrations/', import.meta.url),
  uses: ['bus'],
  build: (deps) => ({
    async routes(app) {
      customerRoutes(app, deps);
      siteRoutes(app, deps);
      contactRoutes(app, deps);
      importColumnRoutes(app, deps);
      await csvRoutes(app, deps);
    },
    workers: [portalUserConsumer(deps)],
  }),
};
