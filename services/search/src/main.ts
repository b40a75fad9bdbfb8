import { adapters } from '@psa/infra/adapters';
import { runService } from '@psa/service-kit/run';
import { searchService } from './app.ts';

await runService(searchService, process.env, adapters);
