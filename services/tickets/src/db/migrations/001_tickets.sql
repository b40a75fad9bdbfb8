-- The service desk. Modes of psa.protect: see infra/src/database/bootstrap.sql.

-- ── Settings of the desk ────────────────────────────────────────────────────

-- One row per tenant that has a desk. `revision` grows with every change of policies, calendars, rules and
-- teams, so that services keep them in memory and know with one look-up whether they still hold.
create table tickets.desks (
  tenant_id uuid primary key,
  revision bigint not null default 1,
  created_at timestamptz not null default now()
);
alter table tickets.desks enable row level security;
alter table tickets.desks force row level security;
-- Read by everybody of the tenant (holds a number only), and by the platform's gauges across tenants.
create policy tenant_isolation on tickets.desks using (tenant_id = psa.tenant_id() or psa.is_system());

create table tickets.calendars (
  tenant_id uuid not null,
  id uuid not null,
  name text not null,
  time_zone text not null,
  week jsonb not null,
  holidays jsonb not null default '[]',
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  primary key (tenant_id, id)
);
call psa.protect('tickets.calendars', 'tenant');
create unique index calendars_name on tickets.calendars (tenant_id, lower(name)) where deleted_at is null;

create table tickets.sla_policies (
  tenant_id uuid not null,
  id uuid not null,
  name text not null,
  -- Null: round the clock.
  calendar_id uuid,
  is_default boolean not null default false,
  targets jsonb not null,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, calendar_id) references tickets.calendars (tenant_id, id)
);
call psa.protect('tickets.sla_policies', 'tenant');
create unique index sla_policies_name on tickets.sla_policies (tenant_id, lower(name)) where deleted_at is null;
create unique index sla_policies_default on tickets.sla_policies (tenant_id) where is_default and deleted_at is null;

create table tickets.teams (
  tenant_id uuid not null,
  id uuid not null,
  name text not null,
  external_source text,
  external_id text,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  primary key (tenant_id, id)
);
call psa.protect('tickets.teams', 'tenant');
create unique index teams_name on tickets.teams (tenant_id, lower(name)) where deleted_at is null;
create unique index teams_external on tickets.teams (tenant_id, external_source, external_id)
  where external_id is not null and deleted_at is null;

create table tickets.team_members (
  tenant_id uuid not null,
  team_id uuid not null,
  user_id uuid not null,
  primary key (tenant_id, team_id, user_id),
  foreign key (tenant_id, team_id) references tickets.teams (tenant_id, id)
);
call psa.protect('tickets.team_members', 'staff');
create index team_members_user on tickets.team_members (tenant_id, user_id);

-- Staff users as the desk sees them. Name and activity come from user events (`user_version` guards their
-- order), the rest is set here. Names only: a portal user sees who works on its ticket.
create table tickets.technicians (
  tenant_id uuid not null,
  id uuid not null,
  name text not null,
  active boolean not null default true,
  available boolean not null default true,
  skills text[] not null default '{}',
  max_open integer not null default 50,
  last_assigned_at timestamptz,
  user_version integer not null default 0,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  primary key (tenant_id, id)
);
call psa.protect('tickets.technicians', 'tenant');

create table tickets.assignment_rules (
  tenant_id uuid not null,
  id uuid not null,
  name text not null,
  position integer not null default 0,
  category text,
  customer_id uuid,
  priority text check (priority in ('low', 'medium', 'high', 'critical')),
  team_id uuid,
  skills text[] not null default '{}',
  active boolean not null default true,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, team_id) references tickets.teams (tenant_id, id)
);
call psa.protect('tickets.assignment_rules', 'staff');

create table tickets.saved_views (
  tenant_id uuid not null,
  id uuid not null,
  owner_id uuid not null,
  name text not null,
  query text not null,
  shared boolean not null default false,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  primary key (tenant_id, id)
);
call psa.protect('tickets.saved_views', 'staff');
create index saved_views_owner on tickets.saved_views (tenant_id, owner_id) where deleted_at is null;

-- ── Read models: what the desk needs to know of customers and people ────────

create table tickets.customers (
  tenant_id uuid not null,
  customer_id uuid not null,
  name text not null,
  preferred_technician_id uuid,
  sla_policy_id uuid,
  version integer not null,
  deleted_at timestamptz,
  primary key (tenant_id, customer_id)
);
call psa.protect('tickets.customers', 'customer');

-- Portal users and contacts; staff stand in technicians.
create table tickets.people (
  tenant_id uuid not null,
  id uuid not null,
  kind text not null check (kind in ('user', 'contact')),
  customer_id uuid not null,
  name text not null,
  version integer not null,
  deleted_at timestamptz,
  primary key (tenant_id, id)
);
call psa.protect('tickets.people', 'customer');

