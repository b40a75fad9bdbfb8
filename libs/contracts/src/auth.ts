import Type, { type Static } from 'typebox';
import { Closed, Email, Line, listQuery, Nullable, StringEnum, Timestamp, Uuid } from './common.ts';

export const User = Type.Object({
  id: Uuid,
  email: Type.String({
    description: 'an imported person has a placeholder under `.invalid` (RFC 2606) until invited',
  }),
  name: Type.String(),
  role: Type.String(),
  audience: StringEnum(['staff', 'customer']),
  customer_id: Nullable(Uuid),
  locale: StringEnum(['de', 'en']),
  status: StringEnum(['active', 'invited', 'disabled', 'imported'], {
    description: 'imported: known from another system by name, cannot sign in until invited',
  }),
  tier: StringEnum(['standard', 'professional', 'enterprise']),
  last_login_at: Nullable(Timestamp),
  locked_until: Nullable(Timestamp),
  version: Type.Integer(),
  created_at: Timestamp,
  updated_at: Timestamp,
});
export type User = Static<typeof User>;

/** Who is signed in, with what they may do. */
export const Me = Type.Object({
  id: Uuid,
  tenant_id: Uuid,
  tenant_name: Type.String(),
  email: Type.String(),
  name: Type.String(),
  role: Type.String(),
  audience: StringEnum(['staff', 'customer']),
  customer_id: Nullable(Uuid),
  locale: StringEnum(['de', 'en']),
  permissions: Type.Array(Type.String()),
});
export type Me = Static<typeof Me>;

/** Any string is taken: the policy is for new passwords, and a login says no more than "wrong". */
const CurrentPassword = Type.String({ minLength: 1, maxLength: 256 });
/** Length bounds only; the policy names its reasons in `details`. */
export const NewPassword = Type.String({ minLength: 1, maxLength: 256 });

export const LoginRequest = Closed({
  email: Type.String({ minLength: 1, maxLength: 254 }),
  password: CurrentPassword,
  session: Type.Optional(
    StringEnum(['token', 'cookie'], {
      default: 'token',
      description: 'cookie: tokens are set as HttpOnly cookies and not returned',
    }),
  ),
});
export const TokenResponse = Type.Object({
  user: Me,
  access_token: Type.Optional(Type.String()),
  refresh_token: Type.Optional(Type.String()),
  token_type: Type.Optional(Type.Literal('Bearer')),
  expires_in: Type.Integer({ description: 'seconds' }),
});
export const RefreshRequest = Closed({
  refresh_token: Type.Optional(Type.String({ maxLength: 512, description: 'absent in cookie sessions' })),
});
/** By refresh token; a cookie or the access token does as well, and then there need be no body. */
export const LogoutRequest = RefreshRequest;
export const ChangePasswordRequest = Closed({
  current_password: CurrentPassword,
  new_password: NewPassword,
  keep_api_keys: Type.Optional(
    Type.Boolean({ default: false, description: 'API keys end with the password unless this is true' }),
  ),
});
export const ForgotPasswordRequest = Closed({ email: Email });
export const ResetPasswordRequest = Closed({
  token: Type.String({ minLength: 10, maxLength: 200 }),
  new_password: NewPassword,
});
export const SetupRequest = Closed({
  token: Type.String({ minLength: 10, maxLength: 200 }),
  tenant_name: Line(200),
  name: Line(200),
  email: Email,
  password: NewPassword,
});

export const SetupResult = Type.Object({ tenant_id: Uuid, admin_id: Uuid });
/** Whether the platform waits for its first administrator. */
export const SetupStatus = Type.Object({ needed: Type.Boolean() });

/** A JSON Web Key Set (RFC 7517) with the public halves of the signing keys; not wrapped in `data`. */
export const KeySet = Type.Object({
  keys: Type.Array(
    Type.Object({
      kty: Type.String(),
      kid: Type.String(),
      alg: Type.String(),
      use: Type.String(),
      n: Type.String(),
      e: Type.String(),
    }),
  ),
});
export const RotatedKey = Type.Object({
  kid: Type.String(),
  active_from: Type.String({ format: 'date-time', description: 'signs from then on; published at once' }),
});

export const CreateUserRequest = Closed({
  email: Email,
  name: Line(200),
  role: Line(50),
  customer_id: Type.Optional(Nullable(Uuid)),
  locale: Type.Optional(StringEnum(['de', 'en'], { default: 'de' })),
  password: Type.Optional(NewPassword),
  invite: Type.Optional(Type.Boolean({ description: 'send a mail with a link to set the password' })),
});
export const UpdateUserRequest = Closed(
  {
    email: Type.Optional(Email),
    invite: Type.Optional(Type.Boolean({ description: 'send a mail with a link to set the password' })),
    name: Type.Optional(Line(200)),
    role: Type.Optional(Line(50)),
    locale: Type.Optional(StringEnum(['de', 'en'])),
    status: Type.Optional(StringEnum(['active', 'disabled'])),
    tier: Type.Optional(StringEnum(['standard', 'professional', 'enterprise'])),
  },
  { minProperties: 1 },
);
export const ListUsersQuery = Closed({
  ...listQuery,
  role: Type.Optional(Type.String({ maxLength: 50 })),
  status: Type.Optional(StringEnum(['active', 'invited', 'disabled', 'imported'])),
  audience: Type.Optional(StringEnum(['staff', 'customer'])),
  customer_id: Type.Optional(Uuid),
});

