import { systemContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { AppError } from '@psa/service-kit/errors';
import { emit } from '@psa/service-kit/outbox';
import type { AuthDeps } from '../deps.ts';
import { plusSeconds, REFRESH_TTL_SECONDS, SESSION_TTL_SECONDS } from './lifetimes.ts';
import { addressKey, afterFailure, locked, lockout, unknownKey } from './lockout.ts';
import { claimsOf, contextOfPrincipal, issuedAt, loadPrincipal, type Principal } from './principal.ts';
import * as repository from './repository.ts';
import { hashOf, newSecret } from './secrets.ts';

/** What of a request matters for signing in. */
export interface Caller {
  readonly id: string;
  readonly ip: string;
  readonly userAgent: string;
}

/** A session just begun or refreshed. */
export interface Session {
  readonly principal: Principal;
  readonly kind: 'token' | 'cookie';
  readonly csrf: string | null;
  readonly access_token: string;
  readonly refresh_token: string;
}

/** 401, or 423 when as many failures at this moment have been answered already as are allowed. */
async function tellWrong(counts: readonly Promise<Date | null>[], now: Date): Promise<never> {
  const until = (await Promise.all(counts)).find((one) => one !== null);
  throw until ? locked(until, now) : wrong();
}

const wrong = () => new AppError(401, 'INVALID_CREDENTIALS', 'The e-mail address or the password is wrong.');

/**
 * Signs in. Whatever is wrong, a caller learns the same: 401 four times and at the fifth, then 423 for 15 minutes,
 * whether the address belongs to somebody or not; and each attempt costs one password hash. Attempts at the same
 * time are counted one after the other: what finds the account locked when its turn comes is refused even when
 * the password was right, so guessing in parallel gains nothing.
 * @throws AppError 401 INVALID_CREDENTIALS, 423 ACCOUNT_LOCKED
 */
export async function login(
  deps: AuthDeps,
  caller: Caller,
  input: { email: string; password: string; session: 'token' | 'cookie' },
): Promise<Session> {
  const email = input.email.trim();
  const locks = lockout(deps.cache, deps.clock, deps.log);
  const address = addressKey(caller.ip);
  const refuseIfLocked = async (key: string) => {
    const until = await locks.lockedUntil(key);
    if (until) throw locked(until, deps.clock.now());
  };

  await refuseIfLocked(address);
  const found = await deps.db.system((tx) => repository.findUserByEmail(tx, email));
  const scope = found && { tenant_id: found.tenant_id, customer_id: null, user_id: found.user_id };
  const before =
    scope &&
    (await deps.db.read(scope, (tx) => repository.loginState(tx, scope.tenant_id, scope.user_id, false)));
  if (!scope || !before) {
    const key = unknownKey(email);
    await refuseIfLocked(key);
    await deps.hasher.pretend(input.password);
    await refuseIfLocked(key);
    await refuseIfLocked(address);
    return tellWrong([locks.fail(key), locks.fail(address)], deps.clock.now());
  }
  if (before.locked_until && before.locked_until > deps.clock.now()) {
    throw locked(before.locked_until, deps.clock.now());
  }

  // Outside any transaction: it takes long, and connections are few.
  let correct = false;
  let newHash: string | null = null;
  if (before.status === 'active' && before.password_hash !== null) {
    const check = await deps.hasher.verify(before.password_hash, input.password);
    correct = check.correct;
    if (check.correct && check.stale) newHash = await deps.hasher.hash(input.password);
  } else await deps.hasher.pretend(input.password);
  await refuseIfLocked(address);

  const now = deps.clock.now();
  const issue = await issuedAt(deps.cache, scope.user_id, now);
  const session = await deps.db.tx(scope, async (tx) => {
    const state = await repository.loginState(tx, scope.tenant_id, scope.user_id, true);
    if (!state) return null;
    if (state.locked_until && state.locked_until > now) throw locked(state.locked_until, now);
    const principal = await loadPrincipal(tx, scope.tenant_id, scope.user_id);
    const unchanged = state.password_hash === before.password_hash && state.status === 'active';
    if (!correct || !unchanged || !principal) {
      await fail(deps, tx, caller, scope, state, now);
      return null;
    }
    await repository.saveLogin(tx, scope.tenant_id, scope.user_id, now, newHash);
    return { ...(await begin(deps, tx, caller, principal, input.session, now)), principal };
  });
  if (!session) return tellWrong([locks.fail(address, scope.user_id)], deps.clock.now());
  // Only the own failures: signing in once must not give more guesses at the accounts of others.
  await locks.forgive(address, scope.user_id);
  const { sid, principal, csrf, refresh_token } = session;
  const access_token = await deps.keys.sign(claimsOf(principal, issue, { sid, csrf }));
  return { principal, kind: input.session, csrf, access_token, refresh_token };
}

/** One more failure of an account, with its audit entry, and the lock's event when it was one too many. */
export async function fail(
  deps: AuthDeps,
  tx: Tx,
  caller: { id: string; ip: string },
  user: { tenant_id: string; user_id: string },
  state: repository.LoginState,
  now: Date,
): Promise<void> {
  const next = afterFailure(state, now);
  await repository.saveFailedLogins(tx, user.tenant_id, user.user_id, next);
  // Whoever tried has shown nothing: the platform reports, the user is the object.
  const ctx = systemContext(user.tenant_id, caller.id);
  const aggregate = { type: 'user', id: user.user_id };
  const reason = state.status === 'active' ? 'wrong_password' : `account_${state.status}`;
  await emit(deps, tx, ctx, [
    {
      type: 'audit.recorded.v1',
      aggregate,
      data: { action: 'login.refused', detail: { reason, address: caller.ip } },
      public: false,
    },
    ...(next.locked_until
      ? [
          {
            type: 'user.locked.v1' as const,
            aggregate,
            data: { user_id: user.user_id, until: next.locked_until.toISOString() },
            public: false,
          },
        ]
      : []),
  ]);
}

async function begin(
  deps: AuthDeps,
  tx: Tx,
  caller: Caller,
  principal: Principal,
  kind: 'token' | 'cookie',
  now: Date,
) {
  const sid = deps.ids.uuid();
  const csrf = kind === 'cookie' ? newSecret() : null;
  const refresh_token = newSecret();
  const owner = { tenant_id: principal.tenant_id, user_id: principal.id, created_at: now };
  await repository.insertSession(tx, {
    ...owner,
    id: sid,
    kind,
    csrf,
    address: caller.ip,
    user_agent: caller.userAgent.replaceAll('\0', '').slice(0, 300),
    expires_at: plusSeconds(now, SESSION_TTL_SECONDS),
  });
  await repository.insertRefreshToken(tx, {
    ...owner,
    hash: hashOf(refresh_token),
    session_id: sid,
    expires_at: plusSeconds(now, REFRESH_TTL_SECONDS),
  });
  await emit(deps, tx, contextOfPrincipal(principal, caller), [
    {
      type: 'user.logged_in.v1',
      aggregate: { type: 'user', id: principal.id },
      data: { user_id: principal.id, address: caller.ip },
      public: false,
    },
  ]);
  return { sid, csrf, refresh_token };
}
