import { randomUUID } from 'node:crypto';
import type { Tx } from '@psa/service-kit/database';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestDesk, testDesk } from '../desk.test-helper.ts';
import { drawNumbers } from './numbers.ts';

let desk: TestDesk;
beforeAll(async () => {
  desk = await testDesk();
});
afterAll(() => desk.service.close());

const draw = (tenantId: string, count: number, customerId: string | null = null) =>
  desk.service.deps.db.tx({ tenant_id: tenantId, customer_id: customerId }, (tx) => drawNumbers(tx, count));

/** As the release before drew them: from the counter, in a transaction of its own. */
const drawFromCounter = (tenantId: string, count: number) =>
  desk.service.deps.db.tx({ tenant_id: tenantId, customer_id: null }, async ({ sql }: Tx) => {
    const [row] = await sql<{ last: number }[]>`
      insert into ticket_counters as c (tenant_id, last) values (${tenantId}, ${count})
      on conflict (tenant_id) do update set last = c.last + excluded.last returning last`;
    return Array.from({ length: count }, (_, i) => row!.last - count + 1 + i);
  });

it('numbers of a new tenant begin at 1, for many that come at once, and those of another do not count', async () => {
  const [one, other] = [randomUUID(), randomUUID()];
  const drawn = await Promise.all(Array.from({ length: 30 }, (_, i) => draw(one, (i % 3) + 1)));
  expect(drawn.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
  for (const mine of drawn) expect([...mine].sort((a, b) => a - b)).toEqual(mine);
  expect(await draw(other, 2)).toEqual([1, 2]);
});

it('what was undone leaves a gap, and the first of all can be undone', async () => {
  const tenantId = randomUUID();
  const scope = { tenant_id: tenantId, customer_id: null };
  const undone = (count: number) =>
    desk.service.deps.db.tx(scope, async (tx) => {
      await drawNumbers(tx, count);
      throw new Error('undone');
    });
  await expect(undone(1)).rejects.toThrow('undone');
  expect(await draw(tenantId, 1)).toEqual([1]);
  await expect(undone(2)).rejects.toThrow('undone');
  expect(await draw(tenantId, 1)).toEqual([4]);
});

it('go on from the counter, and from the highest ticket of all customers, whoever is the first to draw', async () => {
  const { tenantId, db } = desk.service;
  await db.admin`insert into tickets.ticket_counters (tenant_id, last) values (${tenantId}, 40)`;
  await db.admin`
    insert into tickets.tickets (tenant_id, id, ticket_number, title, description, status, priority, source,
      customer_id, created_by, created_at, updated_at)
    values (${tenantId}, ${randomUUID()}, 50, 'Fremd', 'x', 'new', 'low', 'portal',
      ${desk.otherCustomer}, ${randomUUID()}, now(), now())`;
  expect(await draw(tenantId, 1, desk.customer)).toEqual([51]);
});

it('a release that still counts in the table shares them', async () => {
  const { tenantId } = desk.service;
  const drawn = await Promise.all(
    Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? draw(tenantId, 2) : drawFromCounter(tenantId, 3))),
  );
  expect(new Set(drawn.flat()).size).toBe(100);
  expect(Math.min(...drawn.flat())).toBeGreaterThan(51);
});

it('are drawn for a tenant alone', async () => {
  await expect(desk.service.deps.db.system((tx) => drawNumbers(tx, 1))).rejects.toThrow(/names none/);
});
