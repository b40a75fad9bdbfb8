import { randomUUID } from 'node:crypto';
import type { AccessClaims } from '@psa/contracts/tokens';
import type { Peers } from '@psa/service-kit/peers';
import { type TestService, testService } from '@psa/test-kit/service';
import { ticketsService } from './app.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests read rows and bodies of many shapes.
type Loose = Record<string, any>;

/** A desk with two customers, two technicians and a portal user of each customer. */
export interface TestDesk {
  readonly service: TestService;
  readonly customer: string;
  readonly otherCustomer: string;
  readonly anna: Partial<AccessClaims> & { sub: string };
  readonly ben: Partial<AccessClaims> & { sub: string };
  /** Customer administrator of `customer`. */
  readonly boss: Partial<AccessClaims>;
  /** Plain portal user of `customer`. */
  readonly user: Partial<AccessClaims>;
  /** Customer administrator of `otherCustomer`. */
  readonly stranger: Partial<AccessClaims>;
  /** Opens a ticket and returns its body; fails the test on any other answer. */
  open(body?: Record<string, unknown>, as?: Partial<AccessClaims>): Promise<{ id: string } & Loose>;
  /** The ticket's row, read past row-level security. */
  row(id: string): Promise<Loose>;
  history(id: string): Promise<Loose[]>;
  /** Types of the events in the outbox of one ticket. */
  events(id: string): Promise<string[]>;
}

export async function testDesk(options: { now?: string; peers?: Peers } = {}): Promise<TestDesk> {
  const service = await testService(ticketsService, options);
  const { tenantId, db } = service;
  const [customer, otherCustomer] = [randomUUID(), randomUUID()];
  const anna = { sub: randomUUID(), role: 'technician_l2', name: 'Anna Berg' };
  const ben = { sub: randomUUID(), role: 'technician_l1', name: 'Ben Carl' };
  const portal = (role: string, name: string, customer_id: string) => ({
    sub: randomUUID(),
    role,
    name,
    customer_id,
  });
  await db.admin`insert into tickets.customers (tenant_id, customer_id, name, version) values
    (${tenantId}, ${customer}, 'Bäckerei Korn', 1), (${tenantId}, ${otherCustomer}, 'Kanzlei Recht', 1)`;
  await db.admin`insert into tickets.technicians (tenant_id, id, name) values
    (${tenantId}, ${anna.sub}, ${anna.name}), (${tenantId}, ${ben.sub}, ${ben.name})`;
  return {
    service,
    customer,
    otherCustomer,
    anna,
    ben,
    boss: portal('customer_admin', 'Carla Korn', customer),
    user: portal('customer_user', 'Udo Korn', customer),
    stranger: portal('customer_admin', 'Rita Recht', otherCustomer),
    async open(body = {}, as) {
      const portalUser = as?.customer_id !== undefined;
      const answer = await service.call('POST', '/api/v1/tickets', {
        ...(as ? { as } : {}),
        body: {
          title: 'Drucker druckt nicht',
          description: 'Papierstau in Fach 2',
          ...(portalUser ? {} : { customer_id: customer }),
          ...body,
        },
      });
      if (answer.status !== 201) throw new Error(`open: ${answer.status} ${answer.text}`);
      return answer.body.data;
    },
    async row(id) {
      const [row] = await db.admin`select * from tickets.tickets where id = ${id}`;
      return row!;
    },
    history: (id) =>
      db.admin`select * from tickets.history where ticket_id = ${id} order by occurred_at, seq` as unknown as Promise<
        Loose[]
      >,
    async events(id) {
      return (await service.outbox()).filter((event) => event.aggregate.id === id).map((event) => event.type);
    },
  };
}
