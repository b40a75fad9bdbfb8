-- Ticket numbers come from a sequence of the tenant's own: drawing one waits for nobody's commit, so it travels with the
-- other questions of a ticket's transaction instead of having one for itself. The sequence goes on from the counter.
-- The function makes it with the owner's rights, and only ever for the tenant whose transaction it runs in.

create function tickets.draw_ticket_numbers(wanted integer) returns setof integer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  tenant uuid := psa.tenant_id();
  name text := 'tickets.numbers_' || replace(tenant::text, '-', '');
  known regclass := to_regclass(name);
begin
  if tenant is null then
    raise exception 'numbers are drawn for a tenant, and the transaction names none';
  end if;
  if known is null then
    perform pg_advisory_xact_lock(hashtextextended(name, 0));
    -- Of two that come at once the second finds it made, though what it knows of the catalog may not say so yet.
    execute format('create sequence if not exists %s as integer start with %s', name, 1 + greatest(
      coalesce((select c.last from tickets.ticket_counters c where c.tenant_id = tenant), 0),
      coalesce((select max(t.ticket_number) from tickets.tickets t where t.tenant_id = tenant), 0)));
    known := name::regclass;
  end if;
  return query select nextval(known)::integer from generate_series(1, wanted);
end
$$;
grant execute on function tickets.draw_ticket_numbers(integer) to psa_tickets;

-- While a release is taken into use, its predecessor still counts in the table, several in a row for an import: its
-- numbers come from the sequence, too. The table goes with the next change of this schema.
create function tickets.counter_follows() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  wanted integer := new.last - old.last;
  first integer;
begin
  loop
    select min(n), max(n) into first, new.last from tickets.draw_ticket_numbers(wanted) n;
    exit when new.last - first = wanted - 1;
  end loop;
  return new;
end
$$;
revoke all on function tickets.draw_ticket_numbers(integer), tickets.counter_follows() from public;
create trigger counter_follows before update on tickets.ticket_counters
  for each row execute function tickets.counter_follows();
