import { randomInt } from 'node:crypto';
import type { CreateApiKeyRequest, CreatedApiKey, ExchangeApiKeyResponse } from '@psa/contracts/auth';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { AppError, conflict, invalid, notFound } from '@psa/service-kit/errors';
import { emit } from '@psa/service-kit/outbox';
import type { ServiceDeps } from '@psa/service-kit/service';
import type { Static } from 'typebox';
import type { AuthDeps } from '../deps.ts';
import { intersect } from '../roles/domain.ts';
import { mustHold } from '../roles/policy.ts';
import * as roles from '../roles/repository.ts';
import { ACCESS_TTL_SECONDS, plusSeconds } from '../sessions/lifetimes.ts';
import { guessGuard } from '../sessions/lockout.ts';
import { claimsOf, issuedAt, loadPrincipal } from '../sessions/principal.ts';
import { hashOf, newSecret } from '../sessions/secrets.ts';
import { MAX_KEYS, mayRevoke } from './policy.ts';
import * as repository from './repository.ts';
import { revokeKeys } from './revoke.ts';

const PREFIX_LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789';
const FORM = /^psa_[a-z0-9]{8}_[A-Za-z0-9_-]{43}$/;

/** `psa_<prefix>_<secret>`: the prefix tells keys apart in a list and in leak scanners, the secret has 256 bits. */
function newKey(): { key: string; prefix: string } {
  const prefix = Array.from({ length: 8 }, () => PREFIX_LETTERS[randomInt(PREFIX_LETTERS.length)]).join('');
  return { key: `psa_${prefix}_${newSecret()}`, prefix };
}

/** Issues a key of the actor, who has shown the password. It never allows more than the actor holds at this moment. */
export async function createApiKey(
  deps: ServiceDeps,
  tx: Tx,
  ctx: RequestContext,
  input: Omit<Static<typeof CreateApiKeyRequest>, 'current_password'>,
): Promise<Static<typeof CreatedApiKey>> {
  const tenantId = ctx.scope.tenant_id;
  const userId = ctx.actor.id!;
  const principal = await loadPrincipal(tx, tenantId, userId);
  if (!principal) throw notFound('user');
  const role = input.role === undefined ? null : await roles.byName(tx, tenantId, input.role);
  if (input.role !== undefined && (!role || role.audience !== principal.audience)) {
    throw invalid({
      field: 'role',
      code: 'not_found',
      message: `"${input.role}" is not a role that you could have`,
    });
  }
  mustHold(ctx, role?.permissions ?? principal.permissions);
  const now = deps.clock.now();
  if ((await repository.countForMore(tx, tenantId, userId, now)) >= MAX_KEYS) {
    throw conflict(
      'most_api_keys',
      `You have ${MAX_KEYS} API keys already. Please revoke one that is not needed any more.`,
    );
  }
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
  await emit(deps, tx, ctx, [
    {
      type: 'api_key.created.v1',
      aggregate: { type: 'api_key', id },
      data: { api_key_id: id, name: input.name, user_id: userId },
      public: false,
    },
  ]);
  const row = await repository.byId(tx, tenantId, id);
  return { ...row!, key };
}

/** Revokes a key; tokens that it was exchanged for end too. */
export async function deleteApiKey(
  deps: ServiceDeps,
  tx: Tx,
  ctx: RequestContext,
  id: string,
): Promise<void> {
  const key = await repository.byId(tx, ctx.scope.tenant_id, id);
  if (!key || !mayRevoke(ctx, key.user_id)) throw notFound('API key');
  const removed = await repository.remove(tx, ctx.scope.tenant_id, id, deps.clock.now());
  if (removed.length === 0) throw notFound('API key');
  await revokeKeys(deps, tx, ctx, removed, key.user_id === ctx.actor.id ? 'owner' : 'administrator');
}

/** Uses are noted once a minute at most: a busy key must not make a busy row. */
const TOUCH_SECONDS = 60;

/**
 * An access token for a key: the owner's present rights, narrowed to the key's role. Its session id is the key's
 * id, so revoking the key ends its tokens.
 * @throws AppError 401 TOKEN_INVALID for whatever reason the key is not good, 423 after many unknown ones from one address
 */
export async function exchangeApiKey(
  deps: AuthDeps,
  key: string,
  ip: string,
): Promise<Static<typeof ExchangeApiKeyResponse>> {
  const refused = () => new AppError(401, 'TOKEN_INVALID', 'The API key is not valid.');
  const hash = hashOf(key);
  const guard = guessGuard(deps, 'key', ip);
  await guard.mustBeFree();
  const found = FORM.test(key) ? await deps.db.system((tx) => repository.find(tx, hash)) : null;
  if (!found) throw await guard.wrong(hash, refused());
  await guard.mustBeFree();
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
      api_key: true,
      ...(row.role === null || row.permissions === null
        ? {}
        : { role: row.role, permissions: intersect(owner.permissions, row.permissions) }),
    });
  });
  if (!claims) throw refused();
  return { access_token: await deps.keys.sign(claims), expires_in: ACCESS_TTL_SECONDS };
}
