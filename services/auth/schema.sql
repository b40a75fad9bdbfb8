-- tables

create table auth.api_keys (
  tenant_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  role_id uuid,
  name text not null,
  prefix text not null,
  hash bytea not null,
  created_at timestamp with time zone not null,
  last_used_at timestamp with time zone,
  expires_at timestamp with time zone,
  deleted_at timestamp with time zone,
  constraint api_keys_pkey PRIMARY KEY (tenant_id, id),
  constraint api_keys_tenant_id_role_id_fkey FOREIGN KEY (tenant_id, role_id) REFERENCES auth.roles(tenant_id, id),
  constraint api_keys_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES auth.users(tenant_id, id)
);

create table auth.audit_heads (
  tenant_id uuid not null,
  seq bigint not null,
  hash text not null,
  constraint audit_heads_pkey PRIMARY KEY (tenant_id)
);

create table auth.audit_log (
  tenant_id uuid not null,
  seq bigint not null,
  id uuid not null,
  occurred_at timestamp with time zone not null,
  recorded_at timestamp with time zone not null,
  action text not null,
  actor jsonb not null,
  actor_id text generated always as ((actor ->> 'id'::text)) stored,
  object_type text not null,
  object_id text not null,
  request_id text,
  detail jsonb not null,
  prev_hash text not null,
  hash text not null,
  constraint audit_log_pkey PRIMARY KEY (tenant_id, seq)
);

create table auth.backup_reports (
  tenant_id uuid not null,
  site text not null,
  at timestamp with time zone not null,
  report jsonb not null,
  constraint backup_reports_pkey PRIMARY KEY (tenant_id, site),
  constraint backup_reports_site_check CHECK (((length(site) >= 1) AND (length(site) <= 80))),
  constraint backup_reports_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES auth.tenants(tenant_id)
);

create table auth.customers (
  tenant_id uuid not null,
  customer_id uuid not null,
  blocked boolean not null,
  version integer not null,
  constraint customers_pkey PRIMARY KEY (tenant_id, customer_id)
);

create table auth.idempotency (
  tenant_id uuid not null,
  user_id uuid not null,
  key text not null,
  fingerprint text not null,
  status integer,
  headers jsonb,
  body jsonb,
  created_at timestamp with time zone not null default now(),
  constraint idempotency_pkey PRIMARY KEY (tenant_id, user_id, key)
);

create table auth.inbox (
  tenant_id uuid not null,
  consumer text not null,
  event_id uuid not null,
  processed_at timestamp with time zone not null default now(),
  constraint inbox_pkey PRIMARY KEY (tenant_id, consumer, event_id)
);

create table auth.outbox (
  tenant_id uuid not null,
  seq bigint not null generated always as identity,
  event jsonb not null,
  created_at timestamp with time zone not null default now(),
  constraint outbox_pkey PRIMARY KEY (tenant_id, seq)
);

create table auth.password_tokens (
  tenant_id uuid not null,
  hash bytea not null,
  user_id uuid not null,
  purpose text not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  constraint password_tokens_pkey PRIMARY KEY (tenant_id, hash),
  constraint password_tokens_purpose_check CHECK ((purpose = ANY (ARRAY['reset'::text, 'invite'::text]))),
  constraint password_tokens_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES auth.users(tenant_id, id)
);

create table auth.refresh_tokens (
  tenant_id uuid not null,
  hash bytea not null,
  user_id uuid not null,
  session_id uuid not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  spent_at timestamp with time zone,
  salt bytea,
  constraint refresh_tokens_pkey PRIMARY KEY (tenant_id, hash),
  constraint refresh_tokens_tenant_id_session_id_fkey FOREIGN KEY (tenant_id, session_id) REFERENCES auth.sessions(tenant_id, id) ON DELETE CASCADE
);

create table auth.roles (
  tenant_id uuid not null,
  id uuid not null,
  name text not null,
  title jsonb not null,
  audience text not null,
  permissions text[] not null,
  system boolean not null default false,
  version integer not null default 1,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  constraint roles_audience_check CHECK ((audience = ANY (ARRAY['staff'::text, 'customer'::text]))),
  constraint roles_pkey PRIMARY KEY (tenant_id, id),
  constraint roles_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES auth.tenants(tenant_id),
  constraint roles_tenant_id_id_audience_key UNIQUE (tenant_id, id, audience)
);

create table auth.sessions (
  tenant_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  kind text not null,
  csrf text,
  address text not null,
  user_agent text not null,
  created_at timestamp with time zone not null,
  last_used_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  revoked_at timestamp with time zone,
  revoked_because text,
  constraint sessions_kind_check CHECK ((kind = ANY (ARRAY['token'::text, 'cookie'::text]))),
  constraint sessions_pkey PRIMARY KEY (tenant_id, id),
  constraint sessions_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES auth.users(tenant_id, id)
);