-- ── Tickets ─────────────────────────────────────────────────────────────────

-- Raised in short transactions of its own, so that creators do not wait for each other's commit. Numbers
-- are unique and rise; a create that fails leaves a gap.
create table tickets.ticket_counters (
  tenant_id uuid primary key,
  last integer not null
);
call psa.protect('tickets.ticket_counters', 'staff');

create table tickets.tickets (
  tenant_id uuid not null,
  id uuid not null,
  ticket_number integer not null,
  title text not null,
  description text not null,
  status text not null
    check (status in ('new', 'assigned', 'in_progress', 'waiting_customer', 'resolved', 'closed')),
  priority text not null check (priority in ('low', 'medium', 'high', 'critical')),
  priority_rank smallint not null generated always as (
    case priority when 'low' then 1 when 'medium' then 2 when 'high' then 3 else 4 end) stored,
  category text,
  tags text[] not null default '{}',
  source text not null check (source in ('portal', 'technician', 'email', 'phone', 'api', 'import')),
  customer_id uuid not null,
  requester_id uuid,
  contact_id uuid,
  created_by uuid,
  assigned_to uuid,
  team_id uuid,
  sla_policy_id uuid,
  -- Null while the clock stands still: there is no due time then; it is computed anew when the clock goes on.
  sla_response_due timestamptz,
  sla_resolution_due timestamptz,
  sla_response_state text not null default 'none'
    check (sla_response_state in ('none', 'running', 'paused', 'met', 'breached')),
  sla_resolution_state text not null default 'none'
    check (sla_resolution_state in ('none', 'running', 'paused', 'met', 'breached')),
  -- Once true, it stays: a deadline was missed, whatever came after.
  sla_breached boolean not null default false,
  -- [{ "from", "until" (null: still), "reason" }], oldest first.
  sla_pauses jsonb not null default '[]',
  first_response_at timestamptz,
  resolved_at timestamptz,
  closed_at timestamptz,
  reopen_count integer not null default 0,
  comment_count integer not null default 0,
  public_comment_count integer not null default 0,
  minutes_spent integer not null default 0,
  external_source text,
  external_id text,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, sla_policy_id) references tickets.sla_policies (tenant_id, id),
  foreign key (tenant_id, team_id) references tickets.teams (tenant_id, id)
);
call psa.protect('tickets.tickets', 'customer');

create unique index tickets_number on tickets.tickets (tenant_id, ticket_number);
create unique index tickets_external on tickets.tickets (tenant_id, external_source, external_id)
  where external_id is not null;
-- Lists. Every order ends with the id, in the same direction, so that one index scan gives a page and a
-- cursor is a range. customer_id is included because row-level security reads it: counting then needs no
-- heap. A filter below row-level security may use leakproof operators only (=, <, in; not ILIKE or @>).
create index tickets_created on tickets.tickets (tenant_id, created_at desc, id desc) include (customer_id)
  where deleted_at is null;
create index tickets_updated on tickets.tickets (tenant_id, updated_at desc, id desc) where deleted_at is null;
create index tickets_status on tickets.tickets (tenant_id, status, created_at desc, id desc) include (customer_id)
  where deleted_at is null;
create index tickets_customer on tickets.tickets (tenant_id, customer_id, created_at desc, id desc)
  include (status) where deleted_at is null;
create index tickets_assignee on tickets.tickets (tenant_id, assigned_to, status, created_at desc, id desc)
  include (customer_id, priority) where deleted_at is null and assigned_to is not null;
create index tickets_team on tickets.tickets (tenant_id, team_id, status, created_at desc, id desc)
  where deleted_at is null and team_id is not null;
create index tickets_requester on tickets.tickets (tenant_id, requester_id, created_at desc, id desc)
  where deleted_at is null and requester_id is not null;
create index tickets_category on tickets.tickets (tenant_id, category, created_at desc, id desc)
  where deleted_at is null and category is not null;
create index tickets_priority on tickets.tickets (tenant_id, priority_rank desc, id desc) where deleted_at is null;
-- What is open is little beside what is done: figures of the dashboard and of the technicians' load.
create index tickets_open on tickets.tickets
  (tenant_id, created_at desc, id desc) include (status, priority, assigned_to, customer_id, sla_breached)
  where deleted_at is null and status in ('new', 'assigned', 'in_progress', 'waiting_customer');
create index tickets_resolution_due on tickets.tickets (tenant_id, sla_resolution_due, id)
  where deleted_at is null and sla_resolution_state = 'running';
