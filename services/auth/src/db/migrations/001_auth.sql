-- Identity: tenants, roles, users, sessions, keys, and the audit log.
--
-- Four look-ups must find a row before the tenant is known, and set-up happens before there is one. They are
-- the only ways across row-level security here: SECURITY DEFINER functions of psa_owner, each returning the
-- least that lets the caller open a transaction of the right tenant, executable by psa_auth alone:
--   auth.find_user_by_email(text)       tenant and id of the user who signs in or forgot the password
--   auth.find_refresh_token(bytea)      tenant and session of a refresh token, by its hash
--   auth.find_api_key(bytea)            tenant and id of an API key, by its hash
--   auth.find_password_token(bytea)     tenant and user of a mailed link, by its hash
--   auth.tenant_exists()                whether the platform was set up
--   auth.take_setup_token(bytea, timestamptz)   spends the first administrator's link, once, while no tenant exists

create table auth.tenants (
  tenant_id uuid primary key,
  name text not null,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
call psa.protect('auth.tenants', 'tenant');

create table auth.roles (
  tenant_id uuid not null references auth.tenants,
  id uuid not null,
  name text not null,
  title jsonb not null,
  audience text not null check (audience in ('staff', 'customer')),
  permissions text[] not null,
  system boolean not null default false,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  primary key (tenant_id, id),
  -- The target of users' foreign key: a user's audience is always that of the role.
  unique (tenant_id, id, audience)
);
create unique index roles_name on auth.roles (tenant_id, name) where deleted_at is null;
call psa.protect('auth.roles', 'tenant');

create table auth.users (
  tenant_id uuid not null references auth.tenants,
  id uuid not null,
  email text not null,
  name text not null,
  role_id uuid not null,
  audience text not null,
  customer_id uuid,
  locale text not null check (locale in ('de', 'en')),
  status text not null check (status in ('active', 'invited', 'disabled', 'imported')),
  tier text not null default 'standard' check (tier in ('standard', 'professional', 'enterprise')),
  -- PHC string; null: cannot sign in with a password.
  password_hash text,
  failed_logins integer not null default 0,
  failed_since timestamptz,
  locked_until timestamptz,
  last_login_at timestamptz,
  -- Where an imported person comes from, and its name there.
  source text,
  external_id text,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, role_id, audience) references auth.roles (tenant_id, id, audience),
  check ((audience = 'customer') = (customer_id is not null)),
  check ((source is null) = (external_id is null))
);
-- Over all tenants: an address says whose account it is before the tenant is known.
create unique index users_email on auth.users (lower(email)) where deleted_at is null;
create unique index users_origin on auth.users (tenant_id, source, external_id) where source is not null;
create index users_role on auth.users (tenant_id, role_id) where deleted_at is null;
create index users_name on auth.users (tenant_id, lower(name), id) where deleted_at is null;
call psa.protect('auth.users', 'customer');

