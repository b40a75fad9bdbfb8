-- tables

create table crm.contacts (
  tenant_id uuid not null,
  id uuid not null,
  customer_id uuid not null,
  site_id uuid,
  name text not null,
  name_key text collate "C" not null,
  email text,
  phone text,
  "position" text,
  is_primary boolean not null default false,
  user_id uuid,
  notes text,
  source text,
  external_id text,
  search_text text collate "C" not null,
  version integer not null default 1,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  constraint contacts_pkey PRIMARY KEY (tenant_id, id),
  constraint contacts_tenant_id_customer_id_fkey FOREIGN KEY (tenant_id, customer_id) REFERENCES crm.customers(tenant_id, id),
  constraint contacts_tenant_id_customer_id_site_id_fkey FOREIGN KEY (tenant_id, customer_id, site_id) REFERENCES crm.sites(tenant_id, customer_id, id)
);

create table crm.counters (
  tenant_id uuid not null,
  name text not null,
  value bigint not null,
  constraint counters_pkey PRIMARY KEY (tenant_id, name)
);

create table crm.customers (
  tenant_id uuid not null,
  id uuid not null,
  customer_id uuid not null generated always as (id) stored,
  customer_number integer not null,
  name text not null,
  name_key text collate "C" not null,
  status text not null,
  email text,
  phone text,
  website text,
  notes text,
  tags text[] not null default '{}'::text[],
  preferred_technician_id uuid,
  sla_policy_id uuid,
  source text,
  external_id text,
  search_text text collate "C" not null,
  version integer not null default 1,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  constraint customers_pkey PRIMARY KEY (tenant_id, id),
  constraint customers_status_check CHECK ((status = ANY (ARRAY['active'::text, 'prospect'::text, 'inactive'::text]))),
  constraint customers_tenant_id_customer_number_key UNIQUE (tenant_id, customer_number)
);

create table crm.idempotency (
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

create table crm.import_columns (
  tenant_id uuid not null,
  heading_key text not null,
  heading text not null,
  choice text not null,
  updated_at timestamp with time zone not null,
  constraint import_columns_pkey PRIMARY KEY (tenant_id, heading_key)
);

create table crm.import_layouts (
  tenant_id uuid not null,
  kind text not null,
  layout_key text not null,
  headings text[] not null,
  choices jsonb not null,
  updated_at timestamp with time zone not null,
  constraint import_layouts_kind_check CHECK ((kind = ANY (ARRAY['customers'::text, 'contacts'::text, 'sites'::text]))),
  constraint import_layouts_pkey PRIMARY KEY (tenant_id, kind, layout_key)
);

create table crm.inbox (
  tenant_id uuid not null,
  consumer text not null,
  event_id uuid not null,
  processed_at timestamp with time zone not null default now(),
  constraint inbox_pkey PRIMARY KEY (tenant_id, consumer, event_id)
);

create table crm.outbox (
  tenant_id uuid not null,
  seq bigint not null generated always as identity,
  event jsonb not null,
  created_at timestamp with time zone not null default now(),
  constraint outbox_pkey PRIMARY KEY (tenant_id, seq)
);

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
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  constraint sites_pkey PRIMARY KEY (tenant_id, id),
  constraint sites_tenant_id_customer_id_fkey FOREIGN KEY (tenant_id, customer_id) REFERENCES crm.customers(tenant_id, id),
  constraint sites_tenant_id_customer_id_id_key UNIQUE (tenant_id, customer_id, id)
);

create table crm.timers (
  tenant_id uuid not null,
  kind text not null,
  key text not null,
  due_at timestamp with time zone not null,
  payload jsonb not null default '{}'::jsonb,
  attempts integer not null default 0,
  constraint timers_pkey PRIMARY KEY (tenant_id, kind, key)
);

-- indexes

CREATE INDEX contacts_customer ON crm.contacts USING btree (tenant_id, customer_id, name_key, id) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX contacts_external_id ON crm.contacts USING btree (tenant_id, source, external_id) WHERE ((external_id IS NOT NULL) AND (deleted_at IS NULL));

CREATE INDEX contacts_name ON crm.contacts USING btree (tenant_id, name_key, id) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX contacts_primary ON crm.contacts USING btree (tenant_id, customer_id) WHERE (is_primary AND (deleted_at IS NULL));

