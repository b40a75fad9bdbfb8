/**
 * Puts the demo data into a cluster whose services do not run at the moment: their clocks would not know that the demo
 * tells of the past. Settings: those of a service, with `DATABASE_URL` for the role of each (`psa_{service}`), and
 * `PSA_DEMO_PASSWORD`. Run inside a container of a service; cut off and run again, it goes on.
 */
import { tmpdir } from 'node:os';
import { adapters } from '@psa/infra/adapters';
import { loadConfig } from '@psa/service-kit/config';
import { ServiceEnv } from '@psa/service-kit/run';
import { DEMO_LOGINS } from '../demo/people.ts';
import { seedDemo } from '../demo/seed.ts';
import { loadState, saveState } from '../state.ts';
import { clusterServices } from './cluster-services.ts';

const { PSA_DEMO_PASSWORD: wanted, PSA_DATA_DIR: folder = tmpdir() } = process.env;
if (!wanted) {
  console.error('PSA_DEMO_PASSWORD is required.');
  process.exit(2);
}
const env = loadConfig(ServiceEnv, { ...process.env, PORT: '0' });
const platform = await clusterServices(env, adapters);
const state = await loadState(folder, { mode: 'demo' });
await seedDemo({ platform, state, wanted, save: (next) => saveState(folder, next), say: console.log });
await platform.settled();
await platform.stop();
for (const { email, what } of DEMO_LOGINS) console.log(`${email.padEnd(28)}${what}`);
process.exit(0);
