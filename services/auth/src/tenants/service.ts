import { DEFAULT_ROLES } from '@psa/contracts/permissions';
import { systemContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { type AppError, conflict, invalid } from '@psa/service-kit/errors';
import { emit } from '@psa/service-kit/outbox';
import type { ServiceDeps } from '@psa/service-kit/service';
import { type PasswordHasher, passwordHasher } from '../passwords/hasher.ts';
import { mustBeGood } from '../passwords/policy.ts';
import { ADMIN_ROLE } from '../roles/domain.ts';
import * as roles from '../roles/repository.ts';
import { plusSeconds } from '../sessions/lifetimes.ts';
import { guessGuard } from '../sessions/lockout.ts';
import { hashOf, newSecret } from '../sessions/secrets.ts';
import { createUser } from '../users/service.ts';
import * as repository from './repository.ts';

/** The link of the first administrator is good for a week; a restart makes a new one. */
const SETUP_SECONDS = 7 * 86_400;

export interface NewTenant {
  readonly name: string;
  readonly admin: { readonly email: string; readonly name: string; readonly password: string };
}

export interface CreatedTenant {
  readonly tenant_id: string;
  readonly admin_id: string;
}

/**
 * Makes a tenant with the default roles and its first administrator, all or nothing.
 * `setup`: spends its token in the same transaction.
 * @throws AppError 400 naming password or token, 423 after many wrong tokens from one address, 409 when the e-mail address is taken or the platform is set up
 */
export async function createTenant(
  deps: ServiceDeps,
  input: NewTenant,
  options: { setup?: { token: string; ip: string }; requestId?: string; hasher?: PasswordHasher } = {},
): Promise<CreatedTenant> {
  const { email, name, password } = input.admin;
  mustBeGood('password', password, { email, words: [name, input.name] });
  // Before the slow hash: a guess must not cost what a set-up costs.
  if (options.setup) await mustBeSetupToken(deps, options.setup);
  const hash = await (options.hasher ?? passwordHasher).hash(password);
  const tenantId = deps.ids.uuid();
  const ctx = systemContext(tenantId, options.requestId ?? deps.ids.uuid());
  return deps.db.tx(ctx.scope, async (tx) => {
    const now = deps.clock.now();
    if (options.setup) {
      const taken = await repository.takeSetupToken(tx, hashOf(options.setup.token), now);
      if (!taken) throw await badSetupToken(tx);
    }
    await repository.insert(tx, { tenant_id: tenantId, name: input.name }, now);
    await emit(deps, tx, ctx, [
      {
        type: 'tenant.created.v1',
        aggregate: { type: 'tenant', id: tenantId },
        data: { tenant_id: tenantId, name: input.name },
        public: false,
      },
    ]);
    await roles.insert(
      tx,
      tenantId,
      now,
      Object.entries(DEFAULT_ROLES).map(([role, { title, audience, permissions }]) => ({
        id: deps.ids.uuid(),
        name: role,
        title,
        audience,
        permissions: [...new Set(permissions)],
        system: true,
      })),
    );
    const admin = await createUser(deps, tx, ctx, { email, name, role: ADMIN_ROLE }, hash);
    return { tenant_id: tenantId, admin_id: admin.id };
  });
}

/** Says why a set-up link is not good. */
async function badSetupToken(tx: Tx): Promise<AppError> {
  return (await repository.anyExists(tx))
    ? conflict('set_up_already', 'The platform is set up already. Please sign in.')
    : invalid({
        field: 'token',
        code: 'expired',
        message: 'is not valid; the start of the platform prints a new one',
      });
}

/** Looks whether a set-up link is good, without spending it. */
async function mustBeSetupToken(
  deps: Pick<ServiceDeps, 'db' | 'clock' | 'cache' | 'log'>,
  { token, ip }: { token: string; ip: string },
): Promise<void> {
  const hash = hashOf(token);
  const guard = guessGuard(deps, 'setup', ip);
  await guard.mustBeFree();
  const bad = await deps.db.system(async (tx) =>
    (await repository.isSetupToken(tx, hash, deps.clock.now())) ? null : badSetupToken(tx),
  );
  if (bad) throw await guard.wrong(hash, bad);
  await guard.mustBeFree();
}

/** True while the platform waits for its first administrator. */
export async function setupNeeded(deps: Pick<ServiceDeps, 'db'>): Promise<boolean> {
  return !(await deps.db.system((tx) => repository.anyExists(tx)));
}

/** A fresh one-time token for the first administrator, voiding earlier ones; null when a tenant exists. */
export async function ensureSetupToken(deps: Pick<ServiceDeps, 'db' | 'clock'>): Promise<string | null> {
  return deps.db.system(async (tx) => {
    if (await repository.anyExists(tx)) return null;
    const token = newSecret();
    const now = deps.clock.now();
    await repository.replaceSetupToken(tx, hashOf(token), now, plusSeconds(now, SETUP_SECONDS));
    return token;
  });
}
