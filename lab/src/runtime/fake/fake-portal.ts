import { createServer, type Server } from 'node:https';
import { createSecureContext } from 'node:tls';
import type { FakeRuntime } from './fake-runtime.ts';

/** Where the portal of a fake lab listens, and whose certificate it shows. */
export interface FakePortalOptions {
  readonly port: number;
  readonly runtime: FakeRuntime;
  /** Path of the certificate in the containers of HAProxy. */
  readonly certificateFile: string;
}

/** Stands for HAProxy: the certificate that it was given, and `/health` of whatever runs behind it. */
export async function serveFakePortal({
  port,
  runtime,
  certificateFile,
}: FakePortalOptions): Promise<Server> {
  const pem = () =>
    runtime
      .containers()
      .find((box) => box.exists(certificateFile))
      ?.read(certificateFile);
  const server = createServer(
    {
      SNICallback(_name, done) {
        const found = pem();
        if (found) done(null, createSecureContext({ cert: found, key: found }));
        else done(new Error('no HAProxy has a certificate yet'));
      },
    },
    (_request, response) => {
      const services = runtime
        .containers()
        .some(({ units }) =>
          Object.entries(units).some(([unit, state]) => unit.startsWith('psa@gateway') && state === 'active'),
        );
      response.writeHead(services ? 200 : 503, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ status: services ? 'ok' : 'error' }));
    },
  );
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}
