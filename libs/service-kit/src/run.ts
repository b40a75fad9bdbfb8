import type { EventBus } from '@psa/contracts/ports/bus';
import type { Cache } from '@psa/contracts/ports/cache';
import { systemClock } from '@psa/contracts/ports/clock';
import type { FileStore } from '@psa/contracts/ports/file-store';
import type { Mailer } from '@psa/contracts/ports/mailer';
import type { SearchIndex } from '@psa/contracts/ports/search';
import { SERVICE_PORT } from '@psa/contracts/services';
import { createRemoteJWKSet } from 'jose';
import Type, { type Static } from 'typebox';
import { addressBook } from './addresses.ts';
import { loadConfig } from './config.ts';
import { Database } from './database.ts';
import { fieldCipher } from './field-cipher.ts';
import type { HealthChecks } from './health.ts';
import { systemIds } from './ids.ts';
import { createLogger, type Logger } from './log.ts';
import { OutboxRelay } from './outbox.ts';
import { httpPeers } from './peers.ts';
import { EXIT_UNREADY, freshCheck, SelfWatch } from './self-watch.ts';
import { buildService, type ServiceDefinition } from './service.ts';
import { tokenVerifier } from './tokens.ts';

/** Settings of a service that runs by itself. */
export const ServiceEnv = Type.Object({
  HOST: Type.String({ default: '127.0.0.1' }),
  PORT: Type.Integer({ minimum: 0, maximum: 65535 }),
  DATABASE_URL: Type.String({ minLength: 1, description: "with the service's own role" }),
  DATABASE_POOL: Type.Integer({ default: 10, minimum: 1 }),
  DATABASE_PREPARE: Type.Boolean({
    default: true,
    description: 'false behind PgBouncer in transaction mode',
  }),
  DATABASE_READ_URL: Type.String({
    default: '',
    description: 'replicas that serve reads while the primary does not answer; empty: nobody does',
  }),
  RABBITMQ_URL: Type.String({ minLength: 1, description: 'several nodes of a cluster separated by commas' }),
  REDIS_URL: Type.String({ default: '', description: 'one server; or REDIS_SENTINELS' }),
  REDIS_SENTINELS: Type.String({
    default: '',
    description: 'host:port,…: the Sentinels that know which server is the master',
  }),
  REDIS_MASTER: Type.String({ default: 'psa', description: 'what the Sentinels call the master' }),
  REDIS_PASSWORD: Type.String({ default: '', description: 'of the servers behind the Sentinels' }),
  SMTP_URL: Type.String({ default: '' }),
  MAIL_FROM: Type.String({ default: 'psa@localhost' }),
  FILES_DIR: Type.String({ default: '', description: 'empty: files are kept in the database' }),
  FILES_DATABASE_URL: Type.String({
    default: '',
    description: 'where files are kept when FILES_DIR is empty; a role that owns the schema "files"',
  }),
  SEARCH_DRIVER: Type.Union([Type.Literal('postgres'), Type.Literal('elasticsearch')], {
    default: 'postgres',
    description: 'where the search service keeps its index',
  }),
  ELASTICSEARCH_URL: Type.String({ default: '', description: 'several nodes separated by commas' }),
  PEER_URL: Type.String({
    default: `http://{service}:${SERVICE_PORT}`,
    description: '{service} becomes the name of the service asked',
  }),
  PEERS: Type.String({
    default: '',
    description: 'auth=http://10.0.20.11:3001,crm=…: peers that PEER_URL does not fit',
  }),
  PUBLIC_URL: Type.String({ default: 'http://127.0.0.1:3000' }),
  FIELD_KEYS: Type.String({
    pattern: '^[A-Za-z0-9_-]+:[0-9a-f]{64}(,[A-Za-z0-9_-]+:[0-9a-f]{64})*$',
    description: 'id:hex,…; the first encrypts',
  }),
  LOG_LEVEL: Type.String({ default: 'info' }),
  VERSION: Type.String({ default: '0.0.0' }),
});
export type ServiceEnv = Static<typeof ServiceEnv>;

/**
 * Makes the ports' adapters from the settings; `@psa/infra/adapters` has the real ones. One that is made to be asked
 * whether it is there leaves everything as it is.
 */
