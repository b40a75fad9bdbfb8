import { normaliseEmail } from '@psa/service-kit/contact-forms';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { AppError, conflict, invalid } from '@psa/service-kit/errors';
import { emit } from '@psa/service-kit/outbox';
import type { ServiceDeps } from '@psa/service-kit/service';
import { revokeKeysOf } from '../api-keys/revoke.ts';
import type { AuthDeps } from '../deps.ts';
import { plusSeconds } from '../sessions/lifetimes.ts';
import { guessGuard, locked } from '../sessions/lockout.ts';
import { fail } from '../sessions/login.ts';
import { contextOfPrincipal, loadPrincipal, type Principal, revokeSessions } from '../sessions/principal.ts';
import { endSessionsOf, findUserByEmail, loginState } from '../sessions/repository.ts';
import { hashOf, newSecret } from '../sessions/secrets.ts';
import { tellUser } from '../users/events.ts';
import * as users from '../users/repository.ts';
import { inviteMail, resetMail, sendLater } from './mail.ts';
import { mustBeGood } from './policy.ts';
import * as repository from './repository.ts';

const LINK_SECONDS = { reset: 3600, invite: 7 * 86_400 } as const;
/** Mails to one address within an hour at most, so that nobody's mailbox can be filled. */
const MAILS_PER_HOUR = 3;

const personOf = (p: Principal) => ({ email: p.email, words: [p.name, p.tenant_name] });

/** Makes a one-time link and mails it when the transaction commits. */
export async function mailLink(
  deps: ServiceDeps,
  tx: Tx,
  user: { tenant_id: string; id: string; email: string; name: string; locale: 'de' | 'en' },
  purpose: 'reset' | 'invite',
  tenantName: string,
): Promise<void> {
  const token = newSecret();
  const now = deps.clock.now();
  await repository.insert(tx, {
    tenant_id: user.tenant_id,
    hash: hashOf(token),
    user_id: user.id,
    purpose,
    created_at: now,
    expires_at: plusSeconds(now, LINK_SECONDS[purpose]),
  });
  const link = `${deps.publicUrl}/reset-password?token=${token}`;
  const mail = purpose === 'reset' ? resetMail(user, link) : inviteMail(user, tenantName, link);
  await sendLater(deps, tx, user.tenant_id, mail);
}

/**
 * Mails a reset link to an active or invited user. For an address that is nobody's it does nothing, and the caller
 * cannot tell: the answer is sent before this runs.
 */
export async function forgotPassword(
  deps: AuthDeps,
  caller: { id: string; ip: string },
  address: string,
): Promise<void> {
  const email = normaliseEmail(address) ?? address.trim().toLowerCase();
  const key = `password:mails:${hashOf(email).toString('base64url')}`;
  const sent = await deps.cache.increment(key, 3600).catch(() => null);
  if (sent && sent.value > MAILS_PER_HOUR) return;
  const found = await deps.db.system((tx) => findUserByEmail(tx, email));
  if (!found) return;
  await deps.db.tx({ tenant_id: found.tenant_id, customer_id: null }, async (tx) => {
    const principal = await loadPrincipal(tx, found.tenant_id, found.user_id);
    if (!principal || (principal.status !== 'active' && principal.status !== 'invited')) return;
    await mailLink(deps, tx, principal, 'reset', principal.tenant_name);
    await emit(deps, tx, contextOfPrincipal(principal, caller), [
      {
        type: 'audit.recorded.v1',
        aggregate: { type: 'user', id: principal.id },
        data: { action: 'password.reset_requested', detail: { address: caller.ip } },
        public: false,
      },
    ]);
  });
}

const badLink = () =>
  invalid({
    field: 'token',
    code: 'expired',
    message: 'is not valid or has expired; please ask for a new link',
  });

/**
 * Sets a password by a mailed link, which is spent, and ends every session and API key of the user.
 * @throws AppError 400 for a link that is not good, 423 after many of them from one address
 */
export async function resetPassword(
  deps: AuthDeps,
  caller: { id: string; ip: string },
  input: { token: string; new_password: string },
): Promise<void> {
  const hash = hashOf(input.token);
  const guard = guessGuard(deps, 'link', caller.ip);
  await guard.mustBeFree();
  const found = await deps.db.system((tx) => repository.find(tx, hash));
  if (!found) throw await guard.wrong(hash, badLink());
  await guard.mustBeFree();
  const scope = { tenant_id: found.tenant_id, customer_id: null };
  const principal = await deps.db.read(scope, async (tx) =>
    (await repository.isValid(tx, found.tenant_id, hash, deps.clock.now()))
      ? loadPrincipal(tx, found.tenant_id, found.user_id)
      : null,
  );
  if (principal?.status !== 'active' && principal?.status !== 'invited') throw badLink();
  mustBeGood('new_password', input.new_password, personOf(principal));
  const passwordHash = await deps.hasher.hash(input.new_password);
  await deps.db.tx(scope, async (tx) => {
    const now = deps.clock.now();
    const user = { tenant_id: found.tenant_id, id: found.user_id };
    if (!(await repository.take(tx, found.tenant_id, hash, now))) throw badLink();
    if (!(await repository.setPassword(tx, user, passwordHash, now))) throw badLink();
    await repository.removeAll(tx, user.tenant_id, user.id);
    revokeSessions(deps, tx, await endSessionsOf(tx, user.tenant_id, user.id, 'password', now));
    const ctx = contextOfPrincipal(principal, caller);
    await revokeKeysOf(deps, tx, ctx, user.id, 'password_reset');
    await tellChanged(deps, tx, ctx, user.id, principal.status === 'invited' ? 'invite' : 'reset');
    if (principal.status === 'invited') {
      const row = await users.byId(tx, user.tenant_id, user.id);
      if (row) await tellUser(deps, tx, ctx, 'user.updated.v1', row);
    }
  });
}

