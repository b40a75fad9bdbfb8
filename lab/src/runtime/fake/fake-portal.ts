import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { FakeRuntime } from './fake-runtime.ts';

/** Where the portal of a fake lab listens, and whose certificate it shows. */
export interface FakePortalOptions {
  readonly port: number;
  readonly runtime: FakeRuntime;
  /** Path of the certificate in the containers of HAProxy. */
  readonly certificateFile: string;
}

/** What a smoke test wants of the gateway. */
const PAGES: Readonly<Record<string, string>> = {
  '/': '<!doctype html><html></html>',
  '/api/v1/openapi.json': '{"openapi":"3.1.0"}',
};

/** Stands for HAProxy: the certificate that it was given, and some pages of whatever runs behind it. */
export async function serveFakePortal({
  port,
  runtime,
  certificateFile,
}: FakePortalOptions): Promise<Server> {
  const holding = (path: string) =>
    runtime
      .folders()
      .map((folder) => join(folder, path))
      .find((file) => existsSync(file));
  const server = createServer(
    {
      SNICallback(_name, done) {
        const file = holding(join('root', certificateFile));
        const pem = file === undefined ? null : readFileSync(file);
        if (pem) done(null, createSecureContext({ cert: pem, key: pem }));
        else done(new Error('no HAProxy has a certificate yet'));
      },
    },
    (request, response) => {
      const isUp = holding('active/psa@gateway.service') !== undefined;
      response.writeHead(isUp ? 200 : 503, { 'content-type': 'application/json' });
      const page = isUp ? PAGES[request.url ?? ''] : undefined;
      response.end(page ?? JSON.stringify({ status: isUp ? 'ok' : 'error' }));
    },
  );
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}
