import { randomBytes, randomUUID } from 'node:crypto';
import type { EventEnvelope } from '@psa/contracts/events/envelope';
import type { AccessClaims } from '@psa/contracts/tokens';
import { PostgresBus } from '@psa/infra/bus/postgres-bus';
import { MemoryCache } from '@psa/infra/cache/memory-cache';
import { PostgresFileStore } from '@psa/infra/files/postgres-file-store';
import { LogMailer } from '@psa/infra/mail/log-mailer';
import { PostgresSearch } from '@psa/infra/search/postgres-search';
import type { App } from '@psa/service-kit/app';
import { fieldCipher } from '@psa/service-kit/field-cipher';
import { systemIds } from '@psa/service-kit/ids';
import { createLogger } from '@psa/service-kit/log';
import { OutboxRelay } from '@psa/service-kit/outbox';
import { inProcessPeers, type Peers } from '@psa/service-kit/peers';
import {
  buildService,
  type RunningService,
  type ServiceDefinition,
  type ServiceDeps,
} from '@psa/service-kit/service';
import { type TestDatabase, testDatabase } from './database.ts';
import { FakeClock } from './fake-clock.ts';
import { type TestTokens, testTokens } from './tokens.ts';

/** A service under test: real routes over a real database of its own; nothing in the background unless started. */
export interface TestService {
  readonly app: App;
  readonly db: TestDatabase;
  readonly deps: ServiceDeps;
  readonly clock: FakeClock;
  readonly tokens: TestTokens;
  readonly mailer: LogMailer;
  readonly running: RunningService;
  readonly tenantId: string;
  /** Calls a route as somebody: claims over the defaults of a system_admin of `tenantId`; null: nobody. */
  call(
    method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE',
    url: string,
    options?: { as?: Partial<AccessClaims> | null; body?: unknown; headers?: Record<string, string> },
  ): Promise<{
    status: number;
    // biome-ignore lint/suspicious/noExplicitAny: tests read bodies of many shapes.
    body: any;
    headers: Record<string, string | string[] | number | undefined>;
    text: string;
  }>;
  /** Events committed to the outbox and not yet relayed, in order. */
  outbox(): Promise<EventEnvelope[]>;
  close(): Promise<void>;
}

/** Builds a service on a clone of the template database. `now` is the fake clock's start. */
export async function testService(
  definition: ServiceDefinition,
  options: { now?: string; peers?: Peers; overrides?: Partial<ServiceDeps> } = {},
): Promise<TestService> {
  const db = await testDatabase();
  const clock = new FakeClock(options.now ?? '2026-03-02T09:00:00Z');
  const cache = new MemoryCache({ clock });
  const tokens = await testTokens(cache, clock);
  const log = createLogger({ service: definition.name, level: process.env.TEST_LOG ?? 'silent' });
  const database = db.databaseFor(definition.name);
  const bus = new PostgresBus({ url: db.adminUrl, log });
  await bus.prepare();
  const mailer = new LogMailer({ log });
  const files = new PostgresFileStore({ url: db.adminUrl, schema: 'files' });
  await files.prepare();
  const searchIndex = new PostgresSearch({ url: db.urlFor('search') });
  const deps: ServiceDeps = {
    db: database,
    bus,
    cache,
    clock,
    ids: systemIds,
    log,
    verifier: tokens.verifier,
    peers: options.peers ?? inProcessPeers(() => running.app, clock),
    relay: new OutboxRelay({ db: database, bus, log, schema: definition.name }),
    mailer,
    files,
    searchIndex,
    cipher: fieldCipher({ current: 'k1', keys: { k1: randomBytes(32) } }),
    version: '0.0.0-test',
    publicUrl: 'http://psa.test',
    ...options.overrides,
  };
  const running: RunningService = await buildService(definition, deps);
  const tenantId = randomUUID();
  const adminId = randomUUID();
  return {
    app: running.app,
    db,
    deps,
    clock,
    tokens,
    mailer,
    running,
    tenantId,
    async call(method, url, request = {}) {
      const token =
        request.as === null
          ? null
          : await tokens.issue({ tid: tenantId, sub: adminId, role: 'system_admin', ...request.as });
      const response = await running.app.inject({
        method,
        url,
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...request.headers,
        },
        ...(request.body === undefined
          ? {}
          : { payload: typeof request.body === 'string' ? request.body : JSON.stringify(request.body) }),
      });
      const json = String(response.headers['content-type'] ?? '').includes('json');
      return {
        status: response.statusCode,
        body: json && response.body !== '' ? JSON.parse(response.body) : null,
        headers: response.headers,
        text: response.body,
      };
    },
    async outbox() {
      const rows = await db.admin.unsafe(`select event from ${definition.name}.outbox order by seq`);
      return rows.map((row) => (typeof row.event === 'string' ? JSON.parse(row.event) : row.event));
    },
    async close() {
      await running.stop();
      await bus.close();
      await searchIndex.close();
      await files.close();
      await db.drop();
    },
  };
}
