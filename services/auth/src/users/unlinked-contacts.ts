import { PAGE_ROWS } from '@psa/contracts/limits';
import { systemContext } from '@psa/service-kit/context';
import { peerRefusal } from '@psa/service-kit/peers';
import { setTimer, type TimerHandler } from '@psa/service-kit/timers';
import type { AuthDeps } from '../deps.ts';
import { platformToken } from '../keys/platform-token.ts';
import { userOfContact } from './contacts.ts';
import { tellUsers } from './events.ts';

const KIND = 'recognise_contacts';
/** After a round that told of somebody, before crm is asked whether it has linked them. */
const AGAIN_MS = 60_000;

interface ContactPage {
  readonly data: readonly { email: string | null; customer_id: string; user_id: string | null }[];
  readonly meta: { readonly next_cursor?: string | null };
}

/**
 * Goes once through the contacts of a tenant (migration 006), a page at a time, and tells crm of the portal users that
 * they are, as it does when a contact is new. It ends with a round that finds none unlinked: while releases are
 * exchanged, a crm of the release before gives no heed to these events.
 */
export function unlinkedContactHandlers(deps: AuthDeps): Record<string, TimerHandler> {
  const page: TimerHandler = async (tx, timer) => {
    const { cursor, told = 0 } = timer.payload as { cursor?: string; told?: number };
    const requestId = `timer:${timer.kind}:${deps.ids.uuid()}`;
    const query = new URLSearchParams({
      limit: String(PAGE_ROWS.most),
      fields: 'email,customer_id,user_id',
      count: 'none',
      ...(cursor && { cursor }),
    });
    const answer = await deps.peers.request('crm', {
      method: 'GET',
      path: `/api/v1/contacts?${query}`,
      token: await platformToken(deps, timer.tenant_id, ['customer:view', 'contact:view']),
      requestId,
    });
    if (answer.status !== 200) throw peerRefusal('crm', answer);
    const { data, meta } = answer.body as ContactPage;
    const users = new Map<string, NonNullable<Awaited<ReturnType<typeof userOfContact>>>>();
    for (const { email, customer_id, user_id } of data) {
      const user =
        email !== null &&
        user_id === null &&
        (await userOfContact(tx, timer.tenant_id, { email, customer_id }));
      if (user) users.set(user.id, user);
    }
    const ctx = systemContext(timer.tenant_id, requestId);
    await tellUsers(deps, tx, ctx, 'user.recognised.v1', [...users.values()]);
    const sum = told + users.size;
    const now = deps.clock.now();
    if (meta.next_cursor) {
      const payload = { cursor: meta.next_cursor, told: sum };
      await setTimer(tx, { ...timer, due_at: now, payload });
    } else if (sum > 0) {
      await setTimer(tx, { ...timer, due_at: new Date(now.getTime() + AGAIN_MS), payload: {} });
    }
  };
  return { [KIND]: page };
}
