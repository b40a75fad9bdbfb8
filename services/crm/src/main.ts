import { adapters } from '@psa/infra/adapters';
import { runService } from '@psa/service-kit/run';
import { crmService } from './app.ts';

await runService(crmService, process.env, adapters);
