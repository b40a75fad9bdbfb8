-- tables

create table search.documents (
  tenant_id uuid not null,
  type text not null,
  id uuid not null,
  customer_id uuid,
  owner_ids uuid[] not null default '{}'::uuid[],
  version bigint not null,
  updated_at timestamp with time zone not null,
  removed boolean not null default false,
  head tsvector not null default ''::tsvector,
  words tsvector not null default ''::tsvector,
  title text not null default ''::text,
  body text not null default ''::text,
  internal text not null default ''::text,
  summary jsonb not null default '{}'::jsonb,
  constraint documents_pkey PRIMARY KEY (tenant_id, type, id)
);

create table search.idempotency (
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

create table search.inbox (
  tenant_id uuid not null,
  consumer text not null,
  event_id uuid not null,
  processed_at timestamp with time zone not null default now(),
  constraint inbox_pkey PRIMARY KEY (tenant_id, consumer, event_id)
);

create table search.objects (
  tenant_id uuid not null,
  type text not null,
  id uuid not null,
  customer_id uuid,
  facts jsonb not null,
  version bigint not null,
  revision bigint not null default 1,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  constraint objects_pkey PRIMARY KEY (tenant_id, type, id),
  constraint objects_type_check CHECK ((type = ANY (ARRAY['ticket'::text, 'customer'::text, 'contact'::text])))
);

create table search.outbox (
  tenant_id uuid not null,
  seq bigint not null generated always as identity,
  event jsonb not null,
  created_at timestamp with time zone not null default now(),
  constraint outbox_pkey PRIMARY KEY (tenant_id, seq)
);

create table search.texts (
  tenant_id uuid not null,
  ticket_id uuid not null,
  id uuid not null,
  internal boolean not null,
  body text not null,
  written_at timestamp with time zone not null,
  type text not null default 'ticket'::text,
  constraint texts_pkey PRIMARY KEY (tenant_id, ticket_id, id),
  constraint texts_tenant_id_type_ticket_id_fkey FOREIGN KEY (tenant_id, type, ticket_id) REFERENCES search.objects(tenant_id, type, id),
  constraint texts_type_check CHECK ((type = 'ticket'::text))
);

create table search.timers (
  tenant_id uuid not null,
  kind text not null,
  key text not null,
  due_at timestamp with time zone not null,
  payload jsonb not null default '{}'::jsonb,
  attempts integer not null default 0,
  constraint timers_pkey PRIMARY KEY (tenant_id, kind, key)
);

create table search.words (
  tenant_id uuid not null,
  word text collate "C" not null,
  shown text not null,
  shortened text[] collate "C" not null,
  constraint words_pkey PRIMARY KEY (tenant_id, word)
);

-- indexes

CREATE INDEX documents_customer ON search.documents USING btree (tenant_id, customer_id, updated_at) WHERE (customer_id IS NOT NULL);

CREATE INDEX documents_recent ON search.documents USING btree (tenant_id, updated_at DESC) WHERE (NOT removed);

CREATE INDEX documents_words ON search.documents USING gin (tenant_id, search.day(updated_at), words);

CREATE INDEX idempotency_created_at ON search.idempotency USING btree (created_at);

CREATE INDEX inbox_processed_at ON search.inbox USING brin (processed_at);

CREATE INDEX outbox_seq ON search.outbox USING btree (seq);

CREATE INDEX timers_due_at ON search.timers USING btree (due_at);

CREATE INDEX words_shortened ON search.words USING gin (tenant_id, shortened);

CREATE INDEX words_trigrams ON search.words USING gin (tenant_id, word public.gin_trgm_ops);

-- row-level security

alter table search.documents enable row level security, force row level security;
create policy tenant_isolation on search.documents for all to public
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

alter table search.idempotency enable row level security, force row level security;
create policy tenant_isolation on search.idempotency for all to public
  using ((((tenant_id = psa.tenant_id()) AND (user_id = (NULLIF(current_setting('psa.user_id'::text, true), ''::text))::uuid)) OR psa.is_system()));

alter table search.inbox enable row level security, force row level security;
create policy tenant_isolation on search.inbox for all to public
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

alter table search.objects enable row level security, force row level security;
create policy tenant_isolation on search.objects for all to public
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

alter table search.outbox enable row level security, force row level security;
create policy tenant_append on search.outbox for insert to public
  with check ((tenant_id = psa.tenant_id()));
create policy tenant_isolation on search.outbox for all to public
  using (psa.is_system())
  with check ((tenant_id = psa.tenant_id()));

alter table search.texts enable row level security, force row level security;
create policy tenant_isolation on search.texts for all to public
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

alter table search.timers enable row level security, force row level security;
create policy tenant_isolation on search.timers for all to public
  using (((tenant_id = psa.tenant_id()) OR psa.is_system()));

alter table search.words enable row level security, force row level security;
create policy tenant_isolation on search.words for all to public
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

-- functions

CREATE OR REPLACE FUNCTION search.best(match tsquery, in_head tsquery, in_title tsquery[], in_keywords tsquery[], exact tsquery, only_types text[], limited text, only_ids uuid[], cap integer, page_offset integer, page_limit integer)
 RETURNS TABLE(type text, id uuid, score real, total integer)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'search', 'psa', 'public', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
#variable_conflict use_column
declare
  first_places constant tid[] := search.places(in_head, only_types, limited, only_ids, cap + 1);
  more_places constant tid[] := search.places(
    match && !!in_head, only_types, limited, only_ids, cap + 1 - cardinality(first_places));
  pool constant tid[] := (first_places || more_places)[1:cap];
begin
  return query
  select d.type, d.id, (
      (select sum(case when d.head @@ t then 10 when d.head @@ k then 5 else 1 end)
        from unnest(in_title, in_keywords) as g(t, k))
      + case when d.head @@ exact then 1000 else 0 end)::real as score,
    cardinality(first_places) + cardinality(more_places)
  from search.documents d
  where d.ctid = any (pool)
  order by score desc, d.updated_at desc, d.id
  offset page_offset limit page_limit;
  if not found then
    return query select null::text, null::uuid, null::real, cardinality(first_places) + cardinality(more_places);
  end if;
end $function$;

CREATE OR REPLACE FUNCTION search.best(match tsquery, in_head tsquery, in_title tsquery[], in_keywords tsquery[], exact tsquery, only_types text[], only_owner uuid, only_ids uuid[], cap integer, page_offset integer, page_limit integer)
 RETURNS TABLE(type text, id uuid, score real, total integer)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'search', 'psa', 'public', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
#variable_conflict use_column
declare
  first_places constant tid[] := search.places(in_head, only_types, only_owner, only_ids, cap + 1);
  more_places constant tid[] := search.places(
    match && !!in_head, only_types, only_owner, only_ids, cap + 1 - cardinality(first_places));
  pool constant tid[] := (first_places || more_places)[1:cap];
begin
  return query
  select d.type, d.id, (
      (select sum(case when d.head @@ t then 10 when d.head @@ k then 5 else 1 end)
        from unnest(in_title, in_keywords) as g(t, k))
      + case when d.head @@ exact then 1000 else 0 end)::real as score,
    cardinality(first_places) + cardinality(more_places)
  from search.documents d
  where d.ctid = any (pool)
  order by score desc, d.updated_at desc, d.id
  offset page_offset limit page_limit;
  if not found then
    return query select null::text, null::uuid, null::real, cardinality(first_places) + cardinality(more_places);
  end if;
end $function$;

CREATE OR REPLACE FUNCTION search.changed_at(place integer)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'search', 'psa', 'public', 'pg_temp'
AS $function$
  select d.updated_at from search.documents d
  where d.tenant_id = (select psa.tenant_id()) and not d.removed
  order by d.updated_at desc offset place limit 1
$function$;

CREATE OR REPLACE FUNCTION search.day(at timestamp with time zone)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (((at AT TIME ZONE 'UTC'::text))::date - '2000-01-01'::date);

CREATE OR REPLACE FUNCTION search.expected(match tsquery)
 RETURNS double precision
 LANGUAGE plpgsql
AS $function$
declare
  plan json;
begin
  execute 'explain (format json) select from search.documents d where d.tenant_id = $1 and d.words @@ $2'
    into plan using psa.tenant_id(), match;
  return greatest((plan->0->'Plan'->>'Plan Rows')::float, 1);
end $function$;

CREATE OR REPLACE FUNCTION search.find(match tsquery, wanted tsquery, exact tsquery, only_types text[], only_owner uuid, cap integer, page_offset integer, page_limit integer)
 RETURNS TABLE(type text, id uuid, score real, total integer)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'search', 'psa', 'public', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
 SET enable_seqscan TO 'off'
 SET enable_indexscan TO 'off'
 SET work_mem TO '32MB'
AS $function$
#variable_conflict use_column
declare
  tenant uuid := psa.tenant_id();
  company uuid := psa.customer_id();
begin
  perform search.refuse_internal(match);
  return query
  with found as materialized (
    select d.type, d.id, d.words, d.head, d.updated_at, d.head @@ match as in_head
    from search.documents d
    where d.tenant_id = tenant and d.words @@ match and not d.removed
      and (company is null or d.customer_id = company)
      and (only_types is null or d.type = any (only_types))
      and (only_owner is null or only_owner = any (d.owner_ids))
    order by in_head desc, d.updated_at desc
    limit cap + 1
  ), counted as (select count(*)::integer as total from found),
  ranked as (
    select f.type, f.id, f.updated_at,
      (ts_rank('{0.1, 0.1, 0.5, 1.0}', f.words, wanted) + case when f.head @@ exact then 2 else 0 end)::real as score
    from found f limit cap
  )
  select r.type, r.id, r.score, c.total from ranked r, counted c
  order by r.score desc, r.updated_at desc, r.id
  offset page_offset limit page_limit;
end $function$;

CREATE OR REPLACE FUNCTION search.hundredths()
 RETURNS integer[]
 LANGUAGE plpgsql
 STABLE
AS $function$ begin
  return (
    select array(select search.day(at) from unnest(s.histogram_bounds::text::timestamptz[]) as at)
    from pg_stats s where s.schemaname = 'search' and s.tablename = 'documents' and s.attname = 'updated_at');
end $function$;

CREATE OR REPLACE FUNCTION search.matches(match tsquery, exact tsquery, only_type text, only_owner uuid, only_customer uuid, only_ids uuid[], most integer, newest boolean)
 RETURNS TABLE(by_keyword bytea, by_head bytea, others bytea, more boolean)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'search', 'psa', 'public', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
 SET enable_seqscan TO 'off'
 SET enable_indexscan TO 'off'
 SET work_mem TO '64MB'
AS $function$
#variable_conflict use_column
declare
  tenant constant uuid := psa.tenant_id();
  company constant uuid := psa.customer_id();
begin
  perform search.refuse_internal(match);
  return query
  with found as materialized (
    select d.id, case when d.head @@ exact then 0 when d.head @@ match then 1 else 2 end as tier
    from search.documents d
    where d.tenant_id = tenant and d.words @@ match and not d.removed and d.type = only_type
      and (company is null or d.customer_id = company)
      and (only_customer is null or d.customer_id = only_customer)
      and (only_owner is null or only_owner = any (d.owner_ids))
      and (only_ids is null or d.id = any (only_ids))
    order by case when newest then d.updated_at end desc nulls last
    limit most + 1
  ), counted as (select count(*) > most as more from found)
  select coalesce(string_agg(uuid_send(f.id), '') filter (where f.tier = 0), ''),
    coalesce(string_agg(uuid_send(f.id), '') filter (where f.tier = 1), ''),
    coalesce(string_agg(uuid_send(f.id), '') filter (where f.tier = 2), ''),
    c.more
  from counted c left join found f on newest or not c.more group by c.more;
end $function$;

CREATE OR REPLACE FUNCTION search.matches(match tsquery, exact tsquery, only_type text, only_customer uuid, only_ids uuid[], most integer, newest boolean)
 RETURNS TABLE(by_keyword bytea, by_head bytea, others bytea, more boolean)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'search', 'psa', 'public', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
 SET enable_seqscan TO 'off'
 SET enable_indexscan TO 'off'
 SET work_mem TO '64MB'
AS $function$
#variable_conflict use_column
declare
  tenant constant uuid := psa.tenant_id();
  company constant uuid := psa.customer_id();
begin
  perform search.refuse_internal(match);
  return query
  with found as materialized (
    select d.id, case when d.head @@ exact then 0 when d.head @@ match then 1 else 2 end as tier
    from search.documents d
    where d.tenant_id = tenant and d.words @@ match and not d.removed and d.type = only_type
      and (company is null or d.customer_id = company)
      and (only_customer is null or d.customer_id = only_customer)
      and (only_ids is null or d.id = any (only_ids))
    order by case when newest then d.updated_at end desc nulls last
    limit most + 1
  ), counted as (select count(*) > most as more from found)
  select coalesce(string_agg(uuid_send(f.id), '') filter (where f.tier = 0), ''),
    coalesce(string_agg(uuid_send(f.id), '') filter (where f.tier = 1), ''),
    coalesce(string_agg(uuid_send(f.id), '') filter (where f.tier = 2), ''),
    c.more
  from counted c left join found f on newest or not c.more group by c.more;
end $function$;

CREATE OR REPLACE FUNCTION search.newest(match tsquery, only_types text[], limited text, only_ids uuid[], since integer, most integer)
 RETURNS tid[]
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  tenant constant uuid := psa.tenant_id();
  company constant uuid := psa.customer_id();
begin
  perform search.refuse_internal(match);
  if company is null and only_ids is null then
    return search.newest_of_all(match, only_types, since, most);
  end if;
  return array(
    select d.ctid from search.documents d
    where d.tenant_id = tenant and d.words @@ match and not d.removed
      and (since is null or search.day(d.updated_at) >= since)
      and (company is null or d.customer_id = company)
      and (only_types is null or d.type = any (only_types))
      and (only_ids is null or d.type <> limited or d.id = any (only_ids))
    order by d.updated_at desc limit most);
end $function$;

CREATE OR REPLACE FUNCTION search.newest_of_all(match tsquery, only_types text[], since integer, most integer)
 RETURNS tid[]
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  tenant constant uuid := psa.tenant_id();
begin
  if since is null then
    return array(
      select d.ctid from search.documents d
      where d.tenant_id = tenant and d.words @@ match and not d.removed
        and (only_types is null or d.type = any (only_types))
      order by d.updated_at desc limit most);
  end if;
  return array(
    select d.ctid from search.documents d
    where d.tenant_id = tenant and d.words @@ match and not d.removed and search.day(d.updated_at) >= since
      and (only_types is null or d.type = any (only_types))
    order by d.updated_at desc limit most);
end $function$;

CREATE OR REPLACE FUNCTION search.occurring(queries tsquery[], only_types text[], limited text, only_ids uuid[])
 RETURNS boolean[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'search', 'psa', 'public', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
 SET enable_seqscan TO 'off'
 SET enable_indexscan TO 'off'
 SET work_mem TO '32MB'
AS $function$
declare
  near constant integer := search.since(0.01, search.hundredths());
begin
  return array(
    select near is not null and cardinality(search.newest(q.match, only_types, limited, only_ids, near, 1)) > 0
      or cardinality(search.newest(q.match, only_types, limited, only_ids, null, 1)) > 0
    from unnest(queries) with ordinality as q(match, n) order by q.n);
end $function$;

CREATE OR REPLACE FUNCTION search.occurring(queries tsquery[], only_types text[], only_owner uuid)
 RETURNS boolean[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'search', 'psa', 'public', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
 SET enable_seqscan TO 'off'
 SET enable_indexscan TO 'off'
AS $function$
declare
  tenant uuid := psa.tenant_id();
  company uuid := psa.customer_id();
  one tsquery;
  result boolean[] := '{}';
begin
  foreach one in array queries loop
    perform search.refuse_internal(one);
    result := result || exists (
      select from search.documents d
      where d.tenant_id = tenant and d.words @@ one and not d.removed
        and (company is null or d.customer_id = company)
        and (only_types is null or d.type = any (only_types))
        and (only_owner is null or only_owner = any (d.owner_ids)));
  end loop;
  return result;
end $function$;

CREATE OR REPLACE FUNCTION search.places(match tsquery, only_types text[], limited text, only_ids uuid[], most integer)
 RETURNS tid[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'search', 'psa', 'public', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
 SET enable_seqscan TO 'off'
 SET enable_indexscan TO 'off'
 SET work_mem TO '32MB'
AS $function$
declare
  tenant constant uuid := psa.tenant_id();
  company constant uuid := psa.customer_id();
  found tid[];
  newest integer;
  since timestamptz;
begin
  perform search.refuse_internal(match);
  if most < 1 then return '{}'; end if;
  found := array(
    select d.ctid from search.documents d
    where d.tenant_id = tenant and d.words @@ match and not d.removed
      and (company is null or d.customer_id = company)
      and (only_types is null or d.type = any (only_types))
      and (only_ids is null or d.type <> limited or d.id = any (only_ids))
    limit most);
  if cardinality(found) < most then return found; end if;
  foreach newest in array array[8 * most, 80 * most] loop
    since := search.changed_at(newest);
    exit when since is null;
    found := array(
      select d.ctid from search.documents d
      where d.tenant_id = tenant and d.words @@ match and not d.removed and d.updated_at >= since
        and (company is null or d.customer_id = company)
        and (only_types is null or d.type = any (only_types))
        and (only_ids is null or d.type <> limited or d.id = any (only_ids))
      order by d.updated_at desc limit most);
    if cardinality(found) = most then return found; end if;
  end loop;
  return array(
    select d.ctid from search.documents d
    where d.tenant_id = tenant and d.words @@ match and not d.removed
      and (company is null or d.customer_id = company)
      and (only_types is null or d.type = any (only_types))
      and (only_ids is null or d.type <> limited or d.id = any (only_ids))
    order by d.updated_at desc limit most);
end $function$;

CREATE OR REPLACE FUNCTION search.places(match tsquery, only_types text[], only_owner uuid, only_ids uuid[], most integer)
 RETURNS tid[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'search', 'psa', 'public', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
 SET enable_seqscan TO 'off'
 SET enable_indexscan TO 'off'
 SET work_mem TO '32MB'
AS $function$
declare
  tenant constant uuid := psa.tenant_id();
  company constant uuid := psa.customer_id();
  found tid[];
  newest integer;
  since timestamptz;
begin
  perform search.refuse_internal(match);
  if most < 1 then return '{}'; end if;
  found := array(
    select d.ctid from search.documents d
    where d.tenant_id = tenant and d.words @@ match and not d.removed
      and (company is null or d.customer_id = company)
      and (only_types is null or d.type = any (only_types))
      and (only_owner is null or only_owner = any (d.owner_ids))
      and (only_ids is null or d.id = any (only_ids))
    limit most);
  if cardinality(found) < most then return found; end if;
  foreach newest in array array[8 * most, 80 * most] loop
    since := search.changed_at(newest);
    exit when since is null;
    found := array(
      select d.ctid from search.documents d
      where d.tenant_id = tenant and d.words @@ match and not d.removed and d.updated_at >= since
        and (company is null or d.customer_id = company)
        and (only_types is null or d.type = any (only_types))
        and (only_owner is null or only_owner = any (d.owner_ids))
        and (only_ids is null or d.id = any (only_ids))
      order by d.updated_at desc limit most);
    if cardinality(found) = most then return found; end if;
  end loop;
  return array(
    select d.ctid from search.documents d
    where d.tenant_id = tenant and d.words @@ match and not d.removed
      and (company is null or d.customer_id = company)
      and (only_types is null or d.type = any (only_types))
      and (only_owner is null or only_owner = any (d.owner_ids))
      and (only_ids is null or d.id = any (only_ids))
    order by d.updated_at desc limit most);
end $function$;

CREATE OR REPLACE FUNCTION search.recent(match tsquery, steady tsquery, only_types text[], limited text, only_ids uuid[], most integer, hundredths integer[], if_likely boolean)
 RETURNS tid[]
 LANGUAGE plpgsql
AS $function$
declare
  found tid[];
  -- Half as much again as is wanted: the guesses are rough.
  wanted constant float := 1.5 * most;
  likely constant float := 0.25;
  share float := 1;
  since integer;
begin
  if hundredths is not null and psa.customer_id() is null and only_ids is null then
    share := wanted / search.expected(match);
    if share > likely and steady is not null and not if_likely then
      -- Words may stand together more often than by chance; a look at the newest shows that. Not with the beginning: to
      -- gather all that begin with two letters costs more than all the rest.
      found := search.newest(steady, only_types, limited, only_ids, search.since(0.02, hundredths), most);
      share := share / greatest(cardinality(found) / 0.02 / search.expected(steady), 1);
    end if;
  end if;
  if share <= likely then
    since := search.since(share, hundredths);
    found := search.newest(match, only_types, limited, only_ids, since, most);
    if cardinality(found) = most then return found; end if;
    since := search.since(share * wanted / greatest(cardinality(found), 1), hundredths);
    if since is not null then
      found := search.newest(match, only_types, limited, only_ids, since, most);
      if cardinality(found) = most then return found; end if;
    end if;
  elsif if_likely then
    return null;
  end if;
  return search.newest(match, only_types, limited, only_ids, null, most);
end $function$;

CREATE OR REPLACE FUNCTION search.refuse_internal(query tsquery)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
AS $function$ begin
  if psa.customer_id() is not null and query::text like '%''!%' then
    raise exception 'Internal text is not searched for portal users.' using errcode = '42501';
  end if;
end $function$;

CREATE OR REPLACE FUNCTION search.similar_words(typed text, shorter text[], most integer)
 RETURNS TABLE(word text, shown text)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'search', 'psa', 'public', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
 SET enable_seqscan TO 'off'
 SET enable_indexscan TO 'off'
 SET "pg_trgm.similarity_threshold" TO '0.35'
AS $function$
#variable_conflict use_column
declare
  tenant uuid := psa.tenant_id();
begin
  return query
  select w.word, w.shown from (
    (select w.word, w.shown from search.words w
      where w.tenant_id = tenant and w.shortened && shorter limit 500)
    union
    (select w.word, w.shown from search.words w
      where w.tenant_id = tenant and w.word % typed and length(typed) > 5
        and length(w.word) between length(typed) - 2 and length(typed) + 2 limit 500)
  ) w
  order by similarity(w.word, typed) desc, w.word limit most;
end $function$;

CREATE OR REPLACE FUNCTION search.since(share double precision, hundredths integer[])
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE
RETURN CASE WHEN (share < (0.5)::double precision) THEN (hundredths)[(cardinality(hundredths) - (ceil((share * ((cardinality(hundredths) - 1))::double precision)))::integer)] ELSE NULL::integer END;

CREATE OR REPLACE FUNCTION search.top(match tsquery, steady tsquery, in_head tsquery, in_title tsquery[], in_keywords tsquery[], exact tsquery, only_types text[], limited text, only_ids uuid[], cap integer, page_offset integer, page_limit integer)
 RETURNS TABLE(type text, id uuid, score real, total integer)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'search', 'psa', 'public', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
 SET enable_seqscan TO 'off'
 SET enable_indexscan TO 'off'
 SET work_mem TO '32MB'
AS $function$
#variable_conflict use_column
declare
  most constant integer := cap + 1;
  hundredths constant integer[] := search.hundredths();
  pool tid[] := search.recent(in_head, null, only_types, limited, only_ids, most, hundredths, true);
  others tid[];
  matches integer := most;
begin
  if pool is null or cardinality(pool) < most then
    others := search.recent(match, steady, only_types, limited, only_ids, most, hundredths, false);
    matches := cardinality(others);
    if matches < most then
      pool := others;
    else
      if pool is null then
        pool := search.recent(in_head, in_head, only_types, limited, only_ids, most, hundredths, false);
      end if;
      pool := pool || array(
        select o.place from unnest(others) with ordinality as o(place, n) where o.place <> all (pool) order by o.n);
    end if;
  end if;
  pool := pool[1:cap];
  return query
  select d.type, d.id, (
      (select sum(case when d.head @@ t then 10 when d.head @@ k then 5 else 1 end)
        from unnest(in_title, in_keywords) as g(t, k))
      + case when d.head @@ exact then 1000 else 0 end)::real as score, matches
  from search.documents d
  where d.ctid = any (pool)
  order by score desc, d.updated_at desc, d.id
  offset page_offset limit page_limit;
  if not found then
    return query select null::text, null::uuid, null::real, matches;
  end if;
end $function$;

CREATE OR REPLACE FUNCTION search.words_by_letter(shorter text[], most integer)
 RETURNS TABLE(word text, shown text)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'search', 'psa', 'public', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
 SET enable_seqscan TO 'off'
 SET enable_indexscan TO 'off'
AS $function$
#variable_conflict use_column
declare
  tenant constant uuid := psa.tenant_id();
begin
  return query
  select w.word, w.shown from search.words w
  where w.tenant_id = tenant and w.shortened && shorter
  order by similarity(w.word, shorter[1]) desc, w.word limit most;
end $function$;

CREATE OR REPLACE FUNCTION search.words_by_trigram(typed text, most integer)
 RETURNS TABLE(word text, shown text)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'search', 'psa', 'public', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
 SET enable_seqscan TO 'off'
 SET enable_indexscan TO 'off'
 SET "pg_trgm.similarity_threshold" TO '0.35'
AS $function$
#variable_conflict use_column
declare
  tenant constant uuid := psa.tenant_id();
begin
  return query
  select w.word, w.shown from search.words w
  where w.tenant_id = tenant and w.word % typed
    and length(w.word) between length(typed) - 2 and length(typed) + 2
  order by similarity(w.word, typed) desc, w.word limit most;
end $function$;

-- rights

grant execute on function search.best(tsquery,tsquery,tsquery[],tsquery[],tsquery,text[],text,uuid[],integer,integer,integer) to psa_search;
grant execute on function search.best(tsquery,tsquery,tsquery[],tsquery[],tsquery,text[],uuid,uuid[],integer,integer,integer) to psa_search;
grant execute on function search.changed_at(integer) to psa_search;
grant execute on function search.day(timestamp with time zone) to psa_search;
grant execute on function search.expected(tsquery) to psa_search;
grant execute on function search.find(tsquery,tsquery,tsquery,text[],uuid,integer,integer,integer) to psa_search;
grant execute on function search.hundredths() to psa_search;
grant execute on function search.matches(tsquery,tsquery,text,uuid,uuid,uuid[],integer,boolean) to psa_search;
grant execute on function search.matches(tsquery,tsquery,text,uuid,uuid[],integer,boolean) to psa_search;
grant execute on function search.newest(tsquery,text[],text,uuid[],integer,integer) to psa_search;
grant execute on function search.newest_of_all(tsquery,text[],integer,integer) to psa_search;
grant execute on function search.occurring(tsquery[],text[],text,uuid[]) to psa_search;
grant execute on function search.occurring(tsquery[],text[],uuid) to psa_search;
grant execute on function search.places(tsquery,text[],text,uuid[],integer) to psa_search;
grant execute on function search.places(tsquery,text[],uuid,uuid[],integer) to psa_search;
grant execute on function search.recent(tsquery,tsquery,text[],text,uuid[],integer,integer[],boolean) to psa_search;
grant execute on function search.refuse_internal(tsquery) to psa_search;
grant execute on function search.similar_words(text,text[],integer) to psa_search;
grant execute on function search.since(double precision,integer[]) to psa_search;
grant execute on function search.top(tsquery,tsquery,tsquery,tsquery[],tsquery[],tsquery,text[],text,uuid[],integer,integer,integer) to psa_search;
grant execute on function search.words_by_letter(text[],integer) to psa_search;
grant execute on function search.words_by_trigram(text,integer) to psa_search;
grant usage on schema search to psa_search;
grant delete, insert, select, update on search.documents to psa_search;
grant delete, insert, select, update on search.idempotency to psa_search;
grant delete, insert, select, update on search.inbox to psa_search;
grant delete, insert, select, update on search.objects to psa_search;
grant delete, insert, select, update on search.outbox to psa_search;
grant select, usage on search.outbox_seq_seq to psa_search;
grant delete, insert, select, update on search.texts to psa_search;
grant delete, insert, select, update on search.timers to psa_search;
grant delete, insert, select, update on search.words to psa_search;