/**
 * Checks the password of whoever is signed in. Guesses at the same time are settled one after the other on the locked
 * row: what finds the account locked when its turn comes is refused, right or wrong, and learns nothing.
 * @throws AppError 400 naming `current_password`, 423 ACCOUNT_LOCKED, 409 when there is no password
 */
export async function mustKnowPassword(
  deps: AuthDeps,
  ctx: RequestContext,
  password: string,
): Promise<{ principal: Principal; hash: string }> {
  const tenantId = ctx.scope.tenant_id;
  const userId = ctx.actor.id;
  const gone = () => new AppError(401, 'TOKEN_INVALID', 'This account does not exist any more.');
  if (userId === null) throw gone();
  const [before, principal] = await deps.db.read(ctx.scope, async (tx) => [
    await loginState(tx, tenantId, userId, false),
    await loadPrincipal(tx, tenantId, userId),
  ]);
  if (!before || principal?.status !== 'active') throw gone();
  const refuseIfLocked = ({ locked_until }: { locked_until: Date | null }) => {
    const now = deps.clock.now();
    if (locked_until && locked_until > now) throw locked(locked_until, now);
  };
  refuseIfLocked(before);
  const hash = before.password_hash;
  if (hash === null) {
    throw conflict(
      'no_password_yet',
      'This account has no password yet. Use the link that was mailed, or ask for a new one.',
    );
  }
  // Outside any transaction: it takes long, and connections are few.
  const { correct } = await deps.hasher.verify(hash, password);
  await deps.db.tx(ctx.scope, async (tx) => {
    const current = await loginState(tx, tenantId, userId, true);
    if (!current) throw gone();
    refuseIfLocked(current);
    if (current.password_hash !== hash) {
      throw conflict(
        'password_changed_meanwhile',
        'The password was changed by somebody else at the same time.',
      );
    }
    if (correct) return;
    const user = { tenant_id: tenantId, user_id: userId };
    await fail(deps, tx, { id: ctx.request_id, ip: ctx.address }, user, current, deps.clock.now());
  });
  if (!correct) throw invalid({ field: 'current_password', code: 'incorrect', message: 'is wrong' });
  return { principal, hash };
}

/**
 * Changes the own password, and ends the other sessions and the API keys. A wrong current password counts as a failed login.
 * @throws AppError 400 naming the field, 423 ACCOUNT_LOCKED
 */
export async function changePassword(
  deps: AuthDeps,
  ctx: RequestContext,
  sessionId: string | null,
  input: { current_password: string; new_password: string; keep_api_keys?: boolean },
): Promise<void> {
  const tenantId = ctx.scope.tenant_id;
  const { principal, hash: currentHash } = await mustKnowPassword(deps, ctx, input.current_password);
  const userId = principal.id;
  if (input.new_password === input.current_password) {
    throw invalid({
      field: 'new_password',
      code: 'unchanged',
      message: 'must differ from the current password',
    });
  }
  mustBeGood('new_password', input.new_password, personOf(principal));
  const hash = await deps.hasher.hash(input.new_password);
  await deps.db.tx(ctx.scope, async (tx) => {
    const now = deps.clock.now();
    const user = { tenant_id: tenantId, id: userId };
    if (!(await repository.setPassword(tx, user, hash, now, currentHash))) {
      throw conflict(
        'password_changed_meanwhile',
        'The password was changed by somebody else at the same time.',
      );
    }
    await repository.removeAll(tx, tenantId, userId);
    revokeSessions(deps, tx, await endSessionsOf(tx, tenantId, userId, 'password', now, sessionId));
    if (!input.keep_api_keys) await revokeKeysOf(deps, tx, ctx, userId, 'password_changed');
    await tellChanged(deps, tx, ctx, userId, 'change');
  });
}

async function tellChanged(deps: ServiceDeps, tx: Tx, ctx: RequestContext, userId: string, how: string) {
  await emit(deps, tx, ctx, [
    {
      type: 'user.password_changed.v1',
      aggregate: { type: 'user', id: userId },
      data: { user_id: userId, how },
      public: false,
    },
  ]);
}
