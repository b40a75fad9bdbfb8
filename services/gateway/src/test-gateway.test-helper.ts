import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import multipart from '@fastify/multipart';
import { ExchangeApiKeyRequest } from '@psa/contracts/auth';
import { SERVICE_NAMES, type ServiceName } from '@psa/contracts/services';
import type { AccessClaims } from '@psa/contracts/tokens';
import { MemoryCache } from '@psa/infra/cache/memory-cache';
import { type App, contextOf, createApp } from '@psa/service-kit/app';
import { AppError, invalid } from '@psa/service-kit/errors';
import { registerHealth } from '@psa/service-kit/health';
import { createLogger } from '@psa/service-kit/log';
import { registerMetrics } from '@psa/service-kit/metrics';
import { registerOpenApi } from '@psa/service-kit/openapi';
import { FakeClock } from '@psa/test-kit/fake-clock';
import { tempDir } from '@psa/test-kit/temp-dir';
import { type TestTokens, testTokens } from '@psa/test-kit/tokens';
import Type from 'typebox';
import { buildGateway, type Gateway, type GatewayDeps } from './app.ts';
import { httpUpstream } from './http-upstream.ts';
import { inProcessUpstream } from './in-process-upstream.ts';
import type { Upstream } from './upstream.ts';

/** A gateway over one small real service that stands for all of them. */
export interface TestGateway {
  readonly url: string;
  readonly gateway: Gateway;
  readonly app: App;
  readonly cache: MemoryCache;
  readonly clock: FakeClock;
  readonly tokens: TestTokens;
  /** What the service saw of the last request to `/tickets/echo`. */
  readonly seen: { headers: Record<string, unknown>; ip: string }[];
  /** Set when the service has the request to `/tickets/slow`. */
  readonly slowAsked: Promise<void>;
  /** Set when the service noticed that its client went away. */
  readonly aborted: Promise<void>;
  /** Answers of the key exchange: how often it was asked. */
  exchanges(): number;
  bearer(claims?: Partial<AccessClaims>): Promise<{ authorization: string }>;
  close(): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: tests read bodies of many shapes.
export const bodyOf = (response: Response): Promise<any> => response.json();

export const KEY = 'psa_test_0123456789abcdef';
/** One that `auth` answers as it does when an address has tried too many. */
export const LOCKED_KEY = 'psa_locked_0123456789abcdef';

async function upstreamApp(
  name: string,
  deps: {
    clock: FakeClock;
    tokens: TestTokens;
    seen: TestGateway['seen'];
    onSlow: () => void;
    onAbort: () => void;
    onExchange: () => void;
  },
): Promise<App> {
  const app = createApp({
    name,
    log: createLogger({ service: name, level: process.env.TEST_LOG ?? 'silent' }),
    clock: deps.clock,
    verifier: deps.tokens.verifier,
    trustProxy: true,
  });
  await registerOpenApi(app, { name, title: name }, '0.0.0-test');
  registerMetrics(app, name);
  registerHealth(app, name, '0.0.0-test', {});
  app.get('/api/v1/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  if (name === 'auth') {
    app.post('/api/v1/auth/refresh', { schema: { summary: 'Refresh' } }, async (request) => ({
      cookies: request.headers.cookie ?? null,
    }));
    app.post(
      '/internal/api-keys/exchange',
      { schema: { hide: true, body: ExchangeApiKeyRequest } },
      async (request) => {
        deps.onExchange();
        if (request.body.api_key === LOCKED_KEY) {
          const details = [{ field: 'address', code: 'limit' as const, message: request.ip }];
          throw new AppError(423, 'ACCOUNT_LOCKED', 'Please wait.', { retryAfter: 900, details });
        }
        if (request.body.api_key !== KEY)
          throw new AppError(401, 'TOKEN_INVALID', 'The API key is not valid.');
        return { access_token: await deps.tokens.issue({ name: 'key holder' }), expires_in: 900 };
      },
    );
  }
  if (name !== 'tickets') return app;

  await app.register(multipart);
  app.addContentTypeParser('text/csv', (_request, body, done) => done(null, body));
  const config = { permission: 'ticket:view:all' as const };
  app.get('/api/v1/tickets/echo', { config, schema: { summary: 'Echo' } }, async (request, reply) => {
    deps.seen.push({ headers: { ...request.headers }, ip: request.ip });
    reply.header('etag', '"7"');
    return { data: { name: contextOf(request).actor.name, query: request.query } };
  });
  app.post(
    '/api/v1/tickets',
    {
      config,
      schema: {
        summary: 'Create',
        body: Type.Object({ title: Type.String() }, { additionalProperties: false }),
      },
    },
    async (request, reply) => reply.code(201).send({ data: request.body }),
  );
  app.get('/api/v1/tickets', { config, schema: { summary: 'List' } }, async () => ({
    data: Array.from({ length: 20 }, (_, i) => ({ id: i, title: `Drucker ${i} druckt nicht`.repeat(5) })),
  }));
  app.post(
    '/api/v1/tickets/:id/attachments',
    { config, schema: { summary: 'Attach', consumes: ['multipart/form-data'] } },
    async (request) => {
      const file = await request.file({ limits: { fileSize: 64 * 1024 * 1024 } });
      const content = await buffer(file!.file);
      return { size: content.length, sha256: createHash('sha256').update(content).digest('hex') };
    },
  );
  // As a handler that stops in the middle of a form: whoever piped it has let go, and it is paused.
  // A route of files, so that no limit of bytes is met first.
  const half = '/api/v1/tickets/:id/comments/half-read/attachments';
  app.post(half, { config, schema: { summary: 'Half' } }, async (request) => {
    const chunks = new PassThrough();
    request.raw.pipe(chunks);
    await once(chunks, 'data');
    request.raw.pause();
    throw invalid({ field: 'file', code: 'not_valid', message: 'is not wanted' });
  });
  app.get(
    '/api/v1/tickets/download',
    { config, schema: { summary: 'Download' } },
    async (_request, reply) => {
      reply.type('application/octet-stream');
      return reply.send(
        new ReadableStream({
          start(controller) {
            for (let i = 0; i < 64; i++) controller.enqueue(new Uint8Array(65_536).fill(i));
            controller.close();
          },
        }),
      );
    },
  );
  app.get('/api/v1/tickets/slow', { config, schema: { summary: 'Slow' } }, async (request) => {
    deps.onSlow();
    await new Promise<void>((resolve) => request.raw.socket.once('close', resolve));
    deps.onAbort();
    return {};
  });
  return app;
}

/** Starts a gateway on a free port; `kind` says how it reaches the service. */
export async function testGateway(
  kind: 'in-process' | 'http',
  overrides: Partial<GatewayDeps> = {},
): Promise<TestGateway> {
  const clock = new FakeClock(new Date().toISOString());
  const cache = new MemoryCache();
  const tokens = await testTokens(cache, clock);
  const seen: TestGateway['seen'] = [];
  const slowAsked = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  let exchanged = 0;
  const apps = new Map<ServiceName, App>();
  const upstreams = {} as Record<ServiceName, Upstream>;
  for (const name of SERVICE_NAMES) {
    const app = await upstreamApp(name, {
      clock,
      tokens,
      seen,
      onSlow: slowAsked.resolve,
      onAbort: aborted.resolve,
      onExchange: () => exchanged++,
    });
    apps.set(name, app);
    if (kind === 'in-process') {
      await app.ready();
      upstreams[name] = inProcessUpstream(name, app);
    } else {
      const address = await app.listen({ host: '127.0.0.1', port: 0 });
      upstreams[name] = httpUpstream({ name, address, clock });
    }
  }
  const dir = await tempDir('gateway');
  const portals = { technician: `${dir.path}/technician`, customer: `${dir.path}/customer` };
  await writePortal(portals.technician, 'technician');
  await writePortal(portals.customer, 'customer');
  const gateway = await buildGateway({
    upstreams,
    verifier: tokens.verifier,
    cache,
    clock,
    log: createLogger({ service: 'gateway', level: process.env.TEST_LOG ?? 'silent' }),
    version: '0.0.0-test',
    publicUrl: 'http://psa.test',
    portals,
    ...overrides,
  });
  const port = await gateway.listen({ host: '127.0.0.1', port: 0 });
  return {
    url: `http://127.0.0.1:${port}`,
    gateway,
    app: apps.get('tickets')!,
    cache,
    clock,
    tokens,
    seen,
    slowAsked: slowAsked.promise,
    aborted: aborted.promise,
    exchanges: () => exchanged,
    async bearer(claims = {}) {
      return { authorization: `Bearer ${await tokens.issue({ sub: randomUUID(), ...claims })}` };
    },
    async close() {
      await gateway.close();
      for (const app of apps.values()) await app.close();
      await cache.close();
      await dir.remove();
    },
  };
}

async function writePortal(folder: string, name: string): Promise<void> {
  await mkdir(`${folder}/assets`, { recursive: true });
  await writeFile(`${folder}/index.html`, `<!doctype html><title>${name}</title>`);
  await writeFile(`${folder}/assets/index-Ab3dEf9h.js`, `console.log("${name}")`);
  await writeFile(`${folder}/assets/index-Ab3dEf9h.js.br`, 'brotli bytes');
  await writeFile(`${folder}/theme.js`, 'document.title');
}
