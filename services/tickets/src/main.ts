import { adapters } from '@psa/infra/adapters';
import { runService } from '@psa/service-kit/run';
import { ticketsService } from './app.ts';

await runService(ticketsService, process.env, adapters);
