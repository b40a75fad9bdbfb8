import type { EventEnvelope } from '@psa/contracts/events/envelope';
import { normaliseEmail } from '@psa/service-kit/contact-forms';
import { systemContext } from '@psa/service-kit/context';
import { once } from '@psa/service-kit/inbox';
import { type EventData, emit } from '@psa/service-kit/outbox';
import { consumer } from '@psa/service-kit/service';
import type { Worker } from '@psa/service-kit/worker';
import type { CrmDeps } from '../deps.ts';
import { contactEvent } from './domain.ts';
import { contactsOfUser, updateContact } from './repository.ts';

const NAME = 'crm.portal-users';

/**
 * Links contacts with the portal users that they are: same customer, same e-mail address. A user that is
 * deleted, moves to another customer or changes its address is unlinked. Of a user that was there before the contact
 * auth tells once the contact is stored (`user.recognised.v1`).
 */
export function portalUserConsumer(deps: CrmDeps): Worker {
  return consumer(() =>
    deps.bus.subscribe({
      consumer: NAME,
      topics: ['user.created.v1', 'user.updated.v1', 'user.deleted.v1', 'user.recognised.v1'],
      handle: (event) => linkPortalUser(deps, event),
    }),
  );
}

export async function linkPortalUser(deps: CrmDeps, event: EventEnvelope): Promise<void> {
  const user = event.data as EventData<'user.created.v1'>;
  const gone = event.type === 'user.deleted.v1' || user.audience !== 'customer';
  await once(deps.db, NAME, event, async (tx) => {
    const ctx = systemContext(event.tenant_id, event.correlation_id);
    const now = deps.clock.now();
    for (const contact of await contactsOfUser(tx, event.tenant_id, user)) {
      const isUser =
        !gone &&
        contact.customer_id === user.customer_id &&
        contact.email !== null &&
        normaliseEmail(contact.email) === normaliseEmail(user.email);
      const linked = isUser ? user.user_id : null;
      // Somebody else's link is not this event's to take.
      if (contact.user_id === linked || (contact.user_id !== null && contact.user_id !== user.user_id))
        continue;
      const updated = await updateContact(tx, contact, { user_id: linked }, now);
      await emit(deps, tx, ctx, [{ ...contactEvent('contact.updated.v1', updated), causation_id: event.id }]);
    }
  });
}
