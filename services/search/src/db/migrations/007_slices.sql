-- Documents are indexed by half-years. Each lexeme stands in the index behind the tenant and the half-year of the
-- document's last change: what is asked of one half-year reads the lists of that one alone, also for a beginning, and
-- who looks for the newest thousand begins with the newest half-year and ends where they are found. In place of the
-- index by days (005), which gathered all documents since a day and all that have a beginning, each time.

-- The half-year of a change, of a tenant: four hexadecimal digits of the tenant, three of the half-year since 2000.
-- Tenants that share the four digits read each other's entries; `tenant_id` tells them apart.
create function search.slice(tenant_id uuid, at timestamptz) returns text language sql immutable parallel safe
  return right(tenant_id::text, 4) || lpad(to_hex(greatest(0, least(4095,
    (extract(year from at at time zone 'UTC')::integer - 2000) * 2
    + (extract(quarter from at at time zone 'UTC')::integer - 1) / 2))), 3, '0');

-- What a document is indexed under: its lexemes, `#` and its type, `@` and its customer. Without positions, which the
-- index does not keep; a lexeme has 2,046 bytes at most, with what is put before it.
create function search.sliced(tenant_id uuid, type text, customer_id uuid, at timestamptz, words tsvector)
returns tsvector language sql immutable parallel safe
-- To look through documents for it is never worth it.
cost 100000
as $$
  select case when words = '' then ''::tsvector else array_to_tsvector(array(
    select slice || one from unnest(
      tsvector_to_array(words) || array['#' || type, '@' || customer_id::text]) as one
    -- Without a customer there is no such lexeme: null is left out here too.
    where octet_length(one) <= 2000)) end
  from search.slice(tenant_id, at) as slice
$$;

-- Without a list of what is not yet sorted in (fastupdate): each look at a half-year would read all of it.
set local maintenance_work_mem = '128MB';
create index documents_sliced on search.documents
  using gin (search.sliced(tenant_id, type, customer_id, updated_at, words)) with (fastupdate = off);
-- No plan hangs on these, and to gather them reads every lexeme of 30,000 documents.
alter index search.documents_sliced alter column 1 set statistics 0;
alter table search.documents alter column words set statistics 0, alter column head set statistics 0;

-- The half-years in which the asker's tenant has documents, the newest first.
create function search.slices() returns text[] language plpgsql stable
set enable_indexscan = on
set enable_bitmapscan = off
as $$
declare
  tenant constant uuid := psa.tenant_id();
  result text[] := '{}';
  at timestamptz;
begin
  select d.updated_at into at from search.documents d
  where d.tenant_id = tenant and not d.removed order by d.updated_at desc limit 1;
  while at is not null loop
    -- All before 2000 are of one.
    if search.slice(tenant, at) <> all (result) then result := result || search.slice(tenant, at); end if;
    select d.updated_at into at from search.documents d
    where d.tenant_id = tenant and not d.removed
      and d.updated_at < (date_trunc('year', at at time zone 'UTC')
        + case when extract(month from at at time zone 'UTC') > 6 then interval '6 months' else '0' end)
        at time zone 'UTC'
    order by d.updated_at desc limit 1;
  end loop;
  return result;
end $$;

