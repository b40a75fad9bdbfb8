-- What a request of a portal user sets off may be internal (an assignment by rule, a missed deadline): it is written
-- down, though who asked must not see it. With the owner's rights, which row-level security does not hold; so it
-- writes for tickets alone that the request itself sees: those of its tenant, and of a portal user's customer.
create function tickets.add_history(ticket uuid, entries jsonb) returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  insert into tickets.history (tenant_id, id, ticket_id, customer_id, occurred_at, actor_kind, actor_id, actor_name,
    kind, changes, reason, public)
  select t.tenant_id, h.id, t.id, t.customer_id, h.occurred_at, h.actor_kind, h.actor_id, h.actor_name, h.kind,
    h.changes, h.reason, h.public
  from tickets.tickets t, jsonb_to_recordset(entries) as h (id uuid, occurred_at timestamptz, actor_kind text,
    actor_id text, actor_name text, kind text, changes jsonb, reason text, public boolean)
  where t.tenant_id = psa.tenant_id() and t.id = ticket
    and (psa.customer_id() is null or t.customer_id = psa.customer_id())
$$;

revoke all on function tickets.add_history(uuid, jsonb) from public;
grant execute on function tickets.add_history(uuid, jsonb) to psa_tickets;
