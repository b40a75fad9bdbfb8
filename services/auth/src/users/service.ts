import type { CreateUserRequest, ImportUsersRequest, UpdateUserRequest } from '@psa/contracts/auth';
import { normaliseEmail } from '@psa/service-kit/contact-forms';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { alreadyExists, conflict, invalid, notFound } from '@psa/service-kit/errors';
import type { ServiceDeps } from '@psa/service-kit/service';
import type { Static } from 'typebox';
import { removeAll as voidLinks } from '../passwords/repository.ts';
import { mailLink } from '../passwords/service.ts';
import { ADMIN_ROLE } from '../roles/domain.ts';
import { mustHold } from '../roles/policy.ts';
import type { RoleRow } from '../roles/repository.ts';
import * as roles from '../roles/repository.ts';
import { revokeSessions, revokeUsers } from '../sessions/principal.ts';
import { endSessionsOf } from '../sessions/repository.ts';
import { tellUser, tellUsers } from './events.ts';
import { mustMayChange, mustNotBeLast } from './policy.ts';
import type { UserRow } from './repository.ts';
import * as repository from './repository.ts';

export type CreateUser = Omit<Static<typeof CreateUserRequest>, 'password'>;

/** Imported people have no address; this one can never receive mail (RFC 2606). */
const placeholder = (id: string) => `${id}@imported.invalid`;
export const isPlaceholder = (email: string) => email.toLowerCase().endsWith('@imported.invalid');

/**
 * Creates a user: active with a password, otherwise invited. Only with a role whose permissions the actor holds.
 * @throws AppError 400 for an unknown role or a customer that does not fit it, 403, 409 when the address is taken
 */
export async function createUser(
  deps: ServiceDeps,
  tx: Tx,
  ctx: RequestContext,
  input: CreateUser,
  passwordHash: string | null,
): Promise<UserRow> {
  const tenantId = ctx.scope.tenant_id;
  const role = await roleFor(tx, ctx, input.role);
  const customerId = input.customer_id ?? null;
  if (role.audience === 'customer' && customerId === null) {
    throw invalid({
      field: 'customer_id',
      code: 'needs_customer',
      message: `is required for the role ${role.name}`,
      values: { role: role.name },
    });
  }
  if (role.audience === 'staff' && customerId !== null) {
    throw invalid({
      field: 'customer_id',
      code: 'no_customer',
      message: `must be absent for the role ${role.name}`,
      values: { role: role.name },
    });
  }
  if (isPlaceholder(input.email))
    throw invalid({
      field: 'email',
      code: 'wrong_form',
      message: 'is not an address that takes mail',
      values: { form: 'idn-email' },
    });
  const user = await repository.insert(
    tx,
    tenantId,
    {
      id: deps.ids.uuid(),
      email: normaliseEmail(input.email) ?? input.email,
      name: input.name,
      role_id: role.id,
      audience: role.audience,
      customer_id: customerId,
      locale: input.locale ?? 'de',
      status: passwordHash === null ? 'invited' : 'active',
      password_hash: passwordHash,
    },
    deps.clock.now(),
  );
  if (!user) throw alreadyExists('email', 'belongs to a user already');
  if (input.invite) await invite(deps, tx, tenantId, user);
  await tellUser(deps, tx, ctx, 'user.created.v1', user);
  return user;
}

/** A role by name that the actor may give. */
async function roleFor(tx: Tx, ctx: RequestContext, name: string): Promise<RoleRow> {
  const role = await roles.byName(tx, ctx.scope.tenant_id, name);
  if (!role) throw invalid({ field: 'role', code: 'not_found', message: `"${name}" is not a role` });
  mustHold(ctx, role.permissions);
  return role;
}

async function invite(deps: ServiceDeps, tx: Tx, tenantId: string, user: UserRow): Promise<void> {
  const name = await repository.tenantName(tx, tenantId);
  await mailLink(deps, tx, { ...user, tenant_id: tenantId }, 'invite', name);
}

/**
 * Changes a user. Nobody may change somebody who can do more than they: a new e-mail address would hand over the
 * account. A new role, a new address or disabling ends the access tokens; disabling ends the sessions too.
 */
export async function updateUser(
  deps: ServiceDeps,
  tx: Tx,
  ctx: RequestContext,
  id: string,
  input: Static<typeof UpdateUserRequest>,
  check: (user: { version: number }) => void,
): Promise<UserRow> {
  const tenantId = ctx.scope.tenant_id;
  const { role: roleName, invite: sendInvite, ...changes } = input;
  if (changes.email !== undefined) changes.email = normaliseEmail(changes.email) ?? changes.email;
  const mayLoseAdmin = (input.status ?? 'active') !== 'active' || (roleName ?? ADMIN_ROLE) !== ADMIN_ROLE;
  const user = await forChange(tx, ctx, id, mayLoseAdmin);
  check(user);

  const role = roleName === undefined || roleName === user.role ? null : await roleFor(tx, ctx, roleName);
  if (role && role.audience !== user.audience) {
    throw invalid({
      field: 'role',
      code: 'wrong_audience',
      message: `is for ${role.audience} users; this is a ${user.audience} user`,
    });
  }
  if (changes.email !== undefined && isPlaceholder(changes.email)) {
    throw invalid({
      field: 'email',
      code: 'wrong_form',
      message: 'is not an address that takes mail',
      values: { form: 'idn-email' },
    });
  }
  const status = nextStatus(user, input);
  const updated = await repository.update(
    tx,
    tenantId,
    id,
    { ...changes, ...(role ? { role_id: role.id } : {}), status },
    deps.clock.now(),
  );
  if (!updated) throw alreadyExists('email', 'belongs to a user already');
  // Links that went to the old address must not open the account.
  if (updated.email !== user.email) await voidLinks(tx, tenantId, id);
  if (sendInvite) await invite(deps, tx, tenantId, updated);
  await tellUser(deps, tx, ctx, 'user.updated.v1', updated);
  if (role || status === 'disabled' || updated.email !== user.email || updated.tier !== user.tier) {
    revokeUsers(deps, tx, [id]);
  }
  if (status === 'disabled') await endAll(deps, tx, tenantId, id);
  return updated;
}

