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

export const authEvents = {
  'tenant.created.v1': {
    description: 'a tenant was set up',
    service,
    data: Type.Object({ tenant_id: Uuid, name: Type.String() }),
  },
  'user.created.v1': { description: 'a user was created', service, data: UserFacts },
  'user.updated.v1': {
    description: 'name, role, status or locale of a user changed',
    service,
    data: UserFacts,
  },
  'user.deleted.v1': { description: 'a user was deleted', service, data: UserFacts },
  'user.recognised.v1': {
    description: 'a contact that is new, or whose address is, is a portal user that was there already',
    service,
    data: UserFacts,
  },
  'user.logged_in.v1': {
    description: 'a user signed in',
    service,
    data: Type.Object({ user_id: Uuid, address: Type.String() }),
  },
  'user.logged_out.v1': { description: 'a user signed out', service, data: Type.Object({ user_id: Uuid }) },
  'user.locked.v1': {
    description: 'too many failed logins locked an account',
    service,
    data: Type.Object({ user_id: Uuid, until: Type.String() }),
  },
  'user.password_changed.v1': {
    description: 'a password was changed or reset',
    service,
    data: Type.Object({ user_id: Uuid, how: Type.String() }),
  },
  'session.reuse_detected.v1': {
    description: 'a spent refresh token came back: the session was revoked',
    service,
    data: Type.Object({ user_id: Uuid, session_id: Uuid }),
  },
  'role.created.v1': {
    description: 'a role was created',
    service,
    data: Type.Object({ role_id: Uuid, name: Type.String(), permissions: Type.Array(Type.String()) }),
  },
  'role.updated.v1': {
    description: 'a role changed',
    service,
    data: Type.Object({ role_id: Uuid, name: Type.String(), permissions: Type.Array(Type.String()) }),
  },
  'role.deleted.v1': {
    description: 'a role was deleted',
    service,
    data: Type.Object({ role_id: Uuid, name: Type.String() }),
  },
  'api_key.created.v1': {
    description: 'an API key was issued',
    service,
    data: Type.Object({ api_key_id: Uuid, name: Type.String(), user_id: Type.Optional(Uuid) }),
  },
  'api_key.revoked.v1': {
    description: 'an API key was revoked: by its owner, by an administrator, or with the password',
    service,
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
    data: Type.Object({ kid: Type.String() }),
  },
} as const;
