import type { EventEnvelope } from '@psa/contracts/events/envelope';
import { systemContext } from '@psa/service-kit/context';
import { once } from '@psa/service-kit/inbox';
import type { EventData } from '@psa/service-kit/outbox';
import { consumer, type ServiceDeps } from '@psa/service-kit/service';
import type { Worker } from '@psa/service-kit/worker';
import { findUserByEmail } from '../sessions/repository.ts';
import { tellUser } from './events.ts';
import * as repository from './repository.ts';

const NAME = 'auth.contacts';

/**
 * Tells crm which portal user a contact is that was made, or given its address, when the user was there already.
 * Whichever of the two comes second finds the first: a user's events reach crm when the contact is stored, and a
 * contact's reach here when the user is.
 */
export function contactConsumer(deps: ServiceDeps): Worker {
  return consumer(() =>
    deps.bus.subscribe({
      consumer: NAME,
      topics: ['contact.created.v1', 'contact.updated.v1'],
      handle: (event) => recogniseContact(deps, event),
    }),
  );
}

/** Applies one event of a contact. */
export async function recogniseContact(deps: ServiceDeps, event: EventEnvelope): Promise<void> {
  const { email, customer_id, user_id } = event.data as EventData<'contact.created.v1'>;
  if (email === null || user_id !== null) return;
  await once(deps.db, NAME, event, async (tx) => {
    const tenantId = event.tenant_id;
    const found = await findUserByEmail(tx, email);
    if (found?.tenant_id !== tenantId) return;
    // Locked, and looked at again: a change of the address at the same time must be told of after this, or before.
    const user = await repository.byId(tx, tenantId, found.user_id, true);
    if (user?.audience !== 'customer' || user.customer_id !== customer_id) return;
    if ((await findUserByEmail(tx, email))?.user_id !== user.id) return;
    const ctx = systemContext(tenantId, event.correlation_id);
    await tellUser(deps, tx, ctx, 'user.recognised.v1', user, event.id);
  });
}
