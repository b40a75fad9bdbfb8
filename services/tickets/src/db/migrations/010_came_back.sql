-- A ticket that an operator puts back out of a backup. Its rows come as they were; what follows from them (counters, clocks,
-- the indexed tags, search, whoever listens) is the service's to put right, and these two are all that psactl needs to know.

-- What a ticket names and is gone since. `mended`: the ticket comes back without it; else it stays named, as on other
-- tickets: a customer's stand after it was deleted, and those that are done keep who did them.
create function tickets.lost_references(ticket uuid) returns table (field text, id uuid, name text, mended boolean)
language sql stable set search_path = pg_catalog, pg_temp
as $$
  select 'customer_id', c.customer_id, c.name, false
  from tickets.tickets t join tickets.customers c on c.tenant_id = t.tenant_id and c.customer_id = t.customer_id
  where t.tenant_id = psa.tenant_id() and t.id = ticket and c.deleted_at is not null
  union all
  select 'contact_id', p.id, p.name, true
  from tickets.tickets t join tickets.people p on p.tenant_id = t.tenant_id and p.id = t.contact_id
  where t.tenant_id = psa.tenant_id() and t.id = ticket and p.deleted_at is not null
  union all
  select 'assigned_to', d.id, d.name, t.status in ('new', 'assigned', 'in_progress', 'waiting_customer')
  from tickets.tickets t join tickets.technicians d on d.tenant_id = t.tenant_id and d.id = t.assigned_to
  where t.tenant_id = psa.tenant_id() and t.id = ticket and (d.deleted_at is not null or d.disabled)
$$;

-- Says in the transaction that puts the rows that a ticket came back: a replica sees to the rest as soon as it commits.
create function tickets.came_back(ticket uuid, told jsonb) returns void
language sql volatile set search_path = pg_catalog, pg_temp
as $$
  insert into tickets.timers (tenant_id, kind, key, due_at, payload)
  values (psa.tenant_id(), 'came_back', ticket::text, now(), told)
  on conflict (tenant_id, kind, key) do update set due_at = excluded.due_at, payload = excluded.payload, attempts = 0
$$;

revoke all on function tickets.lost_references(uuid), tickets.came_back(uuid, jsonb) from public;
grant execute on function tickets.lost_references(uuid), tickets.came_back(uuid, jsonb) to psa_tickets;
