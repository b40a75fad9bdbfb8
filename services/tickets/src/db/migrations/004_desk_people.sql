-- Who left, who booked, and what categories there are to choose from.

-- True: must not be given work. Null: not known yet; the desk asks auth when it matters.
alter table tickets.technicians add column disabled boolean default false;
update tickets.technicians set disabled = null where not active;

-- Who entered the time; null before this: the worker did.
alter table tickets.time_entries add column entered_by uuid, add column entered_by_name text;

-- What customers choose from. Free text on tickets stays; it is nobody else's choice.
create table tickets.categories (
  tenant_id uuid not null,
  id uuid not null,
  name text not null,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  primary key (tenant_id, id)
);
call psa.protect('tickets.categories', 'tenant');
create unique index categories_name on tickets.categories (tenant_id, lower(name)) where deleted_at is null;

-- To begin with: what rules name, and what stands on tickets of several customers. Text of one customer is not taken.
insert into tickets.categories (tenant_id, id, name)
select tenant_id, gen_random_uuid(), min(category) from (
  select tenant_id, category from tickets.assignment_rules where category is not null and deleted_at is null
  union all
  select tenant_id, category from tickets.tickets where category is not null and deleted_at is null
  group by 1, 2 having count(distinct customer_id) >= 2
) as used group by tenant_id, lower(category);
