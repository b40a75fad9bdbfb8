-- Customers of a tenant, their places and their people.
-- `name_key` and `search_text` are folded by the service (shared/search-text.ts: case, accents, ß, ae/ä), so
-- that the same rule applies to what is stored and to what is asked for.

-- Numbers per tenant. Taken in a transaction of its own, see shared/counters.ts.
create table crm.counters (
  tenant_id uuid not null,
  name text not null,
  value bigint not null,
  primary key (tenant_id, name)
);
call psa.protect('crm.counters', 'staff');

create table crm.customers (
  tenant_id uuid not null,
  id uuid not null,
  -- A portal user's own company is the row whose id is its customer_id.
  customer_id uuid not null generated always as (id) stored,
  customer_number integer not null,
  name text not null,
  name_key text collate "C" not null,
  status text not null check (status in ('active', 'prospect', 'inactive')),
  email text,
  phone text,
  website text,
  notes text,
  tags text[] not null default '{}',
  preferred_technician_id uuid,
  sla_policy_id uuid,
  source text,
  external_id text,
  search_text text collate "C" not null,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, customer_number)
);
create unique index customers_external_id on crm.customers (tenant_id, source, external_id)
  where external_id is not null and deleted_at is null;
create index customers_name on crm.customers (tenant_id, name_key, id) where deleted_at is null;
create index customers_search on crm.customers using gin (tenant_id, search_text gin_trgm_ops)
  where deleted_at is null;
call psa.protect('crm.customers', 'customer');

create table crm.sites (
  tenant_id uuid not null,
  id uuid not null,
  customer_id uuid not null,
  name text not null,
  name_key text collate "C" not null,
  street text,
  postal_code text,
  city text,
  country text,
  time_zone text,
  search_text text collate "C" not null,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, customer_id, id),
  foreign key (tenant_id, customer_id) references crm.customers (tenant_id, id)
);
create index sites_name on crm.sites (tenant_id, name_key, id) where deleted_at is null;
create index sites_customer on crm.sites (tenant_id, customer_id, name_key, id) where deleted_at is null;
create index sites_search on crm.sites using gin (tenant_id, search_text gin_trgm_ops) where deleted_at is null;
call psa.protect('crm.sites', 'customer');

create table crm.contacts (
  tenant_id uuid not null,
  id uuid not null,
  customer_id uuid not null,
  site_id uuid,
  name text not null,
  name_key text collate "C" not null,
  email text,
  phone text,
  position text,
  is_primary boolean not null default false,
  user_id uuid,
  notes text,
  source text,
  external_id text,
  search_text text collate "C" not null,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, customer_id) references crm.customers (tenant_id, id),
  -- A contact's place is one of its own company.
  foreign key (tenant_id, customer_id, site_id) references crm.sites (tenant_id, customer_id, id)
);
create unique index contacts_external_id on crm.contacts (tenant_id, source, external_id)
  where external_id is not null and deleted_at is null;
create unique index contacts_primary on crm.contacts (tenant_id, customer_id) where is_primary and deleted_at is null;
create index contacts_name on crm.contacts (tenant_id, name_key, id) where deleted_at is null;
create index contacts_customer on crm.contacts (tenant_id, customer_id, name_key, id) where deleted_at is null;
create index contacts_site on crm.contacts (tenant_id, site_id) where site_id is not null and deleted_at is null;
create index contacts_search on crm.contacts using gin (tenant_id, search_text gin_trgm_ops)
  where deleted_at is null;
call psa.protect('crm.contacts', 'customer');

-- Candidates for a search, found through the trigram index. LIKE is not leakproof, so below the barrier of
-- row-level security PostgreSQL may not use that index: a search of 10,000 customers costs 8 to 12 ms per
-- query as the service's role, 0.5 to 3 ms through this function (measured with 5 x 10,000 rows). The function
-- therefore runs as the owner and itself repeats what the policy says: tenant, and company for a portal user.
-- It returns ids only, and the caller looks them up under row-level security again.
-- At most `most` + 1 ids: a needle that fits more rows than that is cheaper to find by scanning in list order
-- (12 ms against 130 ms for a needle that fits all 10,000).
create function crm.search_candidates(kind text, pattern text, variant text, most integer)
returns setof uuid language plpgsql stable security definer
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan as $$
declare
  tenant constant uuid := psa.tenant_id();
  customer constant uuid := psa.customer_id();
begin
  if kind = 'customers' then
    return query select c.id from crm.customers c
      where c.tenant_id = tenant and c.deleted_at is null and (customer is null or c.customer_id = customer)
        and (c.search_text like pattern or c.search_text like variant) limit most + 1;
  elsif kind = 'sites' then
    return query select c.id from crm.sites c
      where c.tenant_id = tenant and c.deleted_at is null and (customer is null or c.customer_id = customer)
        and (c.search_text like pattern or c.search_text like variant) limit most + 1;
  elsif kind = 'contacts' then
    return query select c.id from crm.contacts c
      where c.tenant_id = tenant and c.deleted_at is null and (customer is null or c.customer_id = customer)
        and (c.search_text like pattern or c.search_text like variant) limit most + 1;
  else
    raise exception 'crm.search_candidates: unknown kind %', kind;
  end if;
end
$$;
revoke execute on function crm.search_candidates(text, text, text, integer) from public;
do $$ begin
  if exists (select from pg_roles where rolname = 'psa_crm') then
    grant execute on function crm.search_candidates(text, text, text, integer) to psa_crm;
  end if;
end $$;
