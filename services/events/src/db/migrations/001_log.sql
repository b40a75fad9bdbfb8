-- The history of all events. Partitioned by month of occurred_at: old months can be dropped or moved whole,
-- and an index stays as small as a month.
create sequence events.log_seq;

create table events.log (
  tenant_id uuid not null,
  id uuid not null,
  -- Order of storing; of one aggregate also the order of happening.
  seq bigint not null default nextval('events.log_seq'),
  type text collate "C" not null,
  version integer not null,
  customer_id uuid,
  aggregate_type text collate "C" not null,
  aggregate_id text collate "C" not null,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null,
  correlation_id text collate "C" not null,
  causation_id text,
  actor jsonb not null,
  public boolean not null,
  data jsonb not null,
  primary key (tenant_id, id, occurred_at)
) partition by range (occurred_at);
create index log_time on events.log (tenant_id, occurred_at, seq);
create index log_type on events.log (tenant_id, type, occurred_at, seq);
create index log_aggregate on events.log (tenant_id, aggregate_id, occurred_at, seq);
create index log_correlation on events.log (tenant_id, correlation_id, occurred_at, seq);
call psa.protect('events.log', 'staff');

-- Events per hour and type, counted as they are stored: statistics need not read the log.
create table events.hourly (
  tenant_id uuid not null,
  hour timestamptz not null,
  type text collate "C" not null,
  count bigint not null,
  last_at timestamptz not null,
  primary key (tenant_id, hour, type)
);
call psa.protect('events.hourly', 'staff');

-- Makes the partition of the month that contains `at`, where it is missing; returns whether it did. The
-- service's role may not create tables, so this runs as the owner and can do nothing else. The table is made
-- apart and then attached: that lets readers and writers of other months go on, which PARTITION OF would not.
create function events.ensure_month(at timestamptz) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
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
$$;
revoke execute on function events.ensure_month(timestamptz) from public;
do $$ begin
  if exists (select from pg_roles where rolname = 'psa_events') then
    grant execute on function events.ensure_month(timestamptz) to psa_events;
  end if;
end $$;
