import { peerRefusal } from '@psa/service-kit/peers';
import type { TimerHandler } from '@psa/service-kit/timers';
import type { AuthDeps } from '../deps.ts';
import { platformToken } from '../keys/platform-token.ts';
import { endAccess } from './consumer.ts';
import * as repository from './repository.ts';

const KIND = 'customer_check';

/**
 * Asks crm about customers that no event has told of (migration 004): one that is deleted or inactive loses the access
 * of its people, as it would with its event. While crm is away it is asked again, with growing delay.
 */
export function customerCheckHandlers(deps: AuthDeps): Record<string, TimerHandler> {
  const check: TimerHandler = async (tx, { tenant_id, key: customer_id }) => {
    const answer = await deps.peers.request('crm', {
      method: 'GET',
      path: `/api/v1/customers/${customer_id}`,
      token: await platformToken(deps, tenant_id, ['customer:view']),
      requestId: deps.ids.uuid(),
    });
    if (answer.status !== 200 && answer.status !== 404) throw peerRefusal('crm', answer);
    // Of a deleted one no version is known: whatever its events say counts for more.
    const { status, version } =
      answer.status === 404
        ? { status: 'deleted', version: 0 }
        : (answer.body as { data: { status: string; version: number } }).data;
    const blocked = status === 'deleted' || status === 'inactive';
    const news = await repository.save(tx, tenant_id, { customer_id, blocked, version });
    if (news && blocked)
      await endAccess(deps, tx, tenant_id, await repository.usersOf(tx, tenant_id, customer_id));
  };
  return { [KIND]: check };
}