create index tickets_response_due on tickets.tickets (tenant_id, sla_response_due, id)
  where deleted_at is null and sla_response_state = 'running';
create index tickets_breached on tickets.tickets (tenant_id, created_at desc, id desc) include (customer_id)
  where deleted_at is null and sla_breached;
create index tickets_resolved on tickets.tickets (tenant_id, resolved_at) include (customer_id)
  where deleted_at is null and resolved_at is not null;

-- tickets.tags once more, where an index can serve the filter.
create table tickets.ticket_tags (
  tenant_id uuid not null,
  tag text not null,
  ticket_id uuid not null,
  customer_id uuid not null,
  primary key (tenant_id, tag, ticket_id),
  foreign key (tenant_id, ticket_id) references tickets.tickets (tenant_id, id)
);
call psa.protect('tickets.ticket_tags', 'customer');
create index ticket_tags_ticket on tickets.ticket_tags (tenant_id, ticket_id);

create table tickets.comments (
  tenant_id uuid not null,
  id uuid not null,
  ticket_id uuid not null,
  customer_id uuid not null,
  visibility text not null check (visibility in ('public', 'internal')),
  body text not null,
  author_id uuid,
  author_name text not null,
  author_kind text not null check (author_kind in ('staff', 'customer', 'system')),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  edited_at timestamptz,
  version integer not null default 1,
  deleted_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets.tickets (tenant_id, id)
);
call psa.protect('tickets.comments', 'customer', 'visibility = ''public''');
create index comments_ticket on tickets.comments (tenant_id, ticket_id, created_at, id) where deleted_at is null;

create table tickets.time_entries (
  tenant_id uuid not null,
  id uuid not null,
  ticket_id uuid not null,
  user_id uuid not null,
  user_name text not null,
  minutes integer not null check (minutes > 0),
  note text,
  billable boolean not null default true,
  started_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version integer not null default 1,
  deleted_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets.tickets (tenant_id, id)
);
call psa.protect('tickets.time_entries', 'staff');
create index time_entries_ticket on tickets.time_entries (tenant_id, ticket_id, started_at, id) where deleted_at is null;

create table tickets.attachments (
  tenant_id uuid not null,
  id uuid not null,
  ticket_id uuid not null,
  comment_id uuid,
  customer_id uuid not null,
  visibility text not null check (visibility in ('public', 'internal')),
  file_name text not null,
  content_type text not null,
  size bigint not null,
  sha256 text not null,
  file_key uuid not null,
  uploaded_by uuid,
  uploaded_by_name text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version integer not null default 1,
  deleted_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets.tickets (tenant_id, id),
  foreign key (tenant_id, comment_id) references tickets.comments (tenant_id, id)
);
call psa.protect('tickets.attachments', 'customer', 'visibility = ''public''');
create index attachments_ticket on tickets.attachments (tenant_id, ticket_id, created_at, id) where deleted_at is null;

-- What happened to a ticket. Append-only: the service may not change or remove a row.
create table tickets.history (
  tenant_id uuid not null,
  id uuid not null,
  -- Order of entries of the same instant.
  seq bigint not null generated always as identity,
  ticket_id uuid not null,
  customer_id uuid not null,
  occurred_at timestamptz not null,
  actor_kind text not null,
  actor_id text,
  actor_name text,
  kind text not null,
  changes jsonb not null default '[]',
  reason text,
  -- False: portal users must not see it (assignment and its reasons, internal notes, time, SLA).
  public boolean not null,
  -- Of imported rows: which row of which source it was, so that it is taken once.
  source text,
  row_id text,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets.tickets (tenant_id, id)
);
call psa.protect('tickets.history', 'customer', 'public');
create index history_ticket on tickets.history (tenant_id, ticket_id, occurred_at, seq);
create unique index history_row on tickets.history (tenant_id, source, row_id) where row_id is not null;
revoke update, delete on tickets.history from psa_tickets;

create table tickets.watchers (
  tenant_id uuid not null,
  ticket_id uuid not null,
  user_id uuid not null,
  customer_id uuid not null,
  name text not null,
  created_at timestamptz not null,
  primary key (tenant_id, ticket_id, user_id),
  foreign key (tenant_id, ticket_id) references tickets.tickets (tenant_id, id)
);
-- A portal user sees that itself watches, and nobody else.
call psa.protect('tickets.watchers', 'customer',
  'user_id = nullif(current_setting(''psa.user_id'', true), '''')::uuid');
create index watchers_user on tickets.watchers (tenant_id, user_id);
