import { type TestService, testService } from '@psa/test-kit/service';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ServiceDefinition } from './service.ts';

/** A service with one part of its own, which its route and its worker share. */
const made: { counter: number }[] = [];
const counting: ServiceDefinition = {
  name: 'crm',
  title: 'Counting',
  migrations: new URL('../../../services/crm/src/db/migrations/', import.meta.url),
  uses: [],
  build(deps) {
    const part = { counter: 0 };
    made.push(part);
    return {
      routes(app) {
        app.get('/api/v1/count', { config: { permission: 'customer:view' } }, async () => ({
          data: { counter: part.counter, tenant: deps.publicUrl },
        }));
      },
      workers: [
        { start: async () => void part.counter++, stop: async () => {}, runDue: async () => ++part.counter },
        { start: async () => {}, stop: async () => {}, idle: async () => void (part.counter += 10) },
      ],
    };
  },
};

let service: TestService;
beforeAll(async () => {
  service = await testService(counting);
});
afterAll(() => service.close());

it('makes its parts once, for its routes and its workers alike', async () => {
  await service.running.start();
  expect(await service.running.runDue()).toBe(2);
  await service.running.idle();
  expect((await service.call('GET', '/api/v1/count')).body).toEqual({
    data: { counter: 12, tenant: 'http://psa.test' },
  });
  expect(made).toHaveLength(1);
});
