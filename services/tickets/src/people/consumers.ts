import type { EventEnvelope } from '@psa/contracts/events/envelope';
import type { Tx } from '@psa/service-kit/database';
import { once, onceEach } from '@psa/service-kit/inbox';
import type { EventData } from '@psa/service-kit/outbox';
import { consumer } from '@psa/service-kit/service';
import type { Worker } from '@psa/service-kit/worker';
import type { TicketsDeps } from '../deps.ts';
import { releaseTicketsOf } from './release.ts';
import { putCustomer, putPerson, putTechnician } from './repository.ts';

/** Keeps what the desk knows of customers, contacts and users. An older event never overwrites a newer one. */
export function peopleConsumers(deps: TicketsDeps): Worker[] {
  const { bus, db } = deps;
  const subscription = (
    name: string,
    topics: string[],
    apply: (tx: Tx, event: EventEnvelope) => Promise<void>,
  ) =>
    consumer(() =>
      bus.subscribe({
        consumer: name,
        topics,
        handle: async (event) => {
          await once(db, name, event, (tx) => apply(tx, event));
          await releaseTicketsOf(deps, event);
        },
        handleBatch: async (events) => {
          await onceEach(db, name, events, async (tx, fresh) => {
            for (const event of fresh) await apply(tx, event);
          });
          for (const event of events) await releaseTicketsOf(deps, event);
        },
      }),
    );
  return [
    subscription('tickets.customers', ['customer.*.v1'], customerChanged),
    subscription(
      'tickets.people',
      ['contact.*.v1', 'user.created.v1', 'user.updated.v1', 'user.deleted.v1'],
      personChanged,
    ),
  ];
}

async function customerChanged(tx: Tx, event: EventEnvelope): Promise<void> {
  const data = event.data as EventData<'customer.created.v1'>;
  await putCustomer(tx, event.tenant_id, data, event.type === 'customer.deleted.v1');
}

async function personChanged(tx: Tx, event: EventEnvelope): Promise<void> {
  const deleted = event.type.includes('.deleted.');
  if (event.type.startsWith('contact.')) {
    const contact = event.data as EventData<'contact.created.v1'>;
    await putPerson(tx, event.tenant_id, { ...contact, id: contact.contact_id, kind: 'contact' }, deleted);
    return;
  }
  const user = event.data as EventData<'user.created.v1'>;
  const { user_id: id, name, version } = user;
  if (user.audience === 'staff') {
    await putTechnician(tx, event.tenant_id, { id, name, version, status: user.status }, deleted);
  } else if (user.customer_id !== null) {
    const person = { id, name, version, kind: 'user' as const, customer_id: user.customer_id };
    // Who is disabled cannot be asked to watch either.
    await putPerson(tx, event.tenant_id, person, deleted || user.status === 'disabled');
  }
}