-- Sessions, their tokens, reset links and API keys belong to a person: staff see them all, portal users their own.
create procedure auth.protect_personal(target regclass) language plpgsql as $$
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('create policy tenant_isolation on %s using (tenant_id = psa.tenant_id() and '
    '((select psa.customer_id()) is null or '
    'user_id = nullif(current_setting(''psa.user_id'', true), '''')::uuid))', target);
end $$;
revoke all on procedure auth.protect_personal(regclass) from public;

-- A session is a family of refresh tokens: one login.
create table auth.sessions (
  tenant_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  kind text not null check (kind in ('token', 'cookie')),
  -- What X-CSRF-Token must say in a cookie session; the same for its whole life, so that tabs never disagree.
  csrf text,
  address text not null,
  user_agent text not null,
  created_at timestamptz not null,
  last_used_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  revoked_because text,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references auth.users
);
create index sessions_user on auth.sessions (tenant_id, user_id, expires_at);
call auth.protect_personal('auth.sessions');

create table auth.refresh_tokens (
  tenant_id uuid not null,
  hash bytea not null,
  user_id uuid not null,
  session_id uuid not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  spent_at timestamptz,
  -- With the spent token itself (never stored) this yields its successor, for the seconds of grace.
  salt bytea,
  primary key (tenant_id, hash),
  foreign key (tenant_id, session_id) references auth.sessions on delete cascade
);
create unique index refresh_tokens_hash on auth.refresh_tokens (hash);
create index refresh_tokens_session on auth.refresh_tokens (tenant_id, session_id);
call auth.protect_personal('auth.refresh_tokens');

-- Mailed links: reset a password, accept an invitation.
create table auth.password_tokens (
  tenant_id uuid not null,
  hash bytea not null,
  user_id uuid not null,
  purpose text not null check (purpose in ('reset', 'invite')),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (tenant_id, hash),
  foreign key (tenant_id, user_id) references auth.users
);
create unique index password_tokens_hash on auth.password_tokens (hash);
create index password_tokens_user on auth.password_tokens (tenant_id, user_id);
call auth.protect_personal('auth.password_tokens');

create table auth.api_keys (
  tenant_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  -- Null: the role that the owner has at the time of use.
  role_id uuid,
  name text not null,
  prefix text not null,
  hash bytea not null,
  created_at timestamptz not null,
  last_used_at timestamptz,
  expires_at timestamptz,
  deleted_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references auth.users,
  foreign key (tenant_id, role_id) references auth.roles
);
create unique index api_keys_hash on auth.api_keys (hash);
create index api_keys_user on auth.api_keys (tenant_id, user_id) where deleted_at is null;
call auth.protect_personal('auth.api_keys');

-- Without tenant: spent to make the first one. Rows are visible to the platform's own workers only.
create table auth.setup_tokens (
  hash bytea primary key,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
alter table auth.setup_tokens enable row level security;
alter table auth.setup_tokens force row level security;
create policy platform_only on auth.setup_tokens using (psa.is_system());

-- Without tenant: one set of keys signs the tokens of all. The private halves are encrypted by the application,
-- and rows are visible to the platform's own workers only.
create table auth.signing_keys (
  kid text primary key,
  public_jwk jsonb not null,
  -- Null once the key no longer signs.
  private_key text,
  created_at timestamptz not null,
  active_from timestamptz not null,
  -- When the last token it signed has expired; null while it is the newest.
  expires_at timestamptz
);
alter table auth.signing_keys enable row level security;
alter table auth.signing_keys force row level security;
create policy platform_only on auth.signing_keys using (psa.is_system());

-- The audit log: append-only, hash-chained per tenant. Not partitioned by month: the number of an entry must be
-- unique over the whole chain, which PostgreSQL cannot promise across partitions of another key, and entries are
-- never dropped. Every index begins with the tenant and ends with the number, so inserts touch the right edge.
create table auth.audit_log (
  tenant_id uuid not null,
  seq bigint not null,
  -- Id of the event.
  id uuid not null,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null,
  action text not null,
  actor jsonb not null,
  actor_id text generated always as (actor ->> 'id') stored,
  object_type text not null,
  object_id text not null,
  request_id text,
  detail jsonb not null,
  prev_hash text not null,
  hash text not null,
  primary key (tenant_id, seq)
);
create index audit_log_object on auth.audit_log (tenant_id, object_type, object_id, seq);
create index audit_log_actor on auth.audit_log (tenant_id, actor_id, seq);
create index audit_log_occurred on auth.audit_log using brin (occurred_at);
call psa.protect('auth.audit_log', 'staff');
revoke update, delete, truncate on auth.audit_log from psa_auth;

-- The end of each chain; locked while entries are appended.
create table auth.audit_heads (
  tenant_id uuid primary key,
  seq bigint not null,
  hash text not null
);
call psa.protect('auth.audit_heads', 'staff');
revoke delete, truncate on auth.audit_heads from psa_auth;

create function auth.find_user_by_email(address text) returns table (tenant_id uuid, user_id uuid)
language sql stable security definer set search_path = auth, pg_temp as $$
  select u.tenant_id, u.id from auth.users u where lower(u.email) = lower(address) and u.deleted_at is null
$$;
create function auth.find_refresh_token(token_hash bytea) returns table (tenant_id uuid, session_id uuid)
language sql stable security definer set search_path = auth, pg_temp as $$
  select t.tenant_id, t.session_id from auth.refresh_tokens t where t.hash = token_hash
$$;
create function auth.find_api_key(key_hash bytea) returns table (tenant_id uuid, api_key_id uuid)
language sql stable security definer set search_path = auth, pg_temp as $$
  select k.tenant_id, k.id from auth.api_keys k where k.hash = key_hash and k.deleted_at is null
$$;
create function auth.find_password_token(token_hash bytea) returns table (tenant_id uuid, user_id uuid)
language sql stable security definer set search_path = auth, pg_temp as $$
  select t.tenant_id, t.user_id from auth.password_tokens t where t.hash = token_hash
$$;
create function auth.tenant_exists() returns boolean
language sql stable security definer set search_path = auth, pg_temp as $$
  select exists (select from auth.tenants)
$$;
create function auth.take_setup_token(token_hash bytea, at timestamptz) returns boolean
language plpgsql security definer set search_path = auth, pg_temp as $$
begin
  -- Two at once with two valid links: the second waits here and then finds a tenant.
  perform pg_advisory_xact_lock(hashtext('auth.setup'));
  if exists (select from auth.tenants) then
    return false;
  end if;
  delete from auth.setup_tokens s where s.hash = token_hash and s.expires_at > at;
  return found;
end $$;

revoke all on function auth.find_user_by_email(text), auth.find_refresh_token(bytea), auth.find_api_key(bytea),
  auth.find_password_token(bytea), auth.tenant_exists(), auth.take_setup_token(bytea, timestamptz) from public;
grant execute on function auth.find_user_by_email(text), auth.find_refresh_token(bytea), auth.find_api_key(bytea),
  auth.find_password_token(bytea), auth.tenant_exists(), auth.take_setup_token(bytea, timestamptz) to psa_auth;
