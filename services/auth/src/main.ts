import { adapters } from '@psa/infra/adapters';
import { runService } from '@psa/service-kit/run';
import { authService } from './app.ts';

await runService(authService, process.env, adapters);
