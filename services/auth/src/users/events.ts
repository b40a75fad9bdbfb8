import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { enqueue, envelope } from '@psa/service-kit/outbox';
import type { ServiceDeps } from '@psa/service-kit/service';
import type { UserRow } from './repository.ts';

type EventDeps = Pick<ServiceDeps, 'relay' | 'ids' | 'clock'>;
type UserEvent = 'user.created.v1' | 'user.updated.v1' | 'user.deleted.v1';

/** Tells what is true of users now; never of secrets. */
export async function tellUsers(
  deps: EventDeps,
  tx: Tx,
  ctx: RequestContext,
  type: UserEvent,
  rows: readonly UserRow[],
): Promise<void> {
  const now = deps.clock.now();
  await enqueue(
    tx,
    deps.relay,
    rows.map((user) =>
      envelope(
        ctx,
        {
          type,
          aggregate: { type: 'user', id: user.id },
          data: {
            user_id: user.id,
            email: user.email,
            name: user.name,
            role: user.role,
            audience: user.audience,
            customer_id: user.customer_id,
            status: user.status,
            version: user.version,
          },
          public: false,
        },
        deps.ids,
        now,
      ),
    ),
  );
}

export const tellUser = (deps: EventDeps, tx: Tx, ctx: RequestContext, type: UserEvent, row: UserRow) =>
  tellUsers(deps, tx, ctx, type, [row]);