/** The status that follows from a change; refuses those that make no sense. */
function nextStatus(user: UserRow, input: Static<typeof UpdateUserRequest>): UserRow['status'] {
  const email = input.email ?? user.email;
  if (input.invite) {
    if (isPlaceholder(email))
      throw invalid({
        field: 'email',
        code: 'required',
        message: 'is required to invite an imported person',
      });
    if (user.status !== 'invited' && user.status !== 'imported') {
      throw conflict(
        'only_invited',
        `This user is ${user.status}; only invited and imported people can be invited.`,
      );
    }
    if (input.status === 'disabled')
      throw invalid({ field: 'invite', code: 'contradicts', message: 'contradicts the status disabled' });
    return 'invited';
  }
  if (input.status === 'active' && (user.status === 'imported' || user.status === 'invited')) {
    throw conflict(
      'not_invited_yet',
      'This person has no password yet and becomes active by accepting an invitation.',
      [{ field: 'status', code: 'not_now', message: 'send invite: true instead' }],
    );
  }
  return input.status ?? user.status;
}

/** Deletes a user: sessions and keys end, the address becomes free, tickets keep the name. */
export async function deleteUser(
  deps: ServiceDeps,
  tx: Tx,
  ctx: RequestContext,
  id: string,
  check: (user: { version: number }) => void,
): Promise<void> {
  const tenantId = ctx.scope.tenant_id;
  const user = await forChange(tx, ctx, id, true);
  check(user);
  await repository.remove(tx, tenantId, id, deps.clock.now());
  await endAll(deps, tx, tenantId, id);
  revokeUsers(deps, tx, [id]);
  await tellUser(deps, tx, ctx, 'user.deleted.v1', { ...user, version: user.version + 1 });
}

/** Locks a user for a change that the actor is entitled to. */
async function forChange(tx: Tx, ctx: RequestContext, id: string, mayLoseAdmin: boolean): Promise<UserRow> {
  const tenantId = ctx.scope.tenant_id;
  // Before the user's own row, in the same order for everybody, so that two admins cannot wait for each other.
  const admins = mayLoseAdmin ? await repository.lockActiveHolders(tx, tenantId, ADMIN_ROLE) : [];
  const user = await repository.byId(tx, tenantId, id, true);
  if (!user) throw notFound('user');
  const held = await roles.byId(tx, tenantId, user.role_id);
  mustMayChange(ctx, id, held?.permissions ?? []);
  if (mayLoseAdmin) mustNotBeLast(id, admins);
  return user;
}

async function endAll(deps: ServiceDeps, tx: Tx, tenantId: string, userId: string): Promise<void> {
  revokeSessions(deps, tx, await endSessionsOf(tx, tenantId, userId, 'account', deps.clock.now()));
}

/**
 * Makes people known by the names another system has for them; they cannot sign in. Sent again, also at the same
 * time, it creates nobody twice.
 */
export async function importUsers(
  deps: ServiceDeps,
  tx: Tx,
  ctx: RequestContext,
  input: Static<typeof ImportUsersRequest>,
): Promise<{ users: { external_id: string; id: string; created: boolean }[] }> {
  const tenantId = ctx.scope.tenant_id;
  const found = new Map<string, RoleRow>();
  for (const [i, { role: name }] of input.users.entries()) {
    if (found.has(name)) continue;
    const role = await roles.byName(tx, tenantId, name);
    const field = `users[${i}].role`;
    if (!role) throw invalid({ field, code: 'not_found', message: `"${name}" is not a role` });
    if (role.audience !== 'staff')
      throw invalid({ field, code: 'wrong_audience', message: 'must be a role of the staff' });
    mustHold(ctx, role.permissions);
    found.set(name, role);
  }
  const wanted = new Map<string, (typeof input.users)[number]>();
  for (const person of input.users)
    if (!wanted.has(person.external_id)) wanted.set(person.external_id, person);
  // One order for everybody: two imports of the same people must not wait for each other in a circle.
  const people = [...wanted.values()].sort((a, b) => (a.external_id < b.external_id ? -1 : 1));
  const inserted = await repository.insertImported(
    tx,
    tenantId,
    people.map((person) => {
      const id = deps.ids.uuid();
      const role = found.get(person.role)!;
      return {
        id,
        email: placeholder(id),
        name: person.name,
        role_id: role.id,
        audience: role.audience,
        customer_id: null,
        locale: 'de' as const,
        status: 'imported' as const,
        password_hash: null,
        source: input.source,
        external_id: person.external_id,
      };
    }),
    deps.clock.now(),
  );
  await tellUsers(deps, tx, ctx, 'user.created.v1', await repository.byIds(tx, tenantId, [...inserted]));
  const known = await repository.bySource(tx, tenantId, input.source, [...wanted.keys()]);
  const ids = new Map(known.map((row) => [row.external_id, row.id]));
  return {
    users: [...wanted.keys()].map((external_id) => {
      const id = ids.get(external_id)!;
      return { external_id, id, created: inserted.has(id) };
    }),
  };
}
