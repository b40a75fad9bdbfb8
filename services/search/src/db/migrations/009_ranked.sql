-- Ranking knows age and state, and a search may be narrowed by status, customer and time and be sorted by date. New
-- lexemes of a document, in `words` and `head` alike:
--   $closed   its status
--   $$        it goes on: a ticket that is not done, a customer or contact in any case
--   =~…       the whole title, as a short key
-- The index of 007 stays as it is. Until a document is put anew (010) it is found as before, as one that is over.

-- What a document's age adds: one for each of these spans that it is younger than. Older than half a year: nothing.
-- Stable, as reckoning with intervals is: declared as more it would be called for each row instead of being part of the plan.
create function search.freshness(updated_at timestamptz, today timestamptz) returns integer
language sql stable parallel safe
  return (updated_at > today - interval '7 days')::integer + (updated_at > today - interval '30 days')::integer
    + (updated_at > today - interval '90 days')::integer + (updated_at > today - interval '180 days')::integer;

-- As `newest` of 007, with what else narrows a search.
create function search.newest_within(
  slices text[], query tsquery, checked tsquery, only_types text[], limited text, only_ids uuid[],
  only_customer uuid, since timestamptz, before timestamptz, most integer)
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
end $$;

-- The half-years of `slices` that have any of a span.
create function search.slices_within(since timestamptz, before timestamptz) returns text[] language plpgsql stable
as $$
declare
  slices constant text[] := search.slices();
begin
  if since is null and before is null then return slices; end if;
  return array(
    select slice from unnest(slices) with ordinality as s(slice, n)
    where (since is null or right(slice, 3) >= lpad(to_hex(search.half_year(since)), 3, '0'))
      and (before is null or right(slice, 3) <= lpad(to_hex(search.half_year(before)), 3, '0'))
    order by n);
end $$;

-- The best matches. A score is the sum of
--   1 to 10  where the words stand: ten for a group in the title, five in the keywords, one elsewhere; their mean
--   6        what goes on
--   0 to 4   how new it is (`freshness`)
--   1000     the exact keyword, or the whole title
-- of the newest `cap` matches, the newest `cap` with all words in title and keywords, and the newest `cap` that go on.
-- What of these is older than the newest `cap` is only asked for where it may still get onto the page.
-- `steady`: the query without the word that may be a beginning (007). `by_date`: last changed first.
create function search.ranked(
  match tsquery, steady tsquery, in_head tsquery, in_title tsquery[], in_keywords tsquery[], exact tsquery,
  goes_on tsquery, only_types text[], limited text, only_ids uuid[], only_customer uuid, since timestamptz,
  before timestamptz, by_date boolean, now_is timestamptz, cap integer, page_offset integer, page_limit integer)
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
end $$;

-- What a tenant's searches take for the same, as it has set it. Without a row: the list that is shipped.
create table search.synonyms (
  tenant_id uuid primary key,
  -- Lists of expressions.
  groups jsonb not null,
  version integer not null default 1,
  updated_at timestamptz not null
);
call psa.protect('search.synonyms', 'tenant');

revoke execute on all functions in schema search from public;
grant execute on all functions in schema search to psa_search;