export interface Adapters {
  bus(env: ServiceEnv, log: Logger): Promise<EventBus> | EventBus;
  cache(env: ServiceEnv, log: Logger): Promise<Cache> | Cache;
  mailer(env: ServiceEnv, log: Logger): Mailer;
  files(env: ServiceEnv, log: Logger, purpose?: 'serve' | 'ask'): Promise<FileStore> | FileStore;
  searchIndex(
    env: ServiceEnv,
    log: Logger,
    service: string,
    purpose?: 'serve' | 'ask',
  ): Promise<SearchIndex> | SearchIndex;
}

/** `id:hex,id:hex` as keys; the first is the current one. */
export function parseFieldKeys(text: string) {
  const pairs = text.split(',').map((pair) => pair.split(':') as [string, string]);
  return {
    current: pairs[0]![0],
    keys: Object.fromEntries(pairs.map(([id, hex]) => [id, Buffer.from(hex, 'hex')])),
  };
}

/**
 * Builds, listens, and stops in order on SIGTERM or SIGINT: first no new requests, then the work under way, then the
 * connections. It listens before its dependencies are there: what can be done without them is done, and `/ready` names
 * what is missing.
 */
export async function runService(
  definition: ServiceDefinition,
  environment: Readonly<Record<string, string | undefined>>,
  adapters: Adapters,
): Promise<void> {
  const env = loadConfig(ServiceEnv, environment);
  const log = createLogger({ service: definition.name, level: env.LOG_LEVEL });
  const clock = systemClock;
  const [bus, cache] = [await adapters.bus(env, log), await adapters.cache(env, log)];
  const db = databaseOf(definition.name, env, env.DATABASE_POOL);
  const peerUrl = addressBook('PEERS', env.PEERS, env.PEER_URL);
  const keys = createRemoteJWKSet(new URL('/api/v1/auth/jwks', peerUrl('auth')), { cooldownDuration: 5_000 });
  const mailer = adapters.mailer(env, log);
  const searchIndex = await adapters.searchIndex(env, log, definition.name);
  const running = await buildService(definition, {
    db,
    bus,
    cache,
    clock,
    ids: systemIds,
    log,
    verifier: tokenVerifier({ keys, cache, clock }),
    peers: httpPeers(peerUrl, clock),
    relay: new OutboxRelay({ db, bus, log, schema: definition.name }),
    mailer,
    files: await adapters.files(env, log),
    searchIndex,
    cipher: fieldCipher(parseFieldKeys(env.FIELD_KEYS)),
    version: env.VERSION,
    publicUrl: env.PUBLIC_URL,
  });

  let stopping = false;
  const stop = async (why: string, code = 0) => {
    if (stopping) return;
    stopping = true;
    log.info({ why }, 'stopping');
    const giveUp = setTimeout(() => process.exit(1), 10_000);
    giveUp.unref();
    watch.stop();
    await bus.close();
    await running.stop();
    await Promise.allSettled([cache.close(), mailer.close(), searchIndex.close()]);
    process.exit(code);
  };
  const watch = new SelfWatch({
    ...{ checks: running.checks, log },
    fresh: freshChecks(definition.name, env, adapters),
    restart: (why) => void stop(why, EXIT_UNREADY),
  });
  process.on('SIGTERM', () => void stop('SIGTERM'));
  process.on('SIGINT', () => void stop('SIGINT'));

  await running.app.listen({ host: env.HOST, port: env.PORT });
  log.info({ address: running.app.server.address() }, 'listening');
  watch.start();
  await running.start().catch((error: unknown) => {
    // Who waits for the broker to subscribe is turned away by the bus that is closed meanwhile: it stops in order.
    if (!stopping) throw error;
  });
  if (!stopping) log.info('ready');
}

/** A connection that is made to be asked says nothing. */
const quiet = createLogger({ service: 'self-watch', level: 'silent' });

/** What is asked of each dependency on a connection of its own. */
export function freshChecks(service: string, env: ServiceEnv, adapters: Adapters): HealthChecks {
  return {
    database: freshCheck(() => databaseOf(service, env, 1)),
    bus: freshCheck(() => adapters.bus(env, quiet)),
    cache: freshCheck(() => adapters.cache(env, quiet)),
    files: freshCheck(() => adapters.files(env, quiet, 'ask')),
    searchIndex: freshCheck(() => adapters.searchIndex(env, quiet, service, 'ask')),
  };
}

function databaseOf(service: string, env: ServiceEnv, max: number): Database {
  return new Database({
    url: env.DATABASE_URL,
    readUrl: env.DATABASE_READ_URL,
    max,
    prepare: env.DATABASE_PREPARE,
    applicationName: `psa-${service}`,
  });
}
