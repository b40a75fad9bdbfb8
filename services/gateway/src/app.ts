import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Cache } from '@psa/contracts/ports/cache';
import type { Clock } from '@psa/contracts/ports/clock';
import { SERVICE_NAMES, type ServiceName } from '@psa/contracts/services';
import { createApp, requestIdOf } from '@psa/service-kit/app';
import { AppError, toAppError } from '@psa/service-kit/errors';
import { type HealthChecks, registerHealth } from '@psa/service-kit/health';
import { lingerAfterRefusal } from '@psa/service-kit/linger';
import type { Logger } from '@psa/service-kit/log';
import { registerMetrics } from '@psa/service-kit/metrics';
import type { TokenVerifier } from '@psa/service-kit/tokens';
import { type Counter, collectDefaultMetrics, Gauge, type Histogram } from 'prom-client';
import { answerError } from './answer.ts';
import { ApiKeyExchange } from './api-keys.ts';
import { answerBrokenRequests } from './broken-requests.ts';
import { clientOf, isPrivate, networks } from './client-address.ts';
import { holdBody, isWaiting, takeBody } from './expect.ts';
import { setSecurityHeaders } from './headers.ts';
import { LiveStreams } from './live-stream.ts';
import { mergeExpositions } from './metrics.ts';
import { apiDocument } from './openapi.ts';
import { type PortalFolders, pages } from './pages.ts';
import { apiProxy } from './proxy.ts';
import { RateLimiter, type RateLimits } from './rate-limit.ts';
import type { Upstream } from './upstream.ts';

/** Everything the gateway needs of the world. */
export interface GatewayDeps {
  readonly upstreams: Readonly<Record<ServiceName, Upstream>>;
  readonly verifier: TokenVerifier;
  readonly cache: Cache;
  readonly clock: Clock;
  readonly log: Logger;
  readonly version: string;
  /** Address under which people reach the platform. */
  readonly publicUrl: string;
  readonly portals: PortalFolders;
  /** Over the limits of BDUF §4.3. */
  readonly limits?: Partial<RateLimits>;
  /** Proxies whose X-Forwarded-For is believed: addresses and networks. Default none. */
  readonly trustedProxies?: readonly string[];
  /** When set, `/metrics` wants it as a bearer token; else only loopback and private addresses may read it. */
  readonly metricsToken?: string;
  /** Milliseconds until a service must begin to answer. Default 30 s. */
  readonly timeoutMs?: number;
  /** What `/ready` asks besides the cache and the services. */
  readonly checks?: HealthChecks;
  /** Asked before each request that changes something: why that cannot be just now. */
  readonly refuseChange?: () => AppError | null;
  /** Between two signs of life on live streams. */
  readonly heartbeatMs?: number;
}

/** The platform's only public port. */
export interface Gateway {
  readonly server: Server;
  /** What `/ready` asks. */
  readonly checks: HealthChecks;
  /** Resolves with the port. @throws as `net.Server.listen`, so EADDRINUSE for a port in use */
  listen(address: { host: string; port: number }): Promise<number>;
  /** Refuses new connections, ends live streams, waits up to 3 s for answers under way. */
  close(): Promise<void>;
}

const CLOSE_PATIENCE_MS = 3_000;
const OWN_ROUTES = new Set(['/health', '/ready', '/api/v1/openapi.json']);

