import type { Tx } from '@psa/service-kit/database';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestDesk, testDesk } from './desk.test-helper.ts';

let desk: TestDesk;
/** Text of every statement that a writing transaction of the service has sent. */
const sent: string[] = [];
beforeAll(async () => {
  desk = await testDesk({ now: '2026-03-02T09:00:00Z' });
  const { db } = desk.service.deps;
  const tx = db.tx.bind(db);
  db.tx = (scope, work, options) => tx(scope, (open) => work(watched(open)), options);
});
afterAll(() => desk.service.close());

const watched = (open: Tx): Tx =>
  Object.create(open, {
    sql: {
      value: new Proxy(open.sql, {
        apply(sql, self, args) {
          if (Array.isArray(args[0]?.raw)) sent.push(args[0].join('?'));
          return Reflect.apply(sql, self, args);
        },
      }),
    },
  });
const loads = () => sent.filter((text) => text.includes('from sla_policies p')).length;

it('requests, timers and consumers share one cache of settings', async () => {
  const policy = await desk.service.call('POST', '/api/v1/sla-policies', {
    body: {
      name: 'Immer',
      is_default: true,
      targets: Object.fromEntries(
        ['low', 'medium', 'high', 'critical'].map((name) => [
          name,
          { response_minutes: 60, resolution_minutes: 120 },
        ]),
      ),
    },
  });
  expect(policy.status, policy.text).toBe(201);
  const { id } = await desk.open();
  expect(loads()).toBe(1);
  desk.service.clock.set(new Date('2026-03-02T10:01:00Z'));
  expect(await desk.service.running.runDue()).toBeGreaterThan(0);
  expect(await desk.row(id)).toMatchObject({ sla_breached: true });
  expect(loads()).toBe(1);
});
