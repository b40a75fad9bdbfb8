import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { type EmitDeps, emit } from '@psa/service-kit/outbox';
import type { UserRow } from './repository.ts';

type UserEvent = 'user.created.v1' | 'user.updated.v1' | 'user.deleted.v1' | 'user.recognised.v1';

/** Tells what is true of users now; never of secrets. */
export async function tellUsers(
  deps: EmitDeps,
  tx: Tx,
  ctx: RequestContext,
  type: UserEvent,
  rows: readonly UserRow[],
  causationId: string | null = null,
): Promise<void> {
  await emit(
    deps,
    tx,
    ctx,
    rows.map((user) => ({
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
      causation_id: causationId,
    })),
  );
}

export const tellUser = (
  deps: EmitDeps,
  tx: Tx,
  ctx: RequestContext,
  type: UserEvent,
  row: UserRow,
  causationId: string | null = null,
) => tellUsers(deps, tx, ctx, type, [row], causationId);
