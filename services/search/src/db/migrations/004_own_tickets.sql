-- Who sees only some tickets finds those that the tickets service names (`limited` is then 'ticket', `only_ids` are its
-- answer): what a ticket's watchers, assignee and team make visible changes without an event, and is decided there alone.
-- Objects of other types are not touched by it. In place of the functions of the same names with `only_owner`, which the
-- release before still asks; documents.owner_ids is not written any more.

create function search.occurring(queries tsquery[], only_types text[], limited text, only_ids uuid[]) returns boolean[]
language plpgsql stable security definer
set search_path = search, psa, public, pg_temp
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_indexscan = off
as $$
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
        and (only_ids is null or d.type <> limited or d.id = any (only_ids)));
  end loop;
  return result;
end $$;

create function search.places(match tsquery, only_types text[], limited text, only_ids uuid[], most integer)
returns tid[]
language plpgsql stable security definer
set search_path = search, psa, public, pg_temp
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_indexscan = off
set work_mem = '32MB'
as $$
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
end $$;

create function search.best(
  match tsquery, in_head tsquery, in_title tsquery[], in_keywords tsquery[], exact tsquery, only_types text[],
  limited text, only_ids uuid[], cap integer, page_offset integer, page_limit integer)
returns table (type text, id uuid, score real, total integer)
language plpgsql stable security definer
set search_path = search, psa, public, pg_temp
set plan_cache_mode = force_custom_plan
as $$
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
end $$;

create function search.matches(
  match tsquery, exact tsquery, only_type text, only_customer uuid, only_ids uuid[], most integer, newest boolean)
returns table (by_keyword bytea, by_head bytea, others bytea, more boolean)
language plpgsql stable security definer
set search_path = search, psa, public, pg_temp
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_indexscan = off
set work_mem = '64MB'
as $$
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
end $$;

revoke execute on all functions in schema search from public;
grant execute on all functions in schema search to psa_search;
