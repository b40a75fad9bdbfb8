import { totalmem } from 'node:os';
import { join } from 'node:path';
import { signingKeySet } from '@psa/auth/keys/key-ring';
import type { Cache } from '@psa/contracts/ports/cache';
import { systemClock } from '@psa/contracts/ports/clock';
import type { Mailer } from '@psa/contracts/ports/mailer';
import { SERVICE_NAMES, SERVICES, type ServiceName } from '@psa/contracts/services';
import { buildGateway, type Gateway } from '@psa/gateway/app';
import { inProcessUpstream } from '@psa/gateway/in-process-upstream';
import { PostgresBus } from '@psa/infra/bus/postgres-bus';
import { MemoryCache } from '@psa/infra/cache/memory-cache';
import { DiskFileStore } from '@psa/infra/files/disk-file-store';
import { LogMailer } from '@psa/infra/mail/log-mailer';
import { SmtpMailer } from '@psa/infra/mail/smtp-mailer';
import { type PostgresServer, startPostgres } from '@psa/infra/postgres-server';
import { PostgresSearch } from '@psa/infra/search/postgres-search';
import { Database } from '@psa/service-kit/database';
import { fieldCipher } from '@psa/service-kit/field-cipher';
import { systemIds } from '@psa/service-kit/ids';
import { createLogger } from '@psa/service-kit/log';
import { OutboxRelay } from '@psa/service-kit/outbox';
import { inProcessPeers } from '@psa/service-kit/peers';
import { parseFieldKeys } from '@psa/service-kit/run';
import { buildService, type RunningService, type ServiceDeps } from '@psa/service-kit/service';
import { tokenVerifier } from '@psa/service-kit/tokens';
import { busUrl, prepareDatabase, roleUrl } from './database.ts';
import { DEFINITIONS } from './definitions.ts';
import { watchDisk } from './disk-space.ts';
import type { LogFile } from './log-file.ts';
import { clockOf, type DemoClocks, demoClocks } from './settable-clock.ts';
import type { Settings } from './settings.ts';
import type { State } from './state.ts';

const ROOT = new URL('../../', import.meta.url).pathname;

/** All services, their database and the gateway, in this process. */
export interface Platform {
  readonly services: Readonly<Record<ServiceName, RunningService>>;
  readonly deps: Readonly<Record<ServiceName, ServiceDeps>>;
  /** Clocks of the services; for the demo data, which tell of the past. */
  readonly clocks: DemoClocks;
  readonly gateway: Gateway;
  readonly postgres: PostgresServer;
  /** Begins the background work. */
  start(): Promise<void>;
  /** Ends everything in order: requests, event handlers, connections, database. */
  stop(): Promise<void>;
}

/**
 * How much of the data PostgreSQL keeps at hand: a sixteenth of the memory, 64 to 256 MB. It takes them as it needs them,
 * so little data cost little. With 200,000 tickets a search reads 230 pages that 64 MB do not hold.
 */
export const sharedBuffers = (memoryBytes: number): string =>
  `${Math.min(256, Math.max(64, Math.floor(memoryBytes / 2 ** 24)))}MB`;