create table auth.setup_tokens (
  hash bytea not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  constraint setup_tokens_pkey PRIMARY KEY (hash)
);

create table auth.signing_keys (
  kid text not null,
  public_jwk jsonb not null,
  private_key text,
  created_at timestamp with time zone not null,
  active_from timestamp with time zone not null,
  expires_at timestamp with time zone,
  constraint signing_keys_pkey PRIMARY KEY (kid)
);

create table auth.tenants (
  tenant_id uuid not null,
  name text not null,
  version integer not null default 1,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint tenants_pkey PRIMARY KEY (tenant_id)
);

create table auth.timers (
  tenant_id uuid not null,
  kind text not null,
  key text not null,
  due_at timestamp with time zone not null,
  payload jsonb not null default '{}'::jsonb,
  attempts integer not null default 0,
  constraint timers_pkey PRIMARY KEY (tenant_id, kind, key)
);

create table auth.users (
  tenant_id uuid not null,
  id uuid not null,
  email text not null,
  name text not null,
  role_id uuid not null,
  audience text not null,
  customer_id uuid,
  locale text not null,
  status text not null,
  tier text not null default 'standard'::text,
  password_hash text,
  failed_logins integer not null default 0,
  failed_since timestamp with time zone,
  locked_until timestamp with time zone,
  last_login_at timestamp with time zone,
  source text,
  external_id text,
  version integer not null default 1,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  search_text text collate "C",
  constraint users_check CHECK (((audience = 'customer'::text) = (customer_id IS NOT NULL))),
  constraint users_check1 CHECK (((source IS NULL) = (external_id IS NULL))),
  constraint users_locale_check CHECK ((locale = ANY (ARRAY['de'::text, 'en'::text]))),
  constraint users_pkey PRIMARY KEY (tenant_id, id),
  constraint users_status_check CHECK ((status = ANY (ARRAY['active'::text, 'invited'::text, 'disabled'::text, 'imported'::text]))),
  constraint users_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES auth.tenants(tenant_id),
  constraint users_tenant_id_role_id_audience_fkey FOREIGN KEY (tenant_id, role_id, audience) REFERENCES auth.roles(tenant_id, id, audience),
  constraint users_tier_check CHECK ((tier = ANY (ARRAY['standard'::text, 'professional'::text, 'enterprise'::text])))
);

-- indexes

CREATE UNIQUE INDEX api_keys_hash ON auth.api_keys USING btree (hash);

CREATE INDEX api_keys_user ON auth.api_keys USING btree (tenant_id, user_id) WHERE (deleted_at IS NULL);

CREATE INDEX audit_log_actor ON auth.audit_log USING btree (tenant_id, actor_id, seq);

CREATE INDEX audit_log_object ON auth.audit_log USING btree (tenant_id, object_type, object_id, seq);

CREATE INDEX audit_log_occurred ON auth.audit_log USING brin (occurred_at);

CREATE INDEX idempotency_created_at ON auth.idempotency USING btree (created_at);

CREATE INDEX inbox_processed_at ON auth.inbox USING brin (processed_at);

CREATE INDEX outbox_seq ON auth.outbox USING btree (seq);

CREATE UNIQUE INDEX password_tokens_hash ON auth.password_tokens USING btree (hash);

CREATE INDEX password_tokens_user ON auth.password_tokens USING btree (tenant_id, user_id);

CREATE UNIQUE INDEX refresh_tokens_hash ON auth.refresh_tokens USING btree (hash);

CREATE INDEX refresh_tokens_session ON auth.refresh_tokens USING btree (tenant_id, session_id);

CREATE UNIQUE INDEX roles_name ON auth.roles USING btree (tenant_id, name) WHERE (deleted_at IS NULL);

CREATE INDEX sessions_user ON auth.sessions USING btree (tenant_id, user_id, expires_at);

CREATE INDEX timers_due_at ON auth.timers USING btree (due_at);

CREATE INDEX users_customer ON auth.users USING btree (tenant_id, customer_id) WHERE (customer_id IS NOT NULL);

CREATE UNIQUE INDEX users_email ON auth.users USING btree (lower(email)) WHERE (deleted_at IS NULL);

CREATE INDEX users_name ON auth.users USING btree (tenant_id, lower(name), id) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX users_origin ON auth.users USING btree (tenant_id, source, external_id) WHERE (source IS NOT NULL);

CREATE INDEX users_role ON auth.users USING btree (tenant_id, role_id) WHERE (deleted_at IS NULL);

-- row-level security

alter table auth.api_keys enable row level security, force row level security;
create policy tenant_isolation on auth.api_keys for all to public
  using (((tenant_id = psa.tenant_id()) AND ((( SELECT psa.customer_id() AS customer_id) IS NULL) OR (user_id = (NULLIF(current_setting('psa.user_id'::text, true), ''::text))::uuid))));

