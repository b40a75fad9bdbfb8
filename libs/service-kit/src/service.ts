import type { EventBus } from '@psa/contracts/ports/bus';
import type { Cache } from '@psa/contracts/ports/cache';
import type { Clock } from '@psa/contracts/ports/clock';
import type { FileStore } from '@psa/contracts/ports/file-store';
import type { Mailer } from '@psa/contracts/ports/mailer';
import type { SearchIndex } from '@psa/contracts/ports/search';
import { type App, createApp } from './app.ts';
import type { Database } from './database.ts';
import type { FieldCipher } from './field-cipher.ts';
import { type HealthChecks, registerHealth } from './health.ts';
import type { Ids } from './ids.ts';
import { sweepInbox } from './inbox.ts';
import type { Logger } from './log.ts';
import { type Metrics, registerMetrics } from './metrics.ts';
import { registerOpenApi } from './openapi.ts';
import type { OutboxRelay } from './outbox.ts';
import type { Peers } from './peers.ts';
import type { TokenVerifier } from './tokens.ts';
import type { Worker } from './worker.ts';
import { sweepIdempotency } from './write.ts';

/** Everything a service needs of the world. Built from the environment by `main.ts`, by the embedded composition, or by a test. */
export interface ServiceDeps {
  readonly db: Database;
  readonly bus: EventBus;
  readonly cache: Cache;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly verifier: TokenVerifier;
  readonly peers: Peers;
  readonly relay: OutboxRelay;
  readonly mailer: Mailer;
  readonly files: FileStore;
  readonly searchIndex: SearchIndex;
  readonly cipher: FieldCipher;
  readonly version: string;
  /** Address under which people reach the platform, for links in mails. */
  readonly publicUrl: string;
}

/** A service: what it is made of, and its migrations. */
export interface ServiceDefinition {
  readonly name: string;
  readonly title: string;
  /** Makes everything that the service has of its own (caches, key rings, workers), once. Nothing runs yet. */
  build(deps: ServiceDeps, metrics: Metrics): ServiceParts;
  readonly migrations: URL;
  /** Which ports it uses, and so what `/ready` asks. */
  readonly uses: readonly ('bus' | 'cache' | 'mailer' | 'files' | 'searchIndex')[];
}

/** What a service is made of: both halves work with the same parts. */
export interface ServiceParts {
  /** Registers the routes. */
  readonly routes: (app: App) => Promise<void> | void;
  /** Consumers and timers, in the order of their start; the outbox relay runs by itself. */
  readonly workers?: readonly Worker[];
}

/** A built service: the app listens or is called in-process; `start` begins the background work. */
export interface RunningService {
  readonly app: App;
  readonly metrics: Metrics;
  /** What `/ready` asks. */
  readonly checks: HealthChecks;
  /** Resolves once every consumer is known to the broker, however long that is away. */
  start(): Promise<void>;
  /** Fires the timers that are due now, without waiting for the next look; returns how many. For clocks that jump. */
  runDue(): Promise<number>;
  /** Resolves when nothing goes on behind an answer. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

const SWEEP_EVERY_MS = 60 * 60 * 1000;

/** Builds a service from its definition. Nothing runs and nothing listens yet. */
export async function buildService(
  definition: ServiceDefinition,
  deps: ServiceDeps,
): Promise<RunningService> {
  const app = createApp({
    name: definition.name,
    log: deps.log,
    clock: deps.clock,
    verifier: deps.verifier,
    trustProxy: true,
  });
  await registerOpenApi(app, definition, deps.version);
  const metrics = registerMetrics(app, definition.name, deps.db);
  let starting = false;
  const checks: HealthChecks = {
    database: () => deps.db.ping(),
    ...Object.fromEntries(definition.uses.map((port) => [port, () => deps[port].ping()])),
    ...(definition.uses.includes('bus') && {
      bus: async () => {
        await deps.bus.ping();
        if (starting) throw new Error('The broker does not know the consumers yet.');
      },
    }),
  };
  registerHealth(app, definition.name, deps.version, checks);
  const { routes, workers = [] } = definition.build(deps, metrics);
  await routes(app);
  // For the gateway, which answers this path itself with all services' documents merged.
  app.get('/api/v1/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  await app.ready();

  let sweeper: NodeJS.Timeout | undefined;
  return {
    app,
    metrics,
    checks,
    async start() {
      starting = true;
      // The consumers first: an event relayed before a consumer has ever been there would pass it by.
      for (const worker of workers) await worker.start();
      starting = false;
      deps.relay.start();
      sweeper = setInterval(() => {
        Promise.all([sweepInbox(deps.db), sweepIdempotency(deps.db)]).catch((error: unknown) =>
          deps.log.warn({ err: error }, 'sweep failed'),
        );
      }, SWEEP_EVERY_MS);
      sweeper.unref();
    },
    async runDue() {
      let fired = 0;
      for (const worker of workers) fired += (await worker.runDue?.()) ?? 0;
      return fired;
    },
    async idle() {
      for (const worker of workers) await worker.idle?.();
    },
    async stop() {
      clearInterval(sweeper);
      await app.close();
      for (const worker of workers) await worker.stop();
      await deps.relay.stop();
      await deps.db.close();
    },
  };
}

/** A worker that subscribes to events on start; the bus itself stops deliveries when it closes. */
export function consumer(subscribe: () => Promise<void>): Worker {
  return { start: subscribe, stop: async () => {} };
}