CREATE INDEX contacts_search ON crm.contacts USING gin (tenant_id, search_text public.gin_trgm_ops) WHERE (deleted_at IS NULL);

CREATE INDEX contacts_site ON crm.contacts USING btree (tenant_id, site_id) WHERE ((site_id IS NOT NULL) AND (deleted_at IS NULL));

CREATE UNIQUE INDEX customers_external_id ON crm.customers USING btree (tenant_id, source, external_id) WHERE ((external_id IS NOT NULL) AND (deleted_at IS NULL));

CREATE INDEX customers_name ON crm.customers USING btree (tenant_id, name_key, id) WHERE (deleted_at IS NULL);

CREATE INDEX customers_search ON crm.customers USING gin (tenant_id, search_text public.gin_trgm_ops) WHERE (deleted_at IS NULL);

CREATE INDEX idempotency_created_at ON crm.idempotency USING btree (created_at);

CREATE INDEX inbox_processed_at ON crm.inbox USING brin (processed_at);

CREATE INDEX outbox_seq ON crm.outbox USING btree (seq);

CREATE INDEX sites_customer ON crm.sites USING btree (tenant_id, customer_id, name_key, id) WHERE (deleted_at IS NULL);

CREATE INDEX sites_name ON crm.sites USING btree (tenant_id, name_key, id) WHERE (deleted_at IS NULL);

CREATE INDEX sites_search ON crm.sites USING gin (tenant_id, search_text public.gin_trgm_ops) WHERE (deleted_at IS NULL);

CREATE INDEX timers_due_at ON crm.timers USING btree (due_at);

-- row-level security

alter table crm.contacts enable row level security, force row level security;
create policy tenant_isolation on crm.contacts for all to public
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

alter table crm.counters enable row level security, force row level security;
create policy tenant_isolation on crm.counters for all to public
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

alter table crm.customers enable row level security, force row level security;
create policy tenant_isolation on crm.customers for all to public
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

alter table crm.idempotency enable row level security, force row level security;
create policy tenant_isolation on crm.idempotency for all to public
  using ((((tenant_id = psa.tenant_id()) AND (user_id = (NULLIF(current_setting('psa.user_id'::text, true), ''::text))::uuid)) OR psa.is_system()));

alter table crm.import_columns enable row level security, force row level security;
create policy tenant_isolation on crm.import_columns for all to public
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

alter table crm.import_layouts enable row level security, force row level security;
create policy tenant_isolation on crm.import_layouts for all to public
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

alter table crm.inbox enable row level security, force row level security;
create policy tenant_isolation on crm.inbox for all to public
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

alter table crm.outbox enable row level security, force row level security;
create policy tenant_append on crm.outbox for insert to public
  with check ((tenant_id = psa.tenant_id()));
create policy tenant_isolation on crm.outbox for all to public
  using (psa.is_system())
  with check ((tenant_id = psa.tenant_id()));

alter table crm.sites enable row level security, force row level security;
create policy tenant_isolation on crm.sites for all to public
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

alter table crm.timers enable row level security, force row level security;
create policy tenant_isolation on crm.timers for all to public
  using (((tenant_id = psa.tenant_id()) OR psa.is_system()));

-- functions

CREATE OR REPLACE FUNCTION crm.search_candidates(kind text, pattern text, variant text, most integer)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
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
$function$;

-- rights

grant delete, insert, select, update on crm.contacts to psa_crm;
grant delete, insert, select, update on crm.counters to psa_crm;
grant delete, insert, select, update on crm.customers to psa_crm;
grant delete, insert, select, update on crm.idempotency to psa_crm;
grant delete, insert, select, update on crm.import_columns to psa_crm;
grant delete, insert, select, update on crm.import_layouts to psa_crm;
grant delete, insert, select, update on crm.inbox to psa_crm;
grant delete, insert, select, update on crm.outbox to psa_crm;
grant select, usage on crm.outbox_seq_seq to psa_crm;
grant delete, insert, select, update on crm.sites to psa_crm;
grant delete, insert, select, update on crm.timers to psa_crm;
grant execute on function crm.search_candidates(text,text,text,integer) to psa_crm;
grant usage on schema crm to psa_crm;
