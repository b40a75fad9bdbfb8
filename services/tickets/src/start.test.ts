import { fileURLToPath } from 'node:url';
import { type TestDatabase, testDatabase } from '@psa/test-kit/database';
import { freePort } from '@psa/test-kit/free-port';
import { ServerProcess } from '@psa/test-kit/server-process';
import { until } from '@psa/test-kit/until';
import { afterAll, beforeAll, expect, it } from 'vitest';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database?.drop());

it('listens while RabbitMQ and Redis are away, says at /ready what is missing, and stops in order', {
  timeout: 120_000,
}, async () => {
  const [port, nobody] = await Promise.all([freePort(), freePort()]);
  const env = {
    PATH: process.env.PATH,
    PORT: String(port),
    DATABASE_URL: database.urlFor('tickets'),
    RABBITMQ_URL: `amqp://guest:guest@127.0.0.1:${nobody}`,
    REDIS_URL: `redis://127.0.0.1:${nobody}`,
    FIELD_KEYS: `k1:${'0'.repeat(64)}`,
    LOG_LEVEL: 'error',
  };
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const service = new ServerProcess(process.execPath, [main], env, port);
  // Resolves when the port takes connections.
  await service.start(100_000);
  try {
    const url = `http://127.0.0.1:${port}`;
    expect((await fetch(`${url}/health`)).status).toBe(200);
    await until(async () => (await fetch(`${url}/ready`)).status === 503);
    const { checks } = (await (await fetch(`${url}/ready`)).json()) as { checks: Record<string, unknown> };
    expect(checks).toMatchObject({ database: { status: 'ok' }, bus: { status: 'failed' } });
    // Its consumers, of which there are several, still wait for the broker.
    await service.end('SIGTERM');
    expect(service.exitCode).toBe(0);
  } finally {
    await service.end('SIGKILL');
  }
});
