-- The newest matches by the index alone. A word that stands in every tenth ticket matches 20,000 of 200,000, and the
-- answer wants the newest thousand: with the day in the same index, its lists are read from the days that are asked for
-- and skipped before. The newest thousand of 15,000 matches: 2 ms instead of 59.
create function search.day(at timestamptz) returns integer language sql immutable parallel safe
  return (at at time zone 'UTC')::date - date '2000-01-01';

drop index search.documents_words;
create index documents_words on search.documents using gin (tenant_id, search.day(updated_at), words);

-- About how many documents of the tenant match, by the planner's statistics: they know the thousand words that most
-- documents have, and so how many begin with some letters. Others count as half a percent at most.
create function search.expected(match tsquery) returns float language plpgsql volatile
as $$
declare
  plan json;
begin
  execute 'explain (format json) select from search.documents d where d.tenant_id = $1 and d.words @@ $2'
    into plan using psa.tenant_id(), match;
  return greatest((plan->0->'Plan'->>'Plan Rows')::float, 1);
end $$;

-- The days of the documents at each hundredth of all, oldest first, by the same statistics; null without any.
create function search.hundredths() returns integer[] language plpgsql stable
as $$ begin
  return (
    select array(select search.day(at) from unnest(s.histogram_bounds::text::timestamptz[]) as at)
    from pg_stats s where s.schemaname = 'search' and s.tablename = 'documents' and s.attname = 'updated_at');
end $$;

-- The day since which this share of the documents was changed. Null for a share that is no use to ask for apart.
create function search.since(share float, hundredths integer[]) returns integer language sql immutable
  return case when share < 0.5
    then hundredths[cardinality(hundredths) - ceil(share * (cardinality(hundredths) - 1))::integer] end;

-- Where the newest matches stand since a day, or of all time; `most` at most. Planned once: to plan with the words at
-- hand looks them up in the statistics each time, and they are looked up by the same index whatever they are.
create function search.newest_of_all(match tsquery, only_types text[], since integer, most integer)
returns tid[] language plpgsql stable
set plan_cache_mode = force_generic_plan
as $$
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
end $$;

-- The same for those who see a part of the documents, or ask for one: other indexes may help.
create function search.newest(
  match tsquery, only_types text[], limited text, only_ids uuid[], since integer, most integer)
returns tid[] language plpgsql stable
as $$
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
end $$;

-- Where the newest matches stand, `most` of them, or all when there are fewer. How far back as many stand is guessed by
-- the statistics, then by what was found; everything is looked at only where it must be. `steady`: what a look at the
-- newest can tell more by, null where it can not: several words without the beginning. Who sees a part of the documents
-- is asked for all at once: of a part the guess says little. `if_likely`: null where the guess is that there are fewer.
create function search.recent(
  match tsquery, steady tsquery, only_types text[], limited text, only_ids uuid[], most integer,
  hundredths integer[], if_likely boolean)
returns tid[] language plpgsql volatile
as $$
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
end $$;

-- The best matches, as `best` of 004, which took 20 times as long where words are common: those with all words in title
-- and keywords before others, the newest of them. Few matches are fetched at once; of many, those in title and keywords
-- are asked for first, because they are often enough.
create function search.top(
  match tsquery, steady tsquery, in_head tsquery, in_title tsquery[], in_keywords tsquery[], exact tsquery,
  only_types text[], limited text, only_ids uuid[], cap integer, page_offset integer, page_limit integer)
returns table (type text, id uuid, score real, total integer)
language plpgsql volatile security definer
set search_path = search, psa, public, pg_temp
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_indexscan = off
set work_mem = '32MB'
as $$
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
end $$;

-- For each of some queries, whether any document matches it that the asker may see. Most words stand in one of the newest
-- hundredth, or in few documents.
create or replace function search.occurring(queries tsquery[], only_types text[], limited text, only_ids uuid[]) returns boolean[]
language plpgsql stable security definer
set search_path = search, psa, public, pg_temp
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_indexscan = off
set work_mem = '32MB'
as $$
declare
  near constant integer := search.since(0.01, search.hundredths());
begin
  return array(
    select near is not null and cardinality(search.newest(q.match, only_types, limited, only_ids, near, 1)) > 0
      or cardinality(search.newest(q.match, only_types, limited, only_ids, null, 1)) > 0
    from unnest(queries) with ordinality as q(match, n) order by q.n);
end $$;

revoke execute on all functions in schema search from public;
grant execute on all functions in schema search to psa_search;
