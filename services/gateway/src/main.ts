import { systemClock } from '@psa/contracts/ports/clock';
import { SERVICE_NAMES, type ServiceName } from '@psa/contracts/services';
import { RedisCache, redisSource } from '@psa/infra/cache/redis-cache';
import { addressBook } from '@psa/service-kit/addresses';
import { loadConfig } from '@psa/service-kit/config';
import { createLogger } from '@psa/service-kit/log';
import { EXIT_UNREADY, freshCheck, SelfWatch } from '@psa/service-kit/self-watch';
import { tokenVerifier } from '@psa/service-kit/tokens';
import { createRemoteJWKSet } from 'jose';
import { askReady, buildGateway } from './app.ts';
import { GatewayEnv, parseList } from './config.ts';
import { httpUpstream } from './http-upstream.ts';
import type { Upstream } from './upstream.ts';

const env = loadConfig(GatewayEnv, process.env);
const log = createLogger({ service: 'gateway', level: env.LOG_LEVEL });
const clock = systemClock;
const cache = new RedisCache({
  ...redisSource(env),
  log: { info: (line) => log.info(line), warn: (line) => log.warn(line) },
});
const addressOf = addressBook('UPSTREAMS', env.UPSTREAMS, env.UPSTREAM_URL);
const upstreamTo = (name: ServiceName) => httpUpstream({ name, address: addressOf(name), clock });
const upstreams = Object.fromEntries(SERVICE_NAMES.map((name) => [name, upstreamTo(name)])) as Record<
  ServiceName,
  Upstream
>;
const keys = createRemoteJWKSet(new URL('/api/v1/auth/jwks', addressOf('auth')), {
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
    readingPerHour: env.RATE_READING_PER_HOUR,
  },
  trustedProxies: parseList(env.TRUSTED_PROXIES),
  metricsToken: env.PSA_METRICS_TOKEN,
  timeoutMs: env.UPSTREAM_TIMEOUT_MS,
});
const port = await gateway.listen({ host: env.HOST, port: env.PORT });
log.info({ port }, 'ready');

let stopping = false;
const stop = async (why: string, code = 0) => {
  if (stopping) return;
  stopping = true;
  log.info({ why }, 'stopping');
  watch.stop();
  await gateway.close();
  await cache.close();
  process.exit(code);
};
// A service that is not ready itself says so over a fresh connection, too: that never ends the gateway.
const watch = new SelfWatch({
  checks: gateway.checks,
  log,
  fresh: {
    cache: freshCheck(() => new RedisCache(redisSource(env))),
    ...Object.fromEntries(
      SERVICE_NAMES.map((name) => [
        name,
        freshCheck(() => {
          const upstream = upstreamTo(name);
          return { ping: () => askReady(upstream), close: () => upstream.close() };
        }),
      ]),
    ),
  },
  restart: (why) => void stop(why, EXIT_UNREADY),
});
watch.start();
process.on('SIGTERM', () => void stop('SIGTERM'));
process.on('SIGINT', () => void stop('SIGINT'));
