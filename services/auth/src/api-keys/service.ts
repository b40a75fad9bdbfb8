import { randomInt } from 'node:crypto';
import type { CreateApiKeyRequest, CreatedApiKey, ExchangeApiKeyResponse } from '@psa/contracts/auth';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { AppError, invalid, notFound } from '@psa/service-kit/errors';
import { enqueue, envelope } from '@psa/service-kit/outbox';
import type { ServiceDeps } from '@psa/service-kit/service';
import type { Static } from 'typebox';
import type { AuthDeps } from '../deps.ts';
import { intersect } from '../roles/domain.ts';
import * as roles from '../roles/repository.ts';
import { mustHold } from '../roles/service.ts';
import { ACCESS_TTL_SECONDS, plusSeconds } from '../sessions/lifetimes.ts';
import { claimsOf, issuedAt, loadPrincipal, revokeSessions } from '../sessions/principal.ts';
import { hashOf, newSecret } from '../sessions/secrets.ts';
import * as repository from './repository.ts';

const PREFIX_LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789';
const FORM = /^psa_[a-z0-9]{8}_[A-Za-z0-9_-]{43}$/;

/** `psa_<prefix>_<secret>`: the prefix tells keys apart in a list and in leak scanners, the secret has 256 bits. */
function newKey(): { key: string; prefix: string } {
  const prefix = Array.from({ length: 8 }, () => PREFIX_LETTERS[randomInt(PREFIX_LETTERS.length)]).join('');
  return { key: `psa_${prefix}_${newSecret()}`, prefix };
}

/**
 * Issues a key of the actor. It never allows more than whoever makes it holds at this moment, so that a key made
 * with a narrow key is no wider.
 */
export async function createApiKey(
  deps: ServiceDeps,
  tx: Tx,
  ctx: RequestContext,
  input: Static<typeof CreateApiKeyRequest>,
): Promise<Static<typeof CreatedApiKey>> {
  const tenantId = ctx.scope.tenant_id;
  const userId = ctx.actor.id!;
  const principal = await loadPrincipal(tx, tenantId, userId);
  if (!principal) throw notFound('user');
  const role = input.role === undefined ? null : await roles.byName(tx, tenantId, input.role);
  if (input.role !== undefined && (!role || role.audience !== principal.audience)) {
    throw invalid({ field: 'role', message: `"${input.role}" is not a role that you could have` });
  }
  mustHold(ctx, role?.permissions ?? principal.permissions);
  const now = deps.clock.now();
  const { key, prefix } = newKey();
  const id = deps.ids.uuid();
  const expiresAt = input.expires_in_days
    ? plusSeconds(now, input.expires_in_days * 86_400).toISOString()
    : null;
  await repository.insert(tx, {
    tenant_id: tenantId,
    id,
    user_id: userId,
    role_id: role?.id ?? null,
    name: input.name,
    prefix,
    hash: hashOf(key),
    created_at: now.toISOString(),
    expires_at: expiresAt,
  });
  await tell(deps, tx, ctx, 'api_key.created.v1', id, input.name);
  const row = await repository.own(tx, tenantId, userId, id);
  return { ...row!, key };
}

/** Revokes a key; tokens that it was exchanged for end too. */
export async function deleteApiKey(
  deps: ServiceDeps,
  tx: Tx,
  ctx: RequestContext,
  id: string,
): Promise<void> {
  const removed = await repository.remove(tx, ctx.scope.tenant_id, ctx.actor.id!, id, deps.clock.now());
  if (!removed) throw notFound('API key');
  revokeSessions(tx, deps, [id]);
  await tell(deps, tx, ctx, 'api_key.revoked.v1', id, removed.name);
}

/** Uses are noted once a minute at most: a busy key must not make a busy row. */
const TOUCH_SECONDS = 60;

/**
 * An access token for a key: the owner's present rights, narrowed to the key's role. Its session id is the key's
 * id, so revoking the key ends its tokens.
 * @throws AppError 401 TOKEN_INVALID for whatever reason the key is not good
 */
export async function exchangeApiKey(
  deps: AuthDeps,
  key: string,
): Promise<Static<typeof ExchangeApiKeyResponse>> {
  const refused = () => new AppError(401, 'TOKEN_INVALID', 'The API key is not valid.');
  if (!FORM.test(key)) throw refused();
  const found = await deps.db.system((tx) => repository.find(tx, hashOf(key)));
  if (!found) throw refused();
  const { tenant_id, api_key_id } = found;
  const now = deps.clock.now();
  const claims = await deps.db.tx({ tenant_id, customer_id: null }, async (tx) => {
    const row = await repository.inUse(tx, tenant_id, api_key_id);
    if (!row || (row.expires_at && new Date(row.expires_at) <= now)) return null;
    const issue = await issuedAt(deps.cache, row.user_id, now);
    const owner = await loadPrincipal(tx, tenant_id, row.user_id);
    if (owner?.status !== 'active') return null;
    if (!row.last_used_at || plusSeconds(new Date(row.last_used_at), TOUCH_SECONDS) <= now) {
      await repository.touch(tx, tenant_id, api_key_id, now);
    }
    return claimsOf(owner, issue, {
      sid: api_key_id,
      csrf: null,
      ...(row.role === null || row.permissions === null
        ? {}
        : { role: row.role, permissions: intersect(owner.permissions, row.permissions) }),
    });
  });
  if (!claims) throw refused();
  return { access_token: await deps.keys.sign(claims), expires_in: ACCESS_TTL_SECONDS };
}

async function tell(
  deps: ServiceDeps,
  tx: Tx,
  ctx: RequestContext,
  type: 'api_key.created.v1' | 'api_key.revoked.v1',
  id: string,
  name: string,
) {
  const aggregate = { type: 'api_key', id };
  const data = { api_key_id: id, name };
  await enqueue(tx, deps.relay, [
    envelope(ctx, { type, aggregate, data, public: false }, deps.ids, deps.clock.now()),
  ]);
}
