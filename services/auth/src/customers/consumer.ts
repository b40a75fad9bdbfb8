import type { EventEnvelope } from '@psa/contracts/events/envelope';
import { systemContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { once } from '@psa/service-kit/inbox';
import type { EventData } from '@psa/service-kit/outbox';
import { consumer, type ServiceDeps } from '@psa/service-kit/service';
import type { Worker } from '@psa/service-kit/worker';
import { revokeSessions, revokeUsers } from '../sessions/principal.ts';
import { endSessionsOf } from '../sessions/repository.ts';
import { tellUser } from '../users/events.ts';
import * as users from '../users/repository.ts';
import * as repository from './repository.ts';

const NAME = 'auth.customers';

/**
 * Ends the access of people whose relation has ended: their customer is deleted or inactive, or the contact that
 * they are is deleted. Tokens, sessions and open streams end; sign-in, reset links, invitations and API keys are
 * refused for as long. A customer that is active again lets its people in again; somebody whose contact was deleted
 * is disabled, which an administrator undoes.
 */
export function customerConsumer(deps: ServiceDeps): Worker {
  return consumer(() =>
    deps.bus.subscribe({
      consumer: NAME,
      topics: ['customer.created.v1', 'customer.updated.v1', 'customer.deleted.v1', 'contact.deleted.v1'],
      handle: (event) => followCustomer(deps, event),
    }),
  );
}

/** Applies one event of crm. */
export async function followCustomer(deps: ServiceDeps, event: EventEnvelope): Promise<void> {
  await once(deps.db, NAME, event, async (tx) => {
    const tenantId = event.tenant_id;
    const now = deps.clock.now();
    if (event.type === 'contact.deleted.v1') {
      const contact = event.data as EventData<'contact.deleted.v1'>;
      const user = contact.user_id === null ? null : await users.byId(tx, tenantId, contact.user_id, true);
      if (user?.audience !== 'customer' || user.status === 'disabled') return;
      const disabled = await users.update(tx, tenantId, user.id, { status: 'disabled' }, now);
      await endAccess(deps, tx, tenantId, [user.id]);
      if (disabled) {
        const ctx = systemContext(tenantId, event.correlation_id);
        await tellUser(deps, tx, ctx, 'user.updated.v1', disabled);
      }
      return;
    }
    const customer = event.data as EventData<'customer.updated.v1'>;
    const blocked = event.type === 'customer.deleted.v1' || customer.status === 'inactive';
    const { customer_id, version } = customer;
    const news = await repository.save(tx, tenantId, { customer_id, blocked, version });
    if (news && blocked)
      await endAccess(deps, tx, tenantId, await repository.usersOf(tx, tenantId, customer_id));
  });
}

/** Ends the tokens, sessions and streams of people whose customer or contact is gone. */
export async function endAccess(
  deps: Pick<ServiceDeps, 'cache' | 'clock' | 'log'>,
  tx: Tx,
  tenantId: string,
  userIds: readonly string[],
): Promise<void> {
  revokeUsers(deps, tx, userIds);
  for (const id of userIds) {
    const ended = await endSessionsOf(tx, tenantId, id, 'customer', deps.clock.now());
    revokeSessions(deps, tx, ended);
  }
}
