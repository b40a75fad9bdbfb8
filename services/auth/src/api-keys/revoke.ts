import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { emit } from '@psa/service-kit/outbox';
import type { ServiceDeps } from '@psa/service-kit/service';
import { revokeSessions } from '../sessions/principal.ts';
import * as repository from './repository.ts';

/** Why a key ended. */
export type Because = 'owner' | 'administrator' | 'password_changed' | 'password_reset';

/** Ends keys with the tokens that they were exchanged for, and says so. */
export async function revokeKeys(
  deps: ServiceDeps,
  tx: Tx,
  ctx: RequestContext,
  keys: readonly repository.RemovedKey[],
  because: Because,
): Promise<void> {
  revokeSessions(
    deps,
    tx,
    keys.map((key) => key.id),
  );
  await emit(
    deps,
    tx,
    ctx,
    keys.map(({ id, name, user_id }) => ({
      type: 'api_key.revoked.v1' as const,
      aggregate: { type: 'api_key', id },
      data: { api_key_id: id, name, user_id, because },
      public: false,
    })),
  );
}

/** Ends every key of a user: whoever had the old password may have made them. */
export async function revokeKeysOf(
  deps: ServiceDeps,
  tx: Tx,
  ctx: RequestContext,
  userId: string,
  because: Because,
): Promise<void> {
  const keys = await repository.removeAllOf(tx, ctx.scope.tenant_id, userId, deps.clock.now());
  await revokeKeys(deps, tx, ctx, keys, because);
}