/** Builds the platform on its data; nothing listens yet. */
export async function buildPlatform(options: {
  settings: Settings;
  state: State;
  version: string;
  logFile: LogFile | null;
}): Promise<Platform> {
  const { settings, state, version } = options;
  const logFor = (service: string) =>
    createLogger({ service, level: settings.LOG_LEVEL, destination: options.logFile?.stream });
  const log = logFor('embedded');
  const server = await startPostgres({
    dataDir: join(settings.PSA_DATA_DIR, 'postgres'),
    supervise: true,
    settings: {
      shared_buffers: sharedBuffers(Math.min(totalmem(), process.constrainedMemory() || Infinity)),
    },
    log: (line) => log.debug({ from: 'postgres' }, line),
  });
  server.onExit((exit) => exit.expected || log.error(exit, 'PostgreSQL ended unasked, starting it again'));
  try {
    return await assemble({ settings, state, version, server, logFor });
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function assemble(options: {
  settings: Settings;
  state: State;
  version: string;
  server: PostgresServer;
  logFor: (service: string) => ReturnType<typeof createLogger>;
}): Promise<Platform> {
  const { settings, state, version, server, logFor } = options;
  const log = logFor('embedded');
  const sets = SERVICE_NAMES.map((name) => ({ service: name, folder: DEFINITIONS[name].migrations }));
  const { migrated } = await prepareDatabase(server, sets, state.role_password);
  if (migrated > 0) log.info({ migrated }, 'database migrated');

  const clock = systemClock;
  const clocks = demoClocks();
  const cache: Cache = new MemoryCache();
  const bus = new PostgresBus({ url: busUrl(server, state.role_password), log: logFor('bus') });
  const mailer: Mailer = settings.SMTP_URL
    ? new SmtpMailer({ url: settings.SMTP_URL, from: settings.MAIL_FROM })
    : new LogMailer({ log: logFor('mail') });
  const files = new DiskFileStore({ folder: join(settings.PSA_DATA_DIR, 'files') });
  await files.prepare();
  const searchIndex = new PostgresSearch({ url: roleUrl(server, 'search', state.role_password), max: 3 });
  await searchIndex.prepare();
  const cipher = fieldCipher(parseFieldKeys(state.field_keys));
  const databases = Object.fromEntries(
    SERVICE_NAMES.map((name) => [
      name,
      new Database({
        url: roleUrl(server, name, state.role_password),
        max: SERVICES[name].connections,
        applicationName: `psa-${name}`,
      }),
    ]),
  ) as Record<ServiceName, Database>;
  // One verifier for all, so that a token's signature is checked once.
  const keys = signingKeySet({ db: databases.auth, clock, log: logFor('auth') });
  const verifier = tokenVerifier({ keys, cache, clock });
  const services = {} as Record<ServiceName, RunningService>;
  const deps = {} as Record<ServiceName, ServiceDeps>;
  const peers = inProcessPeers((name) => services[name].app, clock);
  for (const name of SERVICE_NAMES) {
    const serviceLog = logFor(name);
    deps[name] = {
      db: databases[name],
      bus,
      cache,
      clock: clockOf(clocks, name),
      ids: systemIds,
      log: serviceLog,
      verifier,
      peers,
      relay: new OutboxRelay({ db: databases[name], bus, log: serviceLog, schema: name }),
      mailer,
      files,
      searchIndex,
      cipher,
      version,
      publicUrl: settings.PUBLIC_URL,
    };
    services[name] = await buildService(DEFINITIONS[name], deps[name]);
  }
  const disk = await watchDisk(settings.PSA_DATA_DIR);
  const gateway = await buildGateway({
    checks: { disk: disk.check },
    refuseChange: disk.refusal,
    upstreams: Object.fromEntries(
      SERVICE_NAMES.map((name) => [name, inProcessUpstream(name, services[name].app)]),
    ) as Record<ServiceName, ReturnType<typeof inProcessUpstream>>,
    verifier,
    cache,
    clock,
    log: logFor('gateway'),
    version,
    publicUrl: settings.PUBLIC_URL,
    portals: {
      technician: join(ROOT, 'portals/technician/dist'),
      customer: join(ROOT, 'portals/customer/dist'),
    },
    limits: {
      anonymousPerMinute: settings.RATE_ANONYMOUS_PER_MINUTE,
      standardPerHour: settings.RATE_STANDARD_PER_HOUR,
      professionalPerHour: settings.RATE_PROFESSIONAL_PER_HOUR,
      enterprisePerHour: settings.RATE_ENTERPRISE_PER_HOUR,
      readingPerHour: settings.RATE_READING_PER_HOUR,
    },
    trustedProxies: settings.TRUSTED_PROXIES.split(',').filter((entry) => entry !== ''),
    metricsToken: settings.PSA_METRICS_TOKEN,
  });

  return {
    services,
    deps,
    clocks,
    gateway,
    postgres: server,
    async start() {
      for (const name of SERVICE_NAMES) await services[name].start();
    },
    async stop() {
      const step = async (what: string, work: () => Promise<unknown>) => {
        const began = performance.now();
        await work().catch((error: unknown) => log.warn({ err: error }, `stopping: ${what} failed`));
        log.debug({ ms: Math.round(performance.now() - began) }, `stopped: ${what}`);
      };
      disk.stop();
      await step('gateway', () => gateway.close());
      await step('bus', () => bus.close());
      await step('services', () => Promise.all(SERVICE_NAMES.map((name) => services[name].stop())));
      await step('ports', () => Promise.all([searchIndex.close(), mailer.close(), cache.close()]));
      await step('PostgreSQL', () => server.stop());
    },
  };
}
