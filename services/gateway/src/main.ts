import { systemClock } from '@psa/contracts/ports/clock';
import { SERVICE_NAMES, type ServiceName } from '@psa/contracts/routing';
import { RedisCache, redisSource } from '@psa/infra/cache/redis-cache';
import { loadConfig } from '@psa/service-kit/config';
import { createLogger } from '@psa/service-kit/log';
import { tokenVerifier } from '@psa/service-kit/tokens';
import { createRemoteJWKSet } from 'jose';
import { buildGateway } from './app.ts';
import { GatewayEnv, parseList, parseUpstreams } from './config.ts';
import { httpUpstream } from './http-upstream.ts';
import type { Upstream } from './upstream.ts';

const env = loadConfig(GatewayEnv, process.env);
const log = createLogger({ service: 'gateway', level: env.LOG_LEVEL });
const clock = systemClock;
const cache = new RedisCache({
  ...redisSource(env),
  log: { info: (line) => log.info(line), warn: (line) => log.warn(line) },
});
const replicas = parseUpstreams(env.UPSTREAMS);
const addressesOf = (name: ServiceName) =>
  replicas.get(name) ?? [env.UPSTREAM_URL.replace('{service}', name)];
const upstreams = Object.fromEntries(
  SERVICE_NAMES.map((name) => [
    name,
    httpUpstream({ name, addresses: addressesOf(name), clock, breaker: { openMs: 1_000 } }),
  ]),
) as Record<ServiceName, Upstream>;
const keys = createRemoteJWKSet(new URL('/api/v1/auth/jwks', addressesOf('auth')[0]), {
  cooldownDuration: 5_000,
});
const gateway = await buildGateway({
  upstreams,
  verifier: tokenVerifier({ keys, cache, clock }),
  cache,
  clock,
  log,
  version: env.VERSION,
  publicUrl: env.PUBLIC_URL,
  portals: { technician: env.PORTAL_TECHNICIAN, customer: env.PORTAL_CUSTOMER },
  limits: {
    anonymousPerMinute: env.RATE_ANONYMOUS_PER_MINUTE,
    standardPerHour: env.RATE_STANDARD_PER_HOUR,
    professionalPerHour: env.RATE_PROFESSIONAL_PER_HOUR,
    enterprisePerHour: env.RATE_ENTERPRISE_PER_HOUR,
  },
  trustedProxies: parseList(env.TRUSTED_PROXIES),
  metricsToken: env.PSA_METRICS_TOKEN,
  timeoutMs: env.UPSTREAM_TIMEOUT_MS,
});
const port = await gateway.listen({ host: env.HOST, port: env.PORT });
log.info({ port }, 'ready');

let stopping = false;
const stop = async (signal: string) => {
  if (stopping) return;
  stopping = true;
  log.info({ signal }, 'stopping');
  await gateway.close();
  await cache.close();
  process.exit(0);
};
process.on('SIGTERM', () => void stop('SIGTERM'));
process.on('SIGINT', () => void stop('SIGINT'));
