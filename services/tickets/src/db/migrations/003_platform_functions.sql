-- What the platform decides whoever asks, though a portal user must not see what it decides by: the settings that
-- assign a ticket, and the technicians' load over all customers. Two functions with the owner's rights, which
-- row-level security does not hold; so each names its tenant itself, gives nothing of a single ticket, and may be
-- run by this service alone. The tables stay forced: who asks them directly sees what he may.

-- Rules and teams of the tenant's desk, for the memory that all its requests share.
create function tickets.desk_routing() returns table (rules jsonb, members jsonb)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select
    (select coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'name', r.name, 'category', r.category,
        'customer_id', r.customer_id, 'priority', r.priority, 'team_id', r.team_id, 'skills', r.skills)
        order by r.position, r.created_at, r.id), '[]')
      from tickets.assignment_rules r
      where r.tenant_id = psa.tenant_id() and r.active and r.deleted_at is null),
    (select coalesce(jsonb_object_agg(m.team_id, m.users), '{}')
      from (
        select m.team_id, jsonb_agg(m.user_id order by m.user_id) as users
        from tickets.team_members m
        join tickets.teams t on t.tenant_id = m.tenant_id and t.id = m.team_id
        where m.tenant_id = psa.tenant_id() and t.deleted_at is null
        group by m.team_id) as m)
$$;

-- Technicians with their open tickets by priority, counted over all customers; `asked` null: all of the tenant.
-- The index tickets_assignee counts.
create function tickets.assignment_candidates(asked uuid[]) returns table (
  id uuid, available boolean, skills text[], max_open integer, last_assigned_at timestamptz, load jsonb)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select d.id, d.available and d.active, d.skills, d.max_open, d.last_assigned_at,
    (select jsonb_object_agg(o.priority, o.n) from (
      select t.priority, count(*)::int as n from tickets.tickets t
      where t.tenant_id = psa.tenant_id() and t.assigned_to = d.id and t.deleted_at is null
        and t.status in ('new', 'assigned', 'in_progress', 'waiting_customer')
      group by t.priority) as o)
  from tickets.technicians d
  where d.tenant_id = psa.tenant_id() and d.deleted_at is null and (asked is null or d.id = any(asked))
$$;

revoke all on function tickets.desk_routing(), tickets.assignment_candidates(uuid[]) from public;
grant execute on function tickets.desk_routing(), tickets.assignment_candidates(uuid[]) to psa_tickets;
