import Type from 'typebox';
import { Nullable, Uuid } from '../common.ts';

const UserFacts = Type.Object({
  user_id: Uuid,
  email: Type.String(),
  name: Type.String(),
  role: Type.String(),
  audience: Type.String(),
  customer_id: Nullable(Uuid),
  status: Type.String(),
  version: Type.Integer(),
});
const service = 'auth';
const ofUser = { service, seenWith: 'user:view' } as const;
const ofRole = { service, seenWith: 'role:view' } as const;
const ofKey = { service, seenWith: 'api_key:view' } as const;
const ends = { endsSessionsOf: 'user' } as const;

export const authEvents = {
  'tenant.created.v1': {
    description: 'a tenant was set up',
    service,
    seenWith: 'event:view',
    data: Type.Object({ tenant_id: Uuid, name: Type.String() }),
  },
  'user.created.v1': { description: 'a user was created', ...ofUser, data: UserFacts },
  'user.updated.v1': {
    description: 'name, role, status or locale of a user changed',
    ...ofUser,
    ...ends,
    data: UserFacts,
  },
  'user.deleted.v1': { description: 'a user was deleted', ...ofUser, ...ends, data: UserFacts },
  'user.recognised.v1': {
    description: 'a contact that is new, or whose address is, is a portal user that was there already',
    ...ofUser,
    data: UserFacts,
  },
  'user.logged_in.v1': {
    description: 'a user signed in',
    ...ofUser,
    data: Type.Object({ user_id: Uuid, address: Type.String() }),
  },
  'user.logged_out.v1': { description: 'a user signed out', ...ofUser, data: Type.Object({ user_id: Uuid }) },
  'user.locked.v1': {
    description: 'too many failed logins locked an account',
    ...ofUser,
    ...ends,
    data: Type.Object({ user_id: Uuid, until: Type.String() }),
  },
  'user.password_changed.v1': {
    description: 'a password was changed or reset',
    ...ofUser,
    ...ends,
    data: Type.Object({ user_id: Uuid, how: Type.String() }),
  },
  'session.reuse_detected.v1': {
    description: 'a spent refresh token came back: the session was revoked',
    ...ofUser,
    ...ends,
    data: Type.Object({ user_id: Uuid, session_id: Uuid }),
  },
  'role.created.v1': {
    description: 'a role was created',
    ...ofRole,
    data: Type.Object({ role_id: Uuid, name: Type.String(), permissions: Type.Array(Type.String()) }),
  },
  'role.updated.v1': {
    description: 'a role changed',
    ...ofRole,
    endsSessionsOf: 'anybody',
    data: Type.Object({ role_id: Uuid, name: Type.String(), permissions: Type.Array(Type.String()) }),
  },
  'role.deleted.v1': {
    description: 'a role was deleted',
    ...ofRole,
    data: Type.Object({ role_id: Uuid, name: Type.String() }),
  },
  'api_key.created.v1': {
    description: 'an API key was issued',
    ...ofKey,
    data: Type.Object({ api_key_id: Uuid, name: Type.String(), user_id: Type.Optional(Uuid) }),
  },
  'api_key.revoked.v1': {
    description: 'an API key was revoked: by its owner, by an administrator, or with the password',
    ...ofKey,
    data: Type.Object({
      api_key_id: Uuid,
      name: Type.String(),
      user_id: Type.Optional(Uuid),
      because: Type.Optional(Type.String()),
    }),
  },
  'signing_key.rotated.v1': {
    description: 'a new token signing key is in use',
    service,
    seenWith: 'event:view',
    data: Type.Object({ kid: Type.String() }),
  },
} as const;
