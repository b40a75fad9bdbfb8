-- What every search computes before it reads anything, with less work: functions that PostgreSQL kept no plan for were
-- planned at each call, and the half-years were asked for one by one.

-- The number of a half-year since 2000, as it stands in `slice`.
create function search.half_year(at timestamptz) returns integer language sql immutable parallel safe
  return greatest(0, least(4095, (extract(year from at at time zone 'UTC')::integer - 2000) * 2
    + (extract(quarter from at at time zone 'UTC')::integer - 1) / 2));

-- The half-years from the asker's tenant's newest document to its oldest. One without documents costs a look into the
-- index; so with a document of long ago, or of a time to come, the half-years that have any are looked for one by one.
create or replace function search.slices() returns text[] language plpgsql stable
set enable_indexscan = on
set enable_bitmapscan = off
as $$
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
end $$;

create or replace function search.template(query tsquery, only_types text[]) returns text language plpgsql stable
as $$
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
end $$;

create or replace function search.unsure(query tsquery) returns tsquery language plpgsql immutable strict parallel safe
as $$
begin
  return case when query::text ~ ' <(-|\d+)> ' then query end;
end $$;

revoke execute on function search.half_year(timestamptz) from public;
grant execute on function search.half_year(timestamptz) to psa_search;
