import type { EventEnvelope } from '@psa/contracts/events/envelope';
import { systemContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
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
    const user = await userOfContact(tx, event.tenant_id, { email, customer_id });
    const ctx = systemContext(event.tenant_id, event.correlation_id);
    if (user) await tellUser(deps, tx, ctx, 'user.recognised.v1', user, event.id);
  });
}

/** The portal user that a contact of this address is, locked; null when nobody of its customer is. */
export async function userOfContact(
  tx: Tx,
  tenantId: string,
  { email, customer_id }: { readonly email: string; readonly customer_id: string | null },
): Promise<repository.UserRow | null> {
  const found = await findUserByEmail(tx, email);
  if (found?.tenant_id !== tenantId) return null;
  // Locked, and looked at again: a change of the address at the same time must be told of after this, or before.
  const user = await repository.byId(tx, tenantId, found.user_id, true);
  if (user?.audience !== 'customer' || user.customer_id !== customer_id) return null;
  return (await findUserByEmail(tx, email))?.user_id === user.id ? user : null;
}