/** Builds the gateway; nothing listens yet. API requests pass below its own Fastify app, straight to the services. */
export async function buildGateway(deps: GatewayDeps): Promise<Gateway> {
  const { upstreams, verifier, cache, clock, log, publicUrl } = deps;
  const trusted = networks(deps.trustedProxies ?? []);
  const apiKeys = new ApiKeyExchange(upstreams.auth, clock);
  const limiter = new RateLimiter({ cache, clock, log, limits: deps.limits });
  const checks: HealthChecks = {
    ...deps.checks,
    cache: () => cache.ping(),
    ...Object.fromEntries(SERVICE_NAMES.map((name) => [name, () => askReady(upstreams[name])])),
  };
  const { app, registry, observe } = await ownApp(deps, checks);
  const streams = new LiveStreams({
    cache,
    verifier,
    apiKeys,
    tickets: upstreams.tickets,
    trusted,
    clock,
    log,
    publicUrl,
    heartbeatMs: deps.heartbeatMs,
  });
  new Gauge({
    name: 'live_streams_open',
    help: 'Open live streams',
    registers: [registry],
    collect() {
      this.set(streams.open);
    },
  });
  const page = pages(deps.portals, log);
  const proxy = apiProxy({
    upstreams,
    verifier,
    apiKeys,
    limiter,
    clock,
    log,
    trusted,
    publicUrl,
    refuseChange: deps.refuseChange ?? (() => null),
    timeoutMs: deps.timeoutMs ?? 30_000,
    observe,
  });

  async function metrics(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.method !== 'GET' && req.method !== 'HEAD')
      throw new AppError(405, 'METHOD_NOT_ALLOWED', `There is no ${req.method} /metrics.`, {
        allowed: ['GET', 'HEAD'],
      });
    if (deps.metricsToken) {
      if (req.headers.authorization !== `Bearer ${deps.metricsToken}`)
        throw new AppError(401, 'AUTHENTICATION_REQUIRED', 'The metrics need their token.');
    } else if (!isPrivate(clientOf(req, trusted).address)) {
      throw new AppError(403, 'PERMISSION_DENIED', 'The metrics are for the private network.');
    }
    const texts = await Promise.all([
      registry.metrics(),
      ...SERVICE_NAMES.map((name) => upstreams[name].metrics()),
    ]);
    res.setHeader('content-type', registry.contentType);
    res.end(mergeExpositions(texts.filter((text) => text !== null)));
  }

  function answer(req: IncomingMessage, res: ServerResponse): void | Promise<void> {
    // RFC 9112 §3.2.2: the request line may have the whole address. Its path is what counts here.
    req.url = req.url!.replace(/^https?:\/\/[^/?]*\/?/i, '/');
    const path = req.url!.split('?')[0]!;
    const isApi =
      path.startsWith('/api/') && !path.startsWith('/api/docs') && path !== '/api/v1/openapi.json';
    if (isApi || path.startsWith('/internal')) return proxy(req, res);
    takeBody(req, res);
    const https = publicUrl.startsWith('https:') || clientOf(req, trusted).https;
    const own = OWN_ROUTES.has(path) || path === '/metrics';
    setSecurityHeaders(res, own ? 'api' : 'page', https);
    if (path === '/metrics') return metrics(req, res);
    if (own) return app.routing(req, res);
    return page(req, res);
  }

  // Offers of other protocols (Java asks for h2c) are declined by answering the request itself.
  const shouldUpgradeCallback = (req: IncomingMessage) => /websocket/i.test(req.headers.upgrade ?? '');
  const serve = (req: IncomingMessage, res: ServerResponse) => {
    res.on('error', () => res.destroy());
    if (!isWaiting(req)) lingerAfterRefusal(req, res);
    Promise.try(answer, req, res).catch((thrown: unknown) => {
      const error = toAppError(thrown);
      if (error.status >= 500) log.error({ err: error.cause ?? error, path: req.url }, error.message);
      answerError(req, res, error, requestIdOf(req.headers), clock);
    });
  };
  const server = createServer({ shouldUpgradeCallback }, serve);
  server.on('checkContinue', (req, res) => {
    holdBody(req);
    serve(req, res);
  });
  answerBrokenRequests(server, () => clock.now());
  server.headersTimeout = 20_000;
  server.requestTimeout = 300_000;
  server.keepAliveTimeout = 75_000;
  server.on('upgrade', (req, socket, head) => void streams.upgrade(req, socket, head));

  return {
    server,
    checks,
    listen: ({ host, port }) =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () => {
          server.off('error', reject);
          resolve((server.address() as AddressInfo).port);
        });
      }),
    async close() {
      const closed = new Promise<void>((resolve) => {
        if (server.listening) server.close(() => resolve());
        else resolve();
      });
      await streams.close();
      server.closeIdleConnections();
      const patience = setTimeout(() => server.closeAllConnections(), CLOSE_PATIENCE_MS);
      await closed;
      clearTimeout(patience);
      await app.close();
      await Promise.all(SERVICE_NAMES.map((name) => upstreams[name].close()));
    },
  };
}

/** @throws when the service cannot be reached, or says that it is not ready */
export async function askReady(upstream: Upstream): Promise<void> {
  const { status } = await upstream.request({ method: 'GET', path: '/ready' });
  if (status !== 200) throw new Error(`not ready (${status})`);
}

/** The routes that the gateway answers itself, with the kit's health, readiness and metrics. */
async function ownApp(deps: GatewayDeps, checks: HealthChecks) {
  const { upstreams, verifier, clock, log, version } = deps;
  const app = createApp({ name: 'gateway', log, clock, verifier });
  const { registry } = registerMetrics(app, 'gateway');
  collectDefaultMetrics({ register: registry });
  registerHealth(app, 'gateway', version, checks);
  const document = apiDocument(upstreams, version);
  app.get('/api/v1/openapi.json', { schema: { hide: true } }, async (request, reply) => {
    const { text, etag } = await document();
    reply.header('etag', etag).header('cache-control', 'no-cache');
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
    return reply.type('application/json; charset=utf-8').send(text);
  });
  await app.ready();

  const requests = registry.getSingleMetric('http_requests_total') as Counter;
  const duration = registry.getSingleMetric('http_request_duration_seconds') as Histogram;
  const observe = (method: string, route: string, status: number, seconds: number) => {
    const labels = { method, route, status_code: String(status) };
    requests.inc(labels);
    duration.observe(labels, seconds);
  };
  return { app, registry, observe };
}
