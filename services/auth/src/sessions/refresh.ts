import { randomBytes } from 'node:crypto';
import { systemContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { AppError } from '@psa/service-kit/errors';
import { emit } from '@psa/service-kit/outbox';
import type { AuthDeps } from '../deps.ts';
import { plusSeconds, REFRESH_TTL_SECONDS, ROTATION_GRACE_SECONDS } from './lifetimes.ts';
import { guessGuard } from './lockout.ts';
import type { Session } from './login.ts';
import { claimsOf, contextOfPrincipal, issuedAt, loadPrincipal, revokeSessions } from './principal.ts';
import type { RefreshTokenRow, SessionRow } from './repository.ts';
import * as repository from './repository.ts';
import { hashOf, successorOf } from './secrets.ts';

const invalidToken = () => new AppError(401, 'TOKEN_INVALID', 'The session has ended. Please sign in again.');

/**
 * Spends a refresh token for its successor and a new access token.
 *
 * A token that was spent before is answered in one of two ways. Within {@link ROTATION_GRACE_SECONDS} of its
 * rotation it yields **the same** successor again: two tabs that refresh at once both go on, and so does a client
 * whose answer got lost. Refusing the second with "try again" would strand the latter, and a second, different
 * successor would give a thief a branch of its own that nobody notices. Later than that it was copied: the session
 * ends, for whoever holds it.
 * @throws AppError 401 TOKEN_INVALID, 423 after many unknown ones from one address; 403 CSRF_INVALID in a cookie session without its X-CSRF-Token
 */
export async function refresh(
  deps: AuthDeps,
  caller: { id: string; ip: string },
  input: { token: string; csrf: string | null },
): Promise<Session> {
  const hash = hashOf(input.token);
  const guard = guessGuard(deps, 'refresh', caller.ip);
  await guard.mustBeFree();
  const found = await deps.db.system((tx) => repository.findRefreshToken(tx, hash));
  if (!found) throw await guard.wrong(hash, invalidToken());
  await guard.mustBeFree();
  const tenantId = found.tenant_id;
  const now = deps.clock.now();
  const outcome = await deps.db.tx({ tenant_id: tenantId, customer_id: null }, async (tx) => {
    const session = await repository.lockSession(tx, tenantId, found.session_id);
    const presented = await repository.refreshToken(tx, tenantId, hash);
    if (!session || !presented || session.revoked_at || session.expires_at <= now) return null;
    if (session.kind === 'cookie' && input.csrf !== session.csrf) {
      throw new AppError(403, 'CSRF_INVALID', 'The X-CSRF-Token header does not fit this session.');
    }
    if (presented.expires_at <= now) return null;
    const issue = await issuedAt(deps.cache, session.user_id, now);
    const principal = await loadPrincipal(tx, tenantId, session.user_id);
    if (principal?.status !== 'active') {
      await end(deps, tx, tenantId, session.id, 'account', now);
      return null;
    }
    const token = presented.spent_at
      ? await successorWithinGrace(tx, tenantId, input.token, presented, now)
      : await rotate(deps, tx, tenantId, session, input.token, now);
    if (token === null) {
      await reportReuse(deps, tx, caller, tenantId, session, now);
      return null;
    }
    return { session, principal, issue, token };
  });
  if (!outcome) throw invalidToken();
  const { session, principal, issue, token } = outcome;
  const access_token = await deps.keys.sign(
    claimsOf(principal, issue, { sid: session.id, csrf: session.csrf }),
  );
  return { principal, kind: session.kind, csrf: session.csrf, access_token, refresh_token: token };
}

async function rotate(
  deps: AuthDeps,
  tx: Tx,
  tenantId: string,
  session: SessionRow,
  token: string,
  now: Date,
): Promise<string> {
  const salt = randomBytes(32);
  const successor = successorOf(token, salt);
  const ofSession = { tenant_id: tenantId, session_id: session.id };
  await repository.spendRefreshToken(
    tx,
    { ...ofSession, hash: hashOf(token), salt },
    now,
    plusSeconds(now, -ROTATION_GRACE_SECONDS),
  );
  const unusedFor = plusSeconds(now, REFRESH_TTL_SECONDS).getTime();
  await repository.insertRefreshToken(tx, {
    ...ofSession,
    hash: hashOf(successor),
    user_id: session.user_id,
    created_at: now,
    expires_at: new Date(Math.min(unusedFor, session.expires_at.getTime())),
  });
  deps.log.debug({ session_id: session.id }, 'refresh token rotated');
  return successor;
}

/** More rotations than this do not happen within the seconds of grace. */
const LONGEST_CHAIN = 20;

/** The token at the end of the chain that began with a spent one; null when its grace is over: a copy. */
async function successorWithinGrace(
  tx: Tx,
  tenantId: string,
  token: string,
  presented: RefreshTokenRow,
  now: Date,
): Promise<string | null> {
  let secret = token;
  let row: RefreshTokenRow | null = presented;
  for (let i = 0; i < LONGEST_CHAIN && row?.spent_at; i++) {
    if (!row.salt || plusSeconds(row.spent_at, ROTATION_GRACE_SECONDS) < now) return null;
    secret = successorOf(secret, row.salt);
    row = await repository.refreshToken(tx, tenantId, hashOf(secret));
  }
  return row && !row.spent_at ? secret : null;
}

async function reportReuse(
  deps: AuthDeps,
  tx: Tx,
  caller: { id: string },
  tenantId: string,
  session: SessionRow,
  now: Date,
): Promise<void> {
  await end(deps, tx, tenantId, session.id, 'reuse', now);
  deps.log.warn({ session_id: session.id, user_id: session.user_id }, 'a spent refresh token came back');
  await emit(deps, tx, systemContext(tenantId, caller.id), [
    {
      type: 'session.reuse_detected.v1',
      aggregate: { type: 'user', id: session.user_id },
      data: { user_id: session.user_id, session_id: session.id },
      public: false,
    },
  ]);
}

async function end(deps: AuthDeps, tx: Tx, tenantId: string, id: string, because: string, now: Date) {
  const ended = await repository.endSession(tx, tenantId, id, because, now);
  if (ended) revokeSessions(deps, tx, [id]);
  return ended;
}

/**
 * Ends the session of a refresh token, or of an access token that is still valid. Tokens that mean nothing are
 * no error: whoever signs out is signed out.
 */
export async function logout(
  deps: AuthDeps,
  caller: { id: string; ip: string },
  tokens: { refresh: string | null; access: string | null },
): Promise<void> {
  const { refresh: refreshToken, access } = tokens;
  let found =
    refreshToken === null
      ? null
      : await deps.db.system((tx) => repository.findRefreshToken(tx, hashOf(refreshToken)));
  if (!found && access !== null) {
    const claims = await deps.verifier.verify(access).catch(() => null);
    if (claims) found = { tenant_id: claims.tid, session_id: claims.sid };
  }
  if (!found) return;
  const { tenant_id, session_id } = found;
  const now = deps.clock.now();
  await deps.db.tx({ tenant_id, customer_id: null }, async (tx) => {
    const ended = await end(deps, tx, tenant_id, session_id, 'logout', now);
    if (!ended) return;
    const principal = await loadPrincipal(tx, tenant_id, ended.user_id);
    const ctx = principal ? contextOfPrincipal(principal, caller) : systemContext(tenant_id, caller.id);
    await emit(deps, tx, ctx, [
      {
        type: 'user.logged_out.v1',
        aggregate: { type: 'user', id: ended.user_id },
        data: { user_id: ended.user_id },
        public: false,
      },
    ]);
  });
}
