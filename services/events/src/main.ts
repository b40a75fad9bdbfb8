import { adapters } from '@psa/infra/adapters';
import { runService } from '@psa/service-kit/run';
import { eventsService } from './app.ts';

await runService(eventsService, process.env, adapters);
