import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runEmbedded } from '@psa/embedded/run';
import { readSettings } from '@psa/embedded/settings';
import { loadState } from '@psa/embedded/state';

/** What this process tells when the platform listens. */
export interface PlatformReady {
  readonly url: string;
  /** The tickets service's own app, past the gateway. */
  readonly ticketsUrl: string;
  /** Superuser, database of the platform. */
  readonly adminUrl: string;
  readonly postgresUrl: string;
  readonly rolePassword: string;
}

// The embedded platform as `npm start` runs it, and the tickets service on a port of its own besides.
const settings = readSettings(process.env);
const running = await runEmbedded({ settings, version: '0.0.0-bench', say: () => {} });
const { platform } = running;
const { app } = platform.services.tickets;
const direct = createServer((req, res) => app.routing(req, res));
await new Promise<void>((resolve) => direct.listen(0, '127.0.0.1', resolve));
const state = await loadState(settings.PSA_DATA_DIR, { mode: 'demo' });

process.on('disconnect', async () => {
  direct.closeAllConnections();
  await running.stop('the benchmark is over');
  process.exit(0);
});
process.send!({
  url: settings.PUBLIC_URL,
  ticketsUrl: `http://127.0.0.1:${(direct.address() as AddressInfo).port}`,
  adminUrl: platform.postgres.superuserUrl('psa_platform'),
  postgresUrl: platform.postgres.superuserUrl(),
  rolePassword: state.role_password,
} satisfies PlatformReady);
