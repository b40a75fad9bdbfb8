import { afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { ProxmoxClient } from './client.ts';
import type { Endpoint } from './endpoints.ts';
import type { EngineOptions } from './engine.ts';
import { ProxmoxError } from './errors.ts';
import { type Certificate, makeCertificate, PveServer, TestClock } from './pve-server.test-helper.ts';

/** The secret of the token that the tests use. */
export const SECRET = '6f1c7c0a-1111-4222-8333-444455556666';

/** Two nodes' APIs on loopback, started and stopped around each test, and clients of them. */
export interface Harness {
  readonly certificate: Certificate;
  readonly server: PveServer;
  readonly second: PveServer;
  readonly clock: TestClock;
  /** An endpoint with its certificate pinned. */
  at(server: PveServer, node?: string): Endpoint;
  clientOf(options?: Partial<EngineOptions>): ProxmoxClient;
}

export function useHarness(): Harness {
  const clients: ProxmoxClient[] = [];
  const state = {} as { certificate: Certificate; server: PveServer; second: PveServer; clock: TestClock };
  beforeAll(() => {
    state.certificate = makeCertificate();
  });
  beforeEach(async () => {
    state.server = await new PveServer(state.certificate).start();
    state.second = await new PveServer(state.certificate).start();
    state.clock = new TestClock();
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await Promise.all([state.server.stop(), state.second.stop()]);
  });
  const at = (server: PveServer, node?: string): Endpoint => ({
    host: '127.0.0.1',
    port: server.port,
    fingerprints: [state.certificate.fingerprint],
    ...(node === undefined ? {} : { node }),
  });
  return {
    get certificate() {
      return state.certificate;
    },
    get server() {
      return state.server;
    },
    get second() {
      return state.second;
    },
    get clock() {
      return state.clock;
    },
    at,
    clientOf(options = {}) {
      const client = new ProxmoxClient({
        endpoints: [at(state.server)],
        credentials: { tokenId: 'root@pam!full', secret: SECRET },
        clock: state.clock,
        lockWaitMs: 0,
        ...options,
      });
      clients.push(client);
      return client;
    },
  };
}

/** The error of a promise that must fail with one of ours. */
export async function failure(promise: Promise<unknown>): Promise<ProxmoxError> {
  const error = await promise.then(
    () => null,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(ProxmoxError);
  return error as ProxmoxError;
}
