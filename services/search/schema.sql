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

create table search.synonyms (
  tenant_id uuid not null,
  groups jsonb not null,
  version integer not null default 1,
  updated_at timestamp with time zone not null,
  constraint synonyms_pkey PRIMARY KEY (tenant_id)
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

CREATE INDEX documents_sliced ON search.documents USING gin (search.sliced(tenant_id, type, customer_id, updated_at, words)) WITH (fastupdate=off);

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

alter table search.synonyms enable row level security, force row level security;
create policy tenant_isolation on search.synonyms for all to public
  using ((tenant_id = psa.tenant_id()))
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

CREATE OR REPLACE FUNCTION search.counted(slices text[], query tsquery, only_types text[], limited text, only_ids uuid[], most integer)
 RETURNS integer
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  tenant constant uuid := psa.tenant_id();
  company constant uuid := psa.customer_id();
  template constant text := search.template(query, only_types);
  checked constant tsquery := search.unsure(query);
begin
  return (select count(*) from (
    select from unnest(slices) as slice, lateral (
      select from search.indexed(template, slice) d
      where d.tenant_id = tenant and (company is null or d.customer_id = company)
        and (only_types is null or d.type = any (only_types))
        and (only_ids is null or d.type <> limited or d.id in (select unnest(only_ids)))
        and (checked is null or d.words @@ checked)) as found
    limit most) as found);
end $function$;

CREATE OR REPLACE FUNCTION search.freshness(updated_at timestamp with time zone, today timestamp with time zone)
 RETURNS integer
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN (((((updated_at > (today - '7 days'::interval)))::integer + ((updated_at > (today - '30 days'::interval)))::integer) + ((updated_at > (today - '90 days'::interval)))::integer) + ((updated_at > (today - '180 days'::interval)))::integer);

CREATE OR REPLACE FUNCTION search.half_year(at timestamp with time zone)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN GREATEST(0, LEAST(4095, ((((EXTRACT(year FROM (at AT TIME ZONE 'UTC'::text)))::integer - 2000) * 2) + (((EXTRACT(quarter FROM (at AT TIME ZONE 'UTC'::text)))::integer - 1) / 2))));

CREATE OR REPLACE FUNCTION search.indexed(template text, slice text)
 RETURNS SETOF search.documents
 LANGUAGE sql
 STABLE
AS $function$
  select * from search.documents d
  where search.sliced(d.tenant_id, d.type, d.customer_id, d.updated_at, d.words) @@ search.within(template, slice)
  offset 0
$function$;

CREATE OR REPLACE FUNCTION search.matches(match tsquery, exact tsquery, only_type text, only_customer uuid, only_ids uuid[], most integer, newest boolean)
 RETURNS TABLE(by_keyword bytea, by_head bytea, others bytea, more boolean)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'search', 'psa', 'public', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_indexscan TO 'off'
 SET work_mem TO '64MB'
AS $function$
#variable_conflict use_column
declare
  tenant constant uuid := psa.tenant_id();
  company constant uuid := psa.customer_id();
  template constant text := search.template(match, array[only_type])
    || coalesce(E' & ''\x01@' || only_customer || '''', '');
  checked constant tsquery := search.unsure(match);
  slices constant text[] := search.slices();
begin
  perform search.refuse_internal(match);
  return query
  with found as materialized (
    select f.id, case when f.by_keyword then 0 when f.by_head then 1 else 2 end as tier
    from unnest(slices) as slice, lateral (
      select d.id, d.head @@ exact as by_keyword, d.head @@ match as by_head
      from search.indexed(template, slice) d
      where d.tenant_id = tenant and d.type = only_type
        and (company is null or d.customer_id = company)
        and (only_customer is null or d.customer_id = only_customer)
        and (only_ids is null or d.id in (select unnest(only_ids)))
        and (checked is null or d.words @@ checked)
      order by case when newest then d.updated_at end desc nulls last) as f
    limit most + 1
  ), counted as (select count(*) > most as more from found)
  select coalesce(string_agg(uuid_send(f.id), '') filter (where f.tier = 0), ''),
    coalesce(string_agg(uuid_send(f.id), '') filter (where f.tier = 1), ''),
    coalesce(string_agg(uuid_send(f.id), '') filter (where f.tier = 2), ''),
    c.more
  from counted c left join found f on newest or not c.more group by c.more;
end $function$;

CREATE OR REPLACE FUNCTION search.newest(slices text[], query tsquery, checked tsquery, only_types text[], limited text, only_ids uuid[], most integer)
 RETURNS TABLE(type text, id uuid, updated_at timestamp with time zone, head tsvector)
 LANGUAGE plpgsql
 STABLE
AS $function$
#variable_conflict use_column
declare
  tenant constant uuid := psa.tenant_id();
  company constant uuid := psa.customer_id();
  template text;
begin
  if most < 1 then return; end if;
  if only_types = array[limited] and cardinality(only_ids) <= 500 then
    -- A page of a list: to look at these costs less than all matches.
    return query
    select d.type, d.id, d.updated_at, d.head from search.documents d
    where d.tenant_id = tenant and d.type = limited and d.id = any (only_ids) and not d.removed
      and (company is null or d.customer_id = company)
      and d.words @@ query and (checked is null or d.words @@ checked)
    order by d.updated_at desc limit most;
    return;
  end if;
  template := search.template(query, only_types);
  return query
  select found.* from unnest(slices) as slice, lateral (
    select d.type, d.id, d.updated_at, d.head from search.indexed(template, slice) d
    where d.tenant_id = tenant and (company is null or d.customer_id = company)
      and (only_types is null or d.type = any (only_types))
      and (only_ids is null or d.type <> limited or d.id in (select unnest(only_ids)))
      and (checked is null or d.words @@ checked)
    order by d.updated_at desc) as found
  limit most;
end $function$;

CREATE OR REPLACE FUNCTION search.newest_within(slices text[], query tsquery, checked tsquery, only_types text[], limited text, only_ids uuid[], only_customer uuid, since timestamp with time zone, before timestamp with time zone, most integer)
 RETURNS TABLE(type text, id uuid, updated_at timestamp with time zone, head tsvector)
 LANGUAGE plpgsql
 STABLE
AS $function$
#variable_conflict use_column
declare
  tenant constant uuid := psa.tenant_id();
  company constant uuid := psa.customer_id();
  template text;
begin
  if most < 1 then return; end if;
  if only_types = array[limited] and cardinality(only_ids) <= 500 then
    -- A page of a list: to look at these costs less than all matches.
    return query
    select d.type, d.id, d.updated_at, d.head from search.documents d
    where d.tenant_id = tenant and d.type = limited and d.id = any (only_ids) and not d.removed
      and (company is null or d.customer_id = company)
      and (only_customer is null or d.customer_id = only_customer)
      and (since is null or d.updated_at >= since) and (before is null or d.updated_at < before)
      and d.words @@ query and (checked is null or d.words @@ checked)
    order by d.updated_at desc limit most;
    return;
  end if;
  template := search.template(query, only_types) || coalesce(E' & ''\x01@' || only_customer || '''', '');
  return query
  select found.* from unnest(slices) as slice, lateral (
    select d.type, d.id, d.updated_at, d.head from search.indexed(template, slice) d
    where d.tenant_id = tenant and (company is null or d.customer_id = company)
      and (only_customer is null or d.customer_id = only_customer)
      and (since is null or d.updated_at >= since) and (before is null or d.updated_at < before)
      and (only_types is null or d.type = any (only_types))
      and (only_ids is null or d.type <> limited or d.id in (select unnest(only_ids)))
      and (checked is null or d.words @@ checked)
    order by d.updated_at desc) as found
  limit most;
end $function$;

CREATE OR REPLACE FUNCTION search.occurring(queries tsquery[], only_types text[], limited text, only_ids uuid[])
 RETURNS boolean[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'search', 'psa', 'public', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_indexscan TO 'off'
 SET work_mem TO '32MB'
AS $function$
declare
  slices constant text[] := search.slices();
begin
  perform search.refuse_internal(one) from unnest(queries) as one;
  return array(
    select search.counted(slices, q.match, only_types, limited, only_ids, 1) > 0
    from unnest(queries) with ordinality as q(match, n) order by q.n);
end $function$;

CREATE OR REPLACE FUNCTION search.ranked(match tsquery, steady tsquery, in_head tsquery, in_title tsquery[], in_keywords tsquery[], exact tsquery, goes_on tsquery, only_types text[], limited text, only_ids uuid[], only_customer uuid, since timestamp with time zone, before timestamp with time zone, by_date boolean, now_is timestamp with time zone, cap integer, page_offset integer, page_limit integer)
 RETURNS TABLE(type text, id uuid, score real, total integer)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'search', 'psa', 'public', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_indexscan TO 'off'
 SET work_mem TO '32MB'
AS $function$
#variable_conflict use_column
declare
  slices constant text[] := search.slices_within(since, before);
  groups constant integer := cardinality(in_title);
  few constant integer := 200;
  wanted constant integer := page_offset + page_limit;
  -- The same order all day long: pages fit together.
  today constant timestamptz := date_trunc('day', now_is, 'UTC') + interval '1 day';
  asked tsquery := match;
  checked tsquery := search.unsure(match);
  -- Any group in title or keywords: what does not match this need not be looked at by groups.
  in_part constant tsquery := (
    select string_agg('(' || replace(replace(one::text, ':*A', ':*'), ':A', '') || ')', ' | ')
    from unnest(in_title) as one)::tsquery;
begin
  perform search.refuse_internal(match);
  if steady is not null and search.counted(slices, steady, only_types, limited, only_ids, few + 1) <= few then
    asked := steady;
    checked := match;
  end if;
  if by_date then
    return query
    with matches as materialized (
      select m.type, m.id, m.updated_at from search.newest_within(
        slices, asked, checked, only_types, limited, only_ids, only_customer, since, before, cap + 1) m
    ), page as (
      select * from (select * from matches order by updated_at desc, id limit cap) p
      order by updated_at desc, id offset page_offset limit page_limit)
    select p.type, p.id, case when p.id is not null then 0 end::real, n.total
    from (select count(*)::integer as total from matches) n left join page p on true
    order by p.updated_at desc, p.id;
    return;
  end if;
  return query
  with first as materialized (
    select m.type, m.id, m.updated_at, m.head,
      case when m.head @@ in_part then
        (select sum(case when m.head @@ t then 10 when m.head @@ k then 5 else 1 end)
          from unnest(in_title, in_keywords) as g(t, k)) / groups::real
      else 1 end
      + case when m.head @@ goes_on then 6 else 0 end
      + case when m.head @@ exact then 1000 else 0 end
      + search.freshness(m.updated_at, today) as score
    from search.newest_within(
      slices, asked, checked, only_types, limited, only_ids, only_customer, since, before, cap + 1) m
  ), counted as (
    select count(*)::integer as n, search.freshness(min(f.updated_at), today) as rest from first f
  ), seen as (
    -- What is older has at most, besides `rest`: 16 in the title and going on, 10 in the title, and going on with all
    -- groups but one in the title.
    select c.n, c.n > cap and count(*) filter (where f.score >= 16 + c.rest) < wanted as by_both,
      c.n > cap and count(*) filter (where f.score >= 10 + c.rest) < wanted as by_head,
      c.n > cap and count(*) filter (where f.score >= 6 + (10 * groups - 9) / groups::real + c.rest) < wanted as by_state
    from counted c left join first f on true group by c.n, c.rest
  ), older as materialized (
    select o.type, o.id, o.updated_at, o.head from seen s, search.newest_within(
      slices, in_head && goes_on, search.unsure(in_head), only_types, limited, only_ids, only_customer, since, before,
      case when s.by_both then cap else 0 end) o
    union all select o.type, o.id, o.updated_at, o.head from seen s, search.newest_within(
      slices, in_head, search.unsure(in_head), only_types, limited, only_ids, only_customer, since, before,
      case when s.by_head then cap else 0 end) o
    union all select o.type, o.id, o.updated_at, o.head from seen s, search.newest_within(
      slices, match && goes_on, search.unsure(match), only_types, limited, only_ids, only_customer, since, before,
      case when s.by_state then cap else 0 end) o
    union all select o.type, o.id, o.updated_at, o.head from seen s, search.newest_within(
      slices, match && exact, search.unsure(match), only_types, limited, only_ids, only_customer, since, before,
      case when s.n > cap and numnode(exact) > 0 then cap else 0 end) o
  ), pool as (
    select f.type, f.id, f.updated_at, f.score from first f
    union select o.type, o.id, o.updated_at,
      (select sum(case when o.head @@ t then 10 when o.head @@ k then 5 else 1 end)
        from unnest(in_title, in_keywords) as g(t, k)) / groups::real
      + case when o.head @@ goes_on then 6 else 0 end
      + case when o.head @@ exact then 1000 else 0 end
      + search.freshness(o.updated_at, today)
    from older o
  ), page as (
    select * from (select * from pool order by score desc, updated_at desc, id limit cap) p
    order by score desc, updated_at desc, id offset page_offset limit page_limit)
  -- A row in any case: it tells how many there are.
  select p.type, p.id, p.score::real, s.n
  from seen s left join page p on true
  order by p.score desc, p.updated_at desc, p.id;
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

CREATE OR REPLACE FUNCTION search.slice(tenant_id uuid, at timestamp with time zone)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN ("right"((tenant_id)::text, 4) || lpad(to_hex(GREATEST(0, LEAST(4095, ((((EXTRACT(year FROM (at AT TIME ZONE 'UTC'::text)))::integer - 2000) * 2) + (((EXTRACT(quarter FROM (at AT TIME ZONE 'UTC'::text)))::integer - 1) / 2))))), 3, '0'::text));

CREATE OR REPLACE FUNCTION search.sliced(tenant_id uuid, type text, customer_id uuid, at timestamp with time zone, words tsvector)
 RETURNS tsvector
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE COST 100000
AS $function$
  select case when words = '' then ''::tsvector else array_to_tsvector(array(
    select slice || one from unnest(
      tsvector_to_array(words) || array['#' || type, '@' || customer_id::text]) as one
    -- Without a customer there is no such lexeme: null is left out here too.
    where octet_length(one) <= 2000)) end
  from search.slice(tenant_id, at) as slice
$function$;

CREATE OR REPLACE FUNCTION search.slices()
 RETURNS text[]
 LANGUAGE plpgsql
 STABLE
 SET enable_indexscan TO 'on'
 SET enable_bitmapscan TO 'off'
AS $function$
declare
  tenant constant uuid := psa.tenant_id();
  of_tenant constant text := right(tenant::text, 4);
  at timestamptz;
  newest integer;
  oldest integer;
  result text[] := '{}';
begin
  select d.updated_at into at from search.documents d
  where d.tenant_id = tenant and not d.removed order by d.updated_at desc limit 1;
  if at is null then return result; end if;
  newest := search.half_year(at);
  select search.half_year(d.updated_at) into oldest from search.documents d
  where d.tenant_id = tenant and not d.removed order by d.updated_at limit 1;
  if newest - oldest <= 40 then
    for number in reverse newest..oldest loop
      result := result || (of_tenant || lpad(to_hex(number), 3, '0'));
    end loop;
    return result;
  end if;
  while at is not null loop
    if search.slice(tenant, at) <> all (result) then result := result || search.slice(tenant, at); end if;
    select d.updated_at into at from search.documents d
    where d.tenant_id = tenant and not d.removed
      and d.updated_at < (date_trunc('year', at at time zone 'UTC')
        + case when extract(month from at at time zone 'UTC') > 6 then interval '6 months' else '0' end)
        at time zone 'UTC'
    order by d.updated_at desc limit 1;
  end loop;
  return result;
end $function$;

CREATE OR REPLACE FUNCTION search.slices_within(since timestamp with time zone, before timestamp with time zone)
 RETURNS text[]
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  slices constant text[] := search.slices();
begin
  if since is null and before is null then return slices; end if;
  return array(
    select slice from unnest(slices) with ordinality as s(slice, n)
    where (since is null or right(slice, 3) >= lpad(to_hex(search.half_year(since)), 3, '0'))
      and (before is null or right(slice, 3) <= lpad(to_hex(search.half_year(before)), 3, '0'))
    order by n);
end $function$;

CREATE OR REPLACE FUNCTION search.template(query tsquery, only_types text[])
 RETURNS text
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  company constant uuid := psa.customer_id();
  types text := '';
begin
  -- A query of nothing, which nothing matches.
  if numnode(query) = 0 then return null; end if;
  if only_types is not null then
    types := ' & (' || coalesce(
      (select string_agg(E'''\x01#' || replace(replace(one, '\', '\\'), '''', '''''') || '''', ' | ')
      from unnest(only_types) as one), E'''\x01#''') || ')';
  end if;
  return '(' || regexp_replace(regexp_replace(query::text, '''((?:[^'']|'''')*)''', E'''\x01\\1''', 'g'),
      ' <(-|\d+)> ', ' & ', 'g') || ')' || types
    || case when company is null then '' else E' & ''\x01@' || company || '''' end;
end $function$;

CREATE OR REPLACE FUNCTION search.top(match tsquery, steady tsquery, in_head tsquery, in_title tsquery[], in_keywords tsquery[], exact tsquery, only_types text[], limited text, only_ids uuid[], cap integer, page_offset integer, page_limit integer)
 RETURNS TABLE(type text, id uuid, score real, total integer)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'search', 'psa', 'public', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_indexscan TO 'off'
 SET work_mem TO '32MB'
AS $function$
#variable_conflict use_column
declare
  slices constant text[] := search.slices();
  groups constant integer := cardinality(in_title);
  few constant integer := 200;
  asked tsquery := match;
  checked tsquery := search.unsure(match);
  -- Any group in title or keywords, or the exact keyword: what does not match this need not be looked at by groups.
  in_part constant tsquery := exact || (
    select string_agg('(' || replace(replace(one::text, ':*A', ':*'), ':A', '') || ')', ' | ')
    from unnest(in_title) as one)::tsquery;
begin
  perform search.refuse_internal(match);
  if steady is not null and search.counted(slices, steady, only_types, limited, only_ids, few + 1) <= few then
    asked := steady;
    checked := match;
  end if;
  return query
  with matches as materialized (
    select row_number() over () as n, m.type, m.id, m.updated_at, m.head @@ match as whole,
      case when m.head @@ in_part then
        (select sum(case when m.head @@ t then 10 when m.head @@ k then 5 else 1 end)
          from unnest(in_title, in_keywords) as g(t, k))
        + case when m.head @@ exact then 1000 else 0 end
      else groups end as score
    from search.newest(slices, asked, checked, only_types, limited, only_ids, cap + 1) m
  ), seen as (
    select count(*)::integer as n,
      numnode(exact) = 0
        and count(*) filter (where m.score = 10 * groups) >= page_offset + page_limit as full
    from matches m
  ), heads as materialized (
    select h.type, h.id, h.updated_at,
      (select sum(case when h.head @@ t then 10 when h.head @@ k then 5 else 1 end)
        from unnest(in_title, in_keywords) as g(t, k))
      + case when h.head @@ exact then 1000 else 0 end as score
    from seen s, search.newest(slices, in_head, search.unsure(in_head), only_types, limited, only_ids,
      case when s.n > cap and not s.full then cap else 0 end) h
  ), pool as (
    select m.type, m.id, m.updated_at, m.score from seen s, matches m
    where s.n <= cap or s.full
    union all select h.* from heads h
    union all (
      select m.type, m.id, m.updated_at, m.score from seen s, matches m
      where s.n > cap and not s.full and not m.whole
      order by m.n limit cap - (select count(*) from heads))
  )
  -- A row in any case: it tells how many there are.
  select p.type, p.id, p.score::real, s.n
  from seen s left join (
    select * from pool order by score desc, updated_at desc, id offset page_offset limit page_limit) p on true
  order by p.score desc, p.updated_at desc, p.id;
end $function$;

CREATE OR REPLACE FUNCTION search.unsure(query tsquery)
 RETURNS tsquery
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
begin
  return case when query::text ~ ' <(-|\d+)> ' then query end;
end $function$;

CREATE OR REPLACE FUNCTION search.within(template text, slice text)
 RETURNS tsquery
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN (replace(template, ''::text, slice))::tsquery;

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

grant execute on function search.counted(text[],tsquery,text[],text,uuid[],integer) to psa_search;
grant execute on function search.freshness(timestamp with time zone,timestamp with time zone) to psa_search;
grant execute on function search.half_year(timestamp with time zone) to psa_search;
grant execute on function search.indexed(text,text) to psa_search;
grant execute on function search.matches(tsquery,tsquery,text,uuid,uuid[],integer,boolean) to psa_search;
grant execute on function search.newest(text[],tsquery,tsquery,text[],text,uuid[],integer) to psa_search;
grant execute on function search.newest_within(text[],tsquery,tsquery,text[],text,uuid[],uuid,timestamp with time zone,timestamp with time zone,integer) to psa_search;
grant execute on function search.occurring(tsquery[],text[],text,uuid[]) to psa_search;
grant execute on function search.ranked(tsquery,tsquery,tsquery,tsquery[],tsquery[],tsquery,tsquery,text[],text,uuid[],uuid,timestamp with time zone,timestamp with time zone,boolean,timestamp with time zone,integer,integer,integer) to psa_search;
grant execute on function search.refuse_internal(tsquery) to psa_search;
grant execute on function search.slice(uuid,timestamp with time zone) to psa_search;
grant execute on function search.sliced(uuid,text,uuid,timestamp with time zone,tsvector) to psa_search;
grant execute on function search.slices() to psa_search;
grant execute on function search.slices_within(timestamp with time zone,timestamp with time zone) to psa_search;
grant execute on function search.template(tsquery,text[]) to psa_search;
grant execute on function search.top(tsquery,tsquery,tsquery,tsquery[],tsquery[],tsquery,text[],text,uuid[],integer,integer,integer) to psa_search;
grant execute on function search.unsure(tsquery) to psa_search;
grant execute on function search.within(text,text) to psa_search;
grant execute on function search.words_by_letter(text[],integer) to psa_search;
grant execute on function search.words_by_trigram(text,integer) to psa_search;
grant usage on schema search to psa_search;
grant delete, insert, select, update on search.documents to psa_search;
grant delete, insert, select, update on search.idempotency to psa_search;
grant delete, insert, select, update on search.inbox to psa_search;
grant delete, insert, select, update on search.objects to psa_search;
grant delete, insert, select, update on search.outbox to psa_search;
grant select, usage on search.outbox_seq_seq to psa_search;
grant delete, insert, select, update on search.synonyms to psa_search;
grant delete, insert, select, update on search.texts to psa_search;
grant delete, insert, select, update on search.timers to psa_search;
grant delete, insert, select, update on search.words to psa_search;
