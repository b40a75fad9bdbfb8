import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { App } from './app.ts';
import type { Database } from './database.ts';

/** A service's metrics with the names of BDUF §9.1; one registry per service, so that several fit in a process. */
export interface Metrics {
  readonly registry: Registry;
}

export function registerMetrics(app: App, service: string, db?: Database): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  const labelNames = ['method', 'route', 'status_code'] as const;
  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Total HTTP requests',
    labelNames,
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'HTTP request duration in seconds',
    labelNames,
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 2, 5],
    registers: [registry],
  });
  if (db) {
    new Gauge({
      name: 'database_connections_active',
      help: 'Number of active database connections',
      registers: [registry],
      collect() {
        this.set(db.active);
      },
    });
  }
  app.addHook('onResponse', async (request, reply) => {
    // The route's pattern, never the path: ids in labels would make a series per object.
    const labels = {
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      status_code: String(reply.statusCode),
    };
    requests.inc(labels);
    duration.observe(labels, reply.elapsedTime / 1000);
  });
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
  return { registry };
}