/** Several people at once by the name another system knows them by; existing ones are returned unchanged. */
export const ImportUsersRequest = Closed({
  source: Line(50),
  users: Type.Array(Closed({ external_id: Line(200), name: Line(200), role: Line(50) }), {
    minItems: 1,
    maxItems: 500,
  }),
});
export const ImportUsersResponse = Type.Object({
  users: Type.Array(Type.Object({ external_id: Type.String(), id: Uuid, created: Type.Boolean() })),
});

export const ListRolesQuery = Closed({
  ...listQuery,
  audience: Type.Optional(StringEnum(['staff', 'customer'])),
});
export const Role = Type.Object({
  id: Uuid,
  name: Type.String(),
  title: Type.Object({ de: Type.String(), en: Type.String() }),
  audience: StringEnum(['staff', 'customer']),
  permissions: Type.Array(Type.String()),
  system: Type.Boolean(),
  version: Type.Integer(),
});
export type Role = Static<typeof Role>;
const RoleTitle = Closed({ de: Line(100), en: Line(100) });
export const CreateRoleRequest = Closed({
  name: Type.String({ pattern: '^[a-z][a-z0-9_]{1,48}$' }),
  title: RoleTitle,
  audience: StringEnum(['staff', 'customer']),
  permissions: Type.Array(Type.String({ maxLength: 60 }), { maxItems: 200, uniqueItems: true }),
});
export const UpdateRoleRequest = Closed(
  {
    title: Type.Optional(RoleTitle),
    permissions: Type.Optional(
      Type.Array(Type.String({ maxLength: 60 }), { maxItems: 200, uniqueItems: true }),
    ),
  },
  { minProperties: 1 },
);

export const ApiKey = Type.Object({
  id: Uuid,
  name: Type.String(),
  prefix: Type.String(),
  role: Type.String(),
  user_id: Uuid,
  user_name: Type.String({ description: 'whose key it is' }),
  created_at: Timestamp,
  last_used_at: Nullable(Timestamp),
  expires_at: Nullable(Timestamp),
});
/** A new key; `key` is shown this once. */
export const CreatedApiKey = Type.Object({ ...ApiKey.properties, key: Type.String() });
export const ListApiKeysQuery = Closed({
  ...listQuery,
  user_id: Type.Optional(
    Type.Union([Uuid, Type.Literal('all')], {
      description: 'whose; `all`: everybody’s. Other than one’s own only with api_key:view',
    }),
  ),
});
/** Between services: a key for an access token of its owner. Not wrapped in `data`. */
export const ExchangeApiKeyRequest = Closed({ api_key: Type.String({ minLength: 1, maxLength: 200 }) });
export const ExchangeApiKeyResponse = Type.Object({
  access_token: Type.String(),
  expires_in: Type.Integer({ description: 'seconds' }),
});
export const UpdateApiKeyRequest = Closed({ name: Line(100) });
/** Without `role` the key may do what its owner may. */
export const CreateApiKeyRequest = Closed({
  name: Line(100),
  current_password: CurrentPassword,
  role: Type.Optional(Line(50)),
  expires_in_days: Type.Optional(Type.Integer({ minimum: 1, maximum: 3650 })),
});

export const AuditEntry = Type.Object({
  /** Id of the event that was recorded. */
  id: Uuid,
  seq: Type.Integer(),
  occurred_at: Timestamp,
  action: Type.String(),
  actor: Type.Object({ kind: Type.String(), id: Nullable(Type.String()), name: Nullable(Type.String()) }),
  object: Type.Object({ type: Type.String(), id: Type.String() }),
  request_id: Nullable(Type.String()),
  detail: Type.Record(Type.String(), Type.Unknown()),
  hash: Type.String(),
});
export const ListAuditQuery = Closed({
  limit: listQuery.limit,
  cursor: listQuery.cursor,
  action: Type.Optional(Type.String({ maxLength: 100 })),
  actor_id: Type.Optional(Uuid),
  object_type: Type.Optional(Type.String({ maxLength: 50 })),
  object_id: Type.Optional(Type.String({ maxLength: 64 })),
  after: Type.Optional(Timestamp),
  before: Type.Optional(Timestamp),
});
export const AuditVerification = Type.Object({
  entries: Type.Integer(),
  intact: Type.Boolean(),
  first_broken_seq: Nullable(Type.Integer()),
  reason: Nullable(Type.String()),
  head_hash: Nullable(Type.String()),
});
