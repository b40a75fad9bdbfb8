import { afterPatience } from '@psa/infra/patience';
import Type from 'typebox';
import type { App } from './app.ts';

/** A dependency and how to ask whether it is there. */
export type HealthChecks = Readonly<Record<string, () => Promise<void>>>;

const CHECK_TIMEOUT_MS = 2_000;
const Health = Type.Object({
  status: Type.String(),
  service: Type.String(),
  version: Type.String(),
  uptime_seconds: Type.Integer(),
});
const Readiness = Type.Object({
  status: Type.String(),
  service: Type.String(),
  checks: Type.Record(
    Type.String(),
    Type.Object({ status: Type.String(), ms: Type.Number(), error: Type.Optional(Type.String()) }),
  ),
});

/**
 * `GET /health`: the process lives (a restart helps when not). `GET /ready`: every dependency answers within
 * two seconds, else 503, so that a load balancer sends requests elsewhere.
 */
export function registerHealth(app: App, service: string, version: string, checks: HealthChecks): void {
  const started = Date.now();
  app.get('/health', { schema: { hide: true, response: { 200: Health } } }, async () => ({
    status: 'ok',
    service,
    version,
    uptime_seconds: Math.floor((Date.now() - started) / 1000),
  }));
  app.get(
    '/ready',
    { schema: { hide: true, response: { 200: Readiness, 503: Readiness } } },
    async (_request, reply) => {
      const results = await runChecks(checks);
      const ready = Object.values(results).every((result) => result.status === 'ok');
      return reply
        .code(ready ? 200 : 503)
        .send({ status: ready ? 'ready' : 'not_ready', service, checks: results });
    },
  );
}

/** Runs all checks side by side, each for two seconds at most, or `limitMs`. */
export async function runChecks(
  checks: HealthChecks,
  limitMs = CHECK_TIMEOUT_MS,
): Promise<Record<string, { status: string; ms: number; error?: string }>> {
  const entries = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      const began = performance.now();
      const ms = () => Math.round(performance.now() - began);
      const limit = Promise.withResolvers<never>();
      const stopWaiting = afterPatience(limitMs, () =>
        limit.reject(new Error(`no answer within ${limitMs} ms`)),
      );
      try {
        await Promise.race([check(), limit.promise]);
        return [name, { status: 'ok', ms: ms() }] as const;
      } catch (error) {
        return [name, { status: 'failed', ms: ms(), error: (error as Error).message }] as const;
      } finally {
        stopWaiting();
      }
    }),
  );
  return Object.fromEntries(entries);
}