alter table auth.audit_heads enable row level security, force row level security;
create policy tenant_isolation on auth.audit_heads for all to public
  using (((tenant_id = psa.tenant_id()) AND
CASE
    WHEN (( SELECT psa.customer_id() AS customer_id) IS NULL) THEN true
    ELSE false
END))
  with check (((tenant_id = psa.tenant_id()) AND
CASE
    WHEN (( SELECT psa.customer_id() AS customer_id) IS NULL) THEN true
    ELSE false
END));

alter table auth.audit_log enable row level security, force row level security;
create policy tenant_isolation on auth.audit_log for all to public
  using (((tenant_id = psa.tenant_id()) AND
CASE
    WHEN (( SELECT psa.customer_id() AS customer_id) IS NULL) THEN true
    ELSE false
END))
  with check (((tenant_id = psa.tenant_id()) AND
CASE
    WHEN (( SELECT psa.customer_id() AS customer_id) IS NULL) THEN true
    ELSE false
END));

alter table auth.backup_reports enable row level security, force row level security;
create policy tenant_isolation on auth.backup_reports for all to public
  using (((tenant_id = psa.tenant_id()) AND
CASE
    WHEN (( SELECT psa.customer_id() AS customer_id) IS NULL) THEN true
    ELSE false
END))
  with check (((tenant_id = psa.tenant_id()) AND
CASE
    WHEN (( SELECT psa.customer_id() AS customer_id) IS NULL) THEN true
    ELSE false
END));

alter table auth.customers enable row level security, force row level security;
create policy tenant_isolation on auth.customers for all to public
  using (((tenant_id = psa.tenant_id()) AND
CASE
    WHEN (( SELECT psa.customer_id() AS customer_id) IS NULL) THEN true
    ELSE ((customer_id = psa.customer_id()) AND true)
END))
  with check (((tenant_id = psa.tenant_id()) AND
CASE
    WHEN (( SELECT psa.customer_id() AS customer_id) IS NULL) THEN true
    ELSE ((customer_id = psa.customer_id()) AND true)
END));

alter table auth.idempotency enable row level security, force row level security;
create policy tenant_isolation on auth.idempotency for all to public
  using ((((tenant_id = psa.tenant_id()) AND (user_id = (NULLIF(current_setting('psa.user_id'::text, true), ''::text))::uuid)) OR psa.is_system()));

alter table auth.inbox enable row level security, force row level security;
create policy tenant_isolation on auth.inbox for all to public
  using ((((tenant_id = psa.tenant_id()) AND
CASE
    WHEN (( SELECT psa.customer_id() AS customer_id) IS NULL) THEN true
    ELSE false
END) OR psa.is_system()))
  with check ((((tenant_id = psa.tenant_id()) AND
CASE
    WHEN (( SELECT psa.customer_id() AS customer_id) IS NULL) THEN true
    ELSE false
END) OR psa.is_system()));

alter table auth.outbox enable row level security, force row level security;
create policy tenant_append on auth.outbox for insert to public
  with check ((tenant_id = psa.tenant_id()));
create policy tenant_isolation on auth.outbox for all to public
  using (psa.is_system())
  with check ((tenant_id = psa.tenant_id()));

alter table auth.password_tokens enable row level security, force row level security;
create policy tenant_isolation on auth.password_tokens for all to public
  using (((tenant_id = psa.tenant_id()) AND ((( SELECT psa.customer_id() AS customer_id) IS NULL) OR (user_id = (NULLIF(current_setting('psa.user_id'::text, true), ''::text))::uuid))));

alter table auth.refresh_tokens enable row level security, force row level security;
create policy tenant_isolation on auth.refresh_tokens for all to public
  using (((tenant_id = psa.tenant_id()) AND ((( SELECT psa.customer_id() AS customer_id) IS NULL) OR (user_id = (NULLIF(current_setting('psa.user_id'::text, true), ''::text))::uuid))));

alter table auth.roles enable row level security, force row level security;
create policy tenant_isolation on auth.roles for all to public
  using ((tenant_id = psa.tenant_id()))
  with check ((tenant_id = psa.tenant_id()));

alter table auth.sessions enable row level security, force row level security;
create policy tenant_isolation on auth.sessions for all to public
  using (((tenant_id = psa.tenant_id()) AND ((( SELECT psa.customer_id() AS customer_id) IS NULL) OR (user_id = (NULLIF(current_setting('psa.user_id'::text, true), ''::text))::uuid))));

alter table auth.setup_tokens enable row level security, force row level security;
create policy platform_only on auth.setup_tokens for all to public
  using (psa.is_system());

alter table auth.signing_keys enable row level security, force row level security;
create policy platform_only on auth.signing_keys for all to public
  using (psa.is_system());

