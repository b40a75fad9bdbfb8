import { setTimeout as sleep } from 'node:timers/promises';
import { signingKeySet } from '@psa/auth/keys/key-ring';
import { systemClock } from '@psa/contracts/ports/clock';
import { SERVICE_NAMES, type ServiceName } from '@psa/contracts/services';
import { Database } from '@psa/service-kit/database';
import { fieldCipher } from '@psa/service-kit/field-cipher';
import { systemIds } from '@psa/service-kit/ids';
import { createLogger } from '@psa/service-kit/log';
import { OutboxRelay } from '@psa/service-kit/outbox';
import { inProcessPeers } from '@psa/service-kit/peers';
import { type Adapters, parseFieldKeys, type ServiceEnv } from '@psa/service-kit/run';
import { buildService, type RunningService, type ServiceDeps } from '@psa/service-kit/service';
import { tokenVerifier } from '@psa/service-kit/tokens';
import { DEFINITIONS } from '../definitions.ts';
import type { DemoTarget } from '../demo/demo-target.ts';
import { clockOf, demoClocks } from '../settable-clock.ts';

/** The services of a cluster in this process, in place of those that stand still. */
export interface ClusterServices extends DemoTarget {
  /** Waits until every event of theirs has left the outbox. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

/** Builds and starts all services on a cluster's database, broker and cache; nothing listens. */
export async function clusterServices(env: ServiceEnv, adapters: Adapters): Promise<ClusterServices> {
  const log = createLogger({ service: 'demo', level: env.LOG_LEVEL });
  const clocks = demoClocks();
  const bus = await adapters.bus(env, log);
  const cache = await adapters.cache(env, log);
  const mailer = adapters.mailer(env, log);
  const urlOf = (service: ServiceName) => env.DATABASE_URL.replace('{service}', service);
  const database = (service: ServiceName) =>
    new Database({
      url: urlOf(service),
      max: 3,
      prepare: env.DATABASE_PREPARE,
      applicationName: `psa-demo-${service}`,
    });
  const databases = Object.fromEntries(SERVICE_NAMES.map((name) => [name, database(name)])) as Record<
    ServiceName,
    Database
  >;
  const verifier = tokenVerifier({
    keys: signingKeySet({ db: databases.auth, clock: systemClock, log }),
    cache,
    clock: systemClock,
  });
  const services = {} as Record<ServiceName, RunningService>;
  const deps = {} as Record<ServiceName, ServiceDeps>;
  for (const name of SERVICE_NAMES) {
    const own = { ...env, DATABASE_URL: urlOf(name) };
    deps[name] = {
      db: databases[name],
      bus,
      cache,
      clock: clockOf(clocks, name),
      ids: systemIds,
      log,
      verifier,
      peers: inProcessPeers((peer) => services[peer].app, systemClock),
      relay: new OutboxRelay({ db: databases[name], bus, log, schema: name }),
      mailer,
      files: await adapters.files(own, log),
      searchIndex: await adapters.searchIndex(own, log, name),
      cipher: fieldCipher(parseFieldKeys(env.FIELD_KEYS)),
      version: env.VERSION,
      publicUrl: env.PUBLIC_URL,
    };
    services[name] = await buildService(DEFINITIONS[name], deps[name]);
  }
  for (const name of SERVICE_NAMES) await services[name].start();
  return {
    services,
    deps,
    clocks,
    async settled() {
      for (const name of SERVICE_NAMES) {
        const waiting = () =>
          databases[name].system(async (tx) => {
            const [row] = await tx.sql<{ open: boolean }[]>`select exists (select from outbox) as open`;
            return row!.open;
          });
        while (await waiting()) await sleep(200);
      }
    },
    async stop() {
      await bus.close();
      await Promise.all(SERVICE_NAMES.map((name) => services[name].stop()));
      await Promise.allSettled([cache.close(), mailer.close()]);
    },
  };
}
