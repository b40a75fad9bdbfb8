-- tables

create table events.hourly (
  tenant_id uuid not null,
  hour timestamp with time zone not null,
  type text collate "C" not null,
  count bigint not null,
  last_at timestamp with time zone not null,
  constraint hourly_pkey PRIMARY KEY (tenant_id, hour, type)
);

create table events.idempotency (
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

create table events.inbox (
  tenant_id uuid not null,
  consumer text not null,
  event_id uuid not null,
  processed_at timestamp with time zone not null default now(),
  constraint inbox_pkey PRIMARY KEY (tenant_id, consumer, event_id)
);

create table events.log (
  tenant_id uuid not null,
  id uuid not null,
  seq bigint not null default nextval('events.log_seq'::regclass),
  type text collate "C" not null,
  version integer not null,
  customer_id uuid,
  aggregate_type text collate "C" not null,
  aggregate_id text collate "C" not null,
  occurred_at timestamp with time zone not null,
  recorded_at timestamp with time zone not null,
  correlation_id text collate "C" not null,
  causation_id text,
  actor jsonb not null,
  public boolean not null,
  data jsonb not null,
  constraint log_pkey PRIMARY KEY (tenant_id, id, occurred_at)
) partition by RANGE (occurred_at);

create table events.outbox (
  tenant_id uuid not null,
  seq bigint not null generated always as identity,
  event jsonb not null,
  created_at timestamp with time zone not null default now(),
  constraint outbox_pkey PRIMARY KEY (tenant_id, seq)
);

create table events.timers (
  tenant_id uuid not null,
  kind text not null,
  key text not null,
  due_at timestamp with time zone not null,
  payload jsonb not null default '{}'::jsonb,
  attempts integer not null default 0,
  constraint timers_pkey PRIMARY KEY (tenant_id, kind, key)
);

-- indexes

CREATE INDEX idempotency_created_at ON events.idempotency USING btree (created_at);

CREATE INDEX inbox_processed_at ON events.inbox USING brin (processed_at);

CREATE INDEX log_aggregate ON ONLY events.log USING btree (tenant_id, aggregate_id, occurred_at, seq);

CREATE INDEX log_correlation ON ONLY events.log USING btree (tenant_id, correlation_id, occurred_at, seq);

CREATE INDEX log_time ON ONLY events.log USING btree (tenant_id, occurred_at, seq);

CREATE INDEX log_type ON ONLY events.log USING btree (tenant_id, type, occurred_at, seq);

CREATE INDEX outbox_seq ON events.outbox USING btree (seq);

CREATE INDEX timers_due_at ON events.timers USING btree (due_at);

-- row-level security

alter table events.hourly enable row level security, force row level security;
create policy tenant_isolation on events.hourly for all to public
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

alter table events.idempotency enable row level security, force row level security;
create policy tenant_isolation on events.idempotency for all to public
  using ((((tenant_id = psa.tenant_id()) AND (user_id = (NULLIF(current_setting('psa.user_id'::text, true), ''::text))::uuid)) OR psa.is_system()));

alter table events.inbox enable row level security, force row level security;
create policy tenant_isolation on events.inbox for all to public
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

alter table events.log enable row level security, force row level security;
create policy tenant_isolation on events.log for all to public
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

alter table events.outbox enable row level security, force row level security;
create policy tenant_append on events.outbox for insert to public
  with check ((tenant_id = psa.tenant_id()));
create policy tenant_isolation on events.outbox for all to public
  using (psa.is_system())
  with check ((tenant_id = psa.tenant_id()));

alter table events.timers enable row level security, force row level security;
create policy tenant_isolation on events.timers for all to public
  using (((tenant_id = psa.tenant_id()) OR psa.is_system()));

-- functions

CREATE OR REPLACE FUNCTION events.ensure_month(at timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
AS $function$
declare
  since constant timestamptz := date_trunc('month', at);
  name constant text := to_char(since, '"log_"YYYY"_"MM');
begin
  if at is null or since < '1990-01-01' or since >= '2200-01-01' then
    raise exception 'events.ensure_month: % is no month of this platform', at using errcode = '22008';
  end if;
  if to_regclass('events.' || name) is not null then
    return false;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('events.ensure_month', 0));
  -- By query: to_regclass would answer from this session's cache what it found before the wait.
  if exists (select from pg_class where relname = name and relnamespace = 'events'::regnamespace) then
    return false;
  end if;
  execute format('create table events.%I (like events.log including defaults)', name);
  execute format('call psa.protect(%L, ''staff'')', 'events.' || name);
  execute format('alter table events.log attach partition events.%I for values from (%L) to (%L)',
    name, since, since + interval '1 month');
  return true;
end
$function$;

-- rights

grant delete, insert, select, update on events.hourly to psa_events;
grant delete, insert, select, update on events.idempotency to psa_events;
grant delete, insert, select, update on events.inbox to psa_events;
grant delete, insert, select, update on events.log to psa_events;
grant select, usage on events.log_seq to psa_events;
grant delete, insert, select, update on events.outbox to psa_events;
grant select, usage on events.outbox_seq_seq to psa_events;
grant delete, insert, select, update on events.timers to psa_events;
grant execute on function events.ensure_month(timestamp with time zone) to psa_events;
grant usage on schema events to psa_events;