alter table auth.tenants enable row level security, force row level security;
create policy tenant_isolation on auth.tenants for all to public
  using ((tenant_id = psa.tenant_id()))
  with check ((tenant_id = psa.tenant_id()));

alter table auth.timers enable row level security, force row level security;
create policy tenant_isolation on auth.timers for all to public
  using (((tenant_id = psa.tenant_id()) OR psa.is_system()));

alter table auth.users enable row level security, force row level security;
create policy tenant_isolation on auth.users for all to public
  using (((tenant_id = psa.tenant_id()) AND
CASE
    WHEN (( SELECT psa.customer_id() AS customer_id) IS NULL) THEN true
    ELSE ((customer_id = psa.customer_id()) AND true)
END))
  with check (((tenant_id = psa.tenant_id()) AND
CASE
    WHEN (( SELECT psa.customer_id() AS customer_id) IS NULL) THEN true
    ELSE ((customer_id = psa.customer_id()) AND true)
END));

-- functions

CREATE OR REPLACE FUNCTION auth.find_api_key(key_hash bytea)
 RETURNS TABLE(tenant_id uuid, api_key_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'pg_temp'
AS $function$
  select k.tenant_id, k.id from auth.api_keys k where k.hash = key_hash and k.deleted_at is null
$function$;

CREATE OR REPLACE FUNCTION auth.find_password_token(token_hash bytea)
 RETURNS TABLE(tenant_id uuid, user_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'pg_temp'
AS $function$
  select t.tenant_id, t.user_id from auth.password_tokens t where t.hash = token_hash
$function$;

CREATE OR REPLACE FUNCTION auth.find_refresh_token(token_hash bytea)
 RETURNS TABLE(tenant_id uuid, session_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'pg_temp'
AS $function$
  select t.tenant_id, t.session_id from auth.refresh_tokens t where t.hash = token_hash
$function$;

CREATE OR REPLACE FUNCTION auth.find_user_by_email(address text)
 RETURNS TABLE(tenant_id uuid, user_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'pg_temp'
AS $function$
  select u.tenant_id, u.id from auth.users u where lower(u.email) = lower(address) and u.deleted_at is null
$function$;

CREATE OR REPLACE PROCEDURE auth.protect_personal(IN target regclass)
 LANGUAGE plpgsql
AS $procedure$
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('create policy tenant_isolation on %s using (tenant_id = psa.tenant_id() and '
    '((select psa.customer_id()) is null or '
    'user_id = nullif(current_setting(''psa.user_id'', true), '''')::uuid))', target);
end $procedure$;

CREATE OR REPLACE FUNCTION auth.take_setup_token(token_hash bytea, at timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'auth', 'pg_temp'
AS $function$
begin
  -- Two at once with two valid links: the second waits here and then finds a tenant.
  perform pg_advisory_xact_lock(hashtext('auth.setup'));
  if exists (select from auth.tenants) then
    return false;
  end if;
  delete from auth.setup_tokens s where s.hash = token_hash and s.expires_at > at;
  return found;
end $function$;

CREATE OR REPLACE FUNCTION auth.tenant_exists()
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'auth', 'pg_temp'
AS $function$
  select exists (select from auth.tenants)
$function$;

-- rights

grant delete, insert, select, update on auth.api_keys to psa_auth;
grant insert, select, update on auth.audit_heads to psa_auth;
grant insert, select on auth.audit_log to psa_auth;
grant delete, insert, select, update on auth.backup_reports to psa_auth;
grant delete, insert, select, update on auth.customers to psa_auth;
grant delete, insert, select, update on auth.idempotency to psa_auth;
grant delete, insert, select, update on auth.inbox to psa_auth;
grant delete, insert, select, update on auth.outbox to psa_auth;
grant select, usage on auth.outbox_seq_seq to psa_auth;
grant delete, insert, select, update on auth.password_tokens to psa_auth;
grant delete, insert, select, update on auth.refresh_tokens to psa_auth;
grant delete, insert, select, update on auth.roles to psa_auth;
grant delete, insert, select, update on auth.sessions to psa_auth;
grant delete, insert, select, update on auth.setup_tokens to psa_auth;
grant delete, insert, select, update on auth.signing_keys to psa_auth;
grant delete, insert, select, update on auth.tenants to psa_auth;
grant delete, insert, select, update on auth.timers to psa_auth;
grant delete, insert, select, update on auth.users to psa_auth;
grant execute on function auth.find_api_key(bytea) to psa_auth;
grant execute on function auth.find_password_token(bytea) to psa_auth;
grant execute on function auth.find_refresh_token(bytea) to psa_auth;
grant execute on function auth.find_user_by_email(text) to psa_auth;
grant execute on function auth.take_setup_token(bytea,timestamp with time zone) to psa_auth;
grant execute on function auth.tenant_exists() to psa_auth;
grant usage on schema auth to psa_auth;
