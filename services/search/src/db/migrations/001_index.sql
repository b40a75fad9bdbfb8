-- The search index in PostgreSQL. Filled and asked by libs/infra/src/search/postgres-search.ts, which cuts texts
-- into words itself: one rule for documents, queries and highlighting. Left empty where Elasticsearch is used.
--
-- Lexemes, by their first character:
--   drucker     the word, lower case, without accents, and its German and English stems
--   =max@x.de   a whole keyword
--   !drucker    the same of internal text; the queries of portal users have no such lexeme

create table search.documents (
  tenant_id uuid not null,
  type text not null,
  id uuid not null,
  -- Null: staff only.
  customer_id uuid,
  owner_ids uuid[] not null default '{}',
  version bigint not null,
  updated_at timestamptz not null,
  -- A removed document leaves its version, so that a late older one does not bring it back.
  removed boolean not null default false,
  -- Lexemes of title and keywords: small, stays in the row, so that looking at many matches is cheap.
  head tsvector not null default '',
  -- All lexemes: A title, B keywords, D body and internal text.
  words tsvector not null default '',
  title text not null default '',
  body text not null default '',
  internal text not null default '',
  summary jsonb not null default '{}',
  primary key (tenant_id, type, id)
);
-- Ordinary rows are two to four kB. Moved out of line, the large columns leave rows of about 250 bytes, and the
-- filter and sort of 30,000 matches read 8 MB instead of 90.
alter table search.documents set (toast_tuple_target = 128);
alter table search.documents alter column head set storage main;
-- Lexemes hardly shrink, and each ranking would unpack them.
alter table search.documents alter column words set storage external;
create index documents_words on search.documents using gin (tenant_id, words);
create index documents_customer on search.documents (tenant_id, customer_id, updated_at) where customer_id is not null;
call psa.protect('search.documents', 'customer');

-- The words that occur, for finding the one that was meant. Words are never taken out: whether a candidate occurs
-- in a document that the asker may see is checked with each query.
create table search.words (
  tenant_id uuid not null,
  word text collate "C" not null,
  -- As first seen, with umlauts.
  shown text not null,
  -- The word, and what it becomes when one letter is left out. Two words with one of these in common differ by one
  -- letter more, one fewer, one other, or two neighbours swapped. Worked out by the service: as a function here it
  -- took 0.2 ms a word.
  shortened text[] collate "C" not null,
  primary key (tenant_id, word)
);
create index words_shortened on search.words using gin (tenant_id, shortened);
create index words_trigrams on search.words using gin (tenant_id, word gin_trgm_ops);
call psa.protect('search.words', 'staff');

-- Below row-level security an index cannot serve @@, % or &&: they are not leakproof, so PostgreSQL applies the
-- policy first and reads every row of the tenant. These functions run as the owner and apply the same rule
-- themselves, from the same transaction settings; no argument can widen it. They give out references and words,
-- never texts: those are read below row-level security.
--
-- Only bitmap scans: with `limit` the planner hopes to meet a match early and reads rows one by one, fetching a
-- tsvector from out of line for each. For a word that occurs nowhere that took 270 ms at 25,000 documents; by the
-- index it is under 1 ms.

create function search.refuse_internal(query tsquery) returns void language plpgsql stable
as $$ begin
  if psa.customer_id() is not null and query::text like '%''!%' then
    raise exception 'Internal text is not searched for portal users.' using errcode = '42501';
  end if;
end $$;

-- The best matches: title and keywords before texts, newer before older. Of more than `cap` matches those are
-- ranked that have all words in title and keywords, then the newest. `total` stops at cap + 1.
create function search.find(
  match tsquery, wanted tsquery, exact tsquery, only_types text[], only_owner uuid, cap integer,
  page_offset integer, page_limit integer)
returns table (type text, id uuid, score real, total integer)
language plpgsql stable security definer
set search_path = search, psa, public, pg_temp
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_indexscan = off
set work_mem = '32MB'
as $$
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
end $$;

-- For each of some queries, whether any document matches it that the asker may see.
create function search.occurring(queries tsquery[], only_types text[], only_owner uuid) returns boolean[]
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
        and (only_owner is null or only_owner = any (d.owner_ids)));
  end loop;
  return result;
end $$;

-- Words of the tenant like a mistyped one, by a letter (first branch, exact and fast) or by trigrams, which reach
-- two letters in longer words. 0.35: the default of 0.3 reads a third more for few words that survive the
-- edit distance, 0.6 misses most words with two wrong letters.
create function search.similar_words(typed text, shorter text[], most integer) returns table (word text, shown text)
language plpgsql stable security definer
set search_path = search, psa, public, pg_temp
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_indexscan = off
set pg_trgm.similarity_threshold = 0.35
as $$
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
end $$;

revoke execute on all functions in schema search from public;
grant execute on all functions in schema search to psa_search;