-- A query as the index is asked it, with a place before each lexeme for the half-year. Words that must stand side by
-- side must only occur: the index knows no positions. With the types that are wanted, and the asker's company.
create function search.template(query tsquery, only_types text[]) returns text language sql stable
as $$
  -- Null for a query of nothing, which nothing matches.
  select case when numnode(query) > 0 then '(' end
    || regexp_replace(regexp_replace(query::text, '''((?:[^'']|'''')*)''', E'''\x01\\1''', 'g'),
      ' <(-|\d+)> ', ' & ', 'g') || ')'
    || case when only_types is null then '' else ' & (' || coalesce(
        (select string_agg(E'''\x01#' || replace(replace(one, '\', '\\'), '''', '''''') || '''', ' | ')
        from unnest(only_types) as one), E'''\x01#''') || ')' end
    || coalesce(E' & ''\x01@' || psa.customer_id() || '''', '')
$$;
create function search.within(template text, slice text) returns tsquery language sql immutable strict parallel safe
  return replace(template, E'\x01', slice)::tsquery;

-- What stands in the index under a query of a half-year. Kept whole by `offset`: with the asker's other filters beside
-- it, of which the planner knows nothing, it would look through all documents of the tenant.
create function search.indexed(template text, slice text) returns setof search.documents language sql stable
as $$
  select * from search.documents d
  where search.sliced(d.tenant_id, d.type, d.customer_id, d.updated_at, d.words) @@ search.within(template, slice)
  offset 0
$$;

-- What of a query the index can not tell: whether words stand side by side. Null for nothing.
create function search.unsure(query tsquery) returns tsquery language sql immutable strict parallel safe
  return case when query::text ~ ' <(-|\d+)> ' then query end;

-- The newest matches of a query by the index of these half-years, `most` at most; `checked` is what must match besides,
-- in the document's own lexemes.
create function search.newest(
  slices text[], query tsquery, checked tsquery, only_types text[], limited text, only_ids uuid[], most integer)
returns table (type text, id uuid, updated_at timestamptz, head tsvector) language plpgsql stable
as $$
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
end $$;

-- How many documents of these half-years match that the asker may see, counted up to `most`.
create function search.counted(
  slices text[], query tsquery, only_types text[], limited text, only_ids uuid[], most integer)
returns integer language plpgsql stable
as $$
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
end $$;

-- The best matches, as `top` of 005: those with all words in title and keywords before others, the newest of them. A
-- match counts ten for a group in the title, five for one in the keywords, one for one elsewhere. `steady`: the query
-- without the word that may be a beginning, which is dear to ask for; where few documents match that, these are looked
-- at. Older matches in title and keywords are asked for only where the newest do not fill the page with the best score.
create or replace function search.top(
  match tsquery, steady tsquery, in_head tsquery, in_title tsquery[], in_keywords tsquery[], exact tsquery,
  only_types text[], limited text, only_ids uuid[], cap integer, page_offset integer, page_limit integer)
returns table (type text, id uuid, score real, total integer)
language plpgsql stable security definer
set search_path = search, psa, public, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_indexscan = off
set work_mem = '32MB'
as $$
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
end $$;

-- For each of some queries, whether any document matches it that the asker may see.
create or replace function search.occurring(queries tsquery[], only_types text[], limited text, only_ids uuid[])
returns boolean[]
language plpgsql stable security definer
set search_path = search, psa, public, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_indexscan = off
set work_mem = '32MB'
as $$
declare
  slices constant text[] := search.slices();
begin
  perform search.refuse_internal(one) from unnest(queries) as one;
  return array(
    select search.counted(slices, q.match, only_types, limited, only_ids, 1) > 0
    from unnest(queries) with ordinality as q(match, n) order by q.n);
end $$;

-- The ids of all matches of a type, as `matches` of 004.
create or replace function search.matches(
  match tsquery, exact tsquery, only_type text, only_customer uuid, only_ids uuid[], most integer, newest boolean)
returns table (by_keyword bytea, by_head bytea, others bytea, more boolean)
language plpgsql stable security definer
set search_path = search, psa, public, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_indexscan = off
set work_mem = '64MB'
as $$
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
end $$;

-- What neither this release nor the one before asks any more.
drop index search.documents_words;
drop function search.recent(tsquery, tsquery, text[], text, uuid[], integer, integer[], boolean);
drop function search.newest(tsquery, text[], text, uuid[], integer, integer);
drop function search.newest_of_all(tsquery, text[], integer, integer);
drop function search.expected(tsquery);
drop function search.since(float, integer[]);
drop function search.hundredths();
drop function search.day(timestamptz);
drop function search.best(
  tsquery, tsquery, tsquery[], tsquery[], tsquery, text[], text, uuid[], integer, integer, integer);
drop function search.best(
  tsquery, tsquery, tsquery[], tsquery[], tsquery, text[], uuid, uuid[], integer, integer, integer);
drop function search.places(tsquery, text[], text, uuid[], integer);
drop function search.places(tsquery, text[], uuid, uuid[], integer);
drop function search.changed_at(integer);
drop function search.find(tsquery, tsquery, tsquery, text[], uuid, integer, integer, integer);
drop function search.matches(tsquery, tsquery, text, uuid, uuid, uuid[], integer, boolean);
drop function search.occurring(tsquery[], text[], uuid);
drop function search.similar_words(text, text[], integer);

revoke execute on all functions in schema search from public;
grant execute on all functions in schema search to psa_search;
