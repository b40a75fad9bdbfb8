-- Another form of the index (libs/infra/src/search): parts of compounds, scripts without spaces, numbers without their
-- signs. Lexemes, by their first character, beside those of 001:
--   ^drucker    the same of title and keywords once more: the index tells these matches apart by itself
--   ǂ8719653210 a number or key without its signs
-- What is stored is put into it anew in the background; until then it is found as before.
insert into search.timers (tenant_id, kind, key, due_at, payload)
select distinct tenant_id, 'reindex', 'all', now(), '{"after": null}'::jsonb from search.objects
on conflict (tenant_id, kind, key) do update set due_at = excluded.due_at, payload = excluded.payload;

-- The newest of many matches without looking at all of them.
create index documents_recent on search.documents (tenant_id, updated_at desc) where not removed;

-- When the document of this place, newest first, was changed; null when there are fewer.
create function search.changed_at(place integer) returns timestamptz
language sql stable security definer set search_path = search, psa, public, pg_temp
as $$
  select d.updated_at from search.documents d
  where d.tenant_id = (select psa.tenant_id()) and not d.removed
  order by d.updated_at desc offset place limit 1
$$;

-- Where matches stand, `most` at most: all of them in no order when there are fewer, else the newest. A word that stands
-- in every sixth ticket matches 30,000 of 200,000; reading and sorting these took 45 ms, the newest 1,000 by these
-- steps take 4 ms.
create function search.places(match tsquery, only_types text[], only_owner uuid, only_ids uuid[], most integer)
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
end $$;

-- The best matches: those with all words in title and keywords before others, the newest of them. `in_title` and
-- `in_keywords`: one query for each group of words, against the short vector in the row. A match counts ten for a group
-- in the title, five for one in the keywords, one for one elsewhere; equals go by date. `total` stops at cap + 1.
create function search.best(
  match tsquery, in_head tsquery, in_title tsquery[], in_keywords tsquery[], exact tsquery, only_types text[],
  only_owner uuid, only_ids uuid[], cap integer, page_offset integer, page_limit integer)
returns table (type text, id uuid, score real, total integer)
language plpgsql stable security definer
set search_path = search, psa, public, pg_temp
set plan_cache_mode = force_custom_plan
as $$
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
end $$;

-- The ids of all matches of a type, for a service that filters and sorts them itself: 16 bytes each, those that have the
-- exact keyword, those with all words in title and keywords, and the others. When there are more than `most`, `more` is
-- true, and none are named, or the newest.
create function search.matches(
  match tsquery, exact tsquery, only_type text, only_owner uuid, only_customer uuid, only_ids uuid[],
  most integer, newest boolean)
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
end $$;

-- Words of the tenant that are one letter away from a mistyped one. These and the next in place of similar_words, which
-- asked for both each time: one letter is nearly always enough, and costs a twentieth.
create function search.words_by_letter(shorter text[], most integer) returns table (word text, shown text)
language plpgsql stable security definer
set search_path = search, psa, public, pg_temp
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_indexscan = off
as $$
#variable_conflict use_column
declare
  tenant constant uuid := psa.tenant_id();
begin
  return query
  select w.word, w.shown from search.words w
  where w.tenant_id = tenant and w.shortened && shorter
  order by similarity(w.word, shorter[1]) desc, w.word limit most;
end $$;

-- Words of the tenant that share most trigrams with a mistyped one: two letters away, in longer words.
create function search.words_by_trigram(typed text, most integer) returns table (word text, shown text)
language plpgsql stable security definer
set search_path = search, psa, public, pg_temp
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_indexscan = off
set pg_trgm.similarity_threshold = 0.35
as $$
#variable_conflict use_column
declare
  tenant constant uuid := psa.tenant_id();
begin
  return query
  select w.word, w.shown from search.words w
  where w.tenant_id = tenant and w.word % typed
    and length(w.word) between length(typed) - 2 and length(typed) + 2
  order by similarity(w.word, typed) desc, w.word limit most;
end $$;

revoke execute on all functions in schema search from public;
grant execute on all functions in schema search to psa_search;
