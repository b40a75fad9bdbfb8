-- tables

create table tickets.assignment_rules (
  tenant_id uuid not null,
  id uuid not null,
  name text not null,
  "position" integer not null default 0,
  category text,
  customer_id uuid,
  priority text,
  team_id uuid,
  skills text[] not null default '{}'::text[],
  active boolean not null default true,
  version integer not null default 1,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  deleted_at timestamp with time zone,
  constraint assignment_rules_pkey PRIMARY KEY (tenant_id, id),
  constraint assignment_rules_priority_check CHECK ((priority = ANY (ARRAY['low'::text, 'medium'::text, 'high'::text, 'critical'::text]))),
  constraint assignment_rules_tenant_id_team_id_fkey FOREIGN KEY (tenant_id, team_id) REFERENCES tickets.teams(tenant_id, id)
);

create table tickets.attachment_usage (
  tenant_id uuid not null,
  customer_id uuid,
  bytes bigint not null,
  constraint attachment_usage_tenant_id_customer_id_key UNIQUE NULLS NOT DISTINCT (tenant_id, customer_id)
);

create table tickets.attachments (
  tenant_id uuid not null,
  id uuid not null,
  ticket_id uuid not null,
  comment_id uuid,
  customer_id uuid not null,
  visibility text not null,
  file_name text not null,
  content_type text not null,
  size bigint not null,
  sha256 text not null,
  file_key uuid not null,
  uploaded_by uuid,
  uploaded_by_name text not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  version integer not null default 1,
  deleted_at timestamp with time zone,
  constraint attachments_pkey PRIMARY KEY (tenant_id, id),
  constraint attachments_tenant_id_comment_id_fkey FOREIGN KEY (tenant_id, comment_id) REFERENCES tickets.comments(tenant_id, id),
  constraint attachments_tenant_id_ticket_id_fkey FOREIGN KEY (tenant_id, ticket_id) REFERENCES tickets.tickets(tenant_id, id),
  constraint attachments_visibility_check CHECK ((visibility = ANY (ARRAY['public'::text, 'internal'::text])))
);

create table tickets.calendars (
  tenant_id uuid not null,
  id uuid not null,
  name text not null,
  time_zone text not null,
  week jsonb not null,
  holidays jsonb not null default '[]'::jsonb,
  version integer not null default 1,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  deleted_at timestamp with time zone,
  constraint calendars_pkey PRIMARY KEY (tenant_id, id)
);

create table tickets.categories (
  tenant_id uuid not null,
  id uuid not null,
  name text not null,
  version integer not null default 1,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  deleted_at timestamp with time zone,
  constraint categories_pkey PRIMARY KEY (tenant_id, id)
);

create table tickets.comments (
  tenant_id uuid not null,
  id uuid not null,
  ticket_id uuid not null,
  customer_id uuid not null,
  visibility text not null,
  body text not null,
  author_id uuid,
  author_name text not null,
  author_kind text not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  edited_at timestamp with time zone,
  version integer not null default 1,
  deleted_at timestamp with time zone,
  constraint comments_author_kind_check CHECK ((author_kind = ANY (ARRAY['staff'::text, 'customer'::text, 'system'::text]))),
  constraint comments_pkey PRIMARY KEY (tenant_id, id),
  constraint comments_tenant_id_ticket_id_fkey FOREIGN KEY (tenant_id, ticket_id) REFERENCES tickets.tickets(tenant_id, id),
  constraint comments_visibility_check CHECK ((visibility = ANY (ARRAY['public'::text, 'internal'::text])))
);

create table tickets.customers (
  tenant_id uuid not null,
  customer_id uuid not null,
  name text not null,
  preferred_technician_id uuid,
  sla_policy_id uuid,
  version integer not null,
  deleted_at timestamp with time zone,
  constraint customers_pkey PRIMARY KEY (tenant_id, customer_id)
);

create table tickets.desks (
  tenant_id uuid not null,
  revision bigint not null default 1,
  created_at timestamp with time zone not null default now(),
  attachment_limit bigint,
  customer_attachment_limit bigint,
  attachment_limits_version integer not null default 1,
  constraint desks_pkey PRIMARY KEY (tenant_id)
);

create table tickets.history (
  tenant_id uuid not null,
  id uuid not null,
  seq bigint not null generated always as identity,
  ticket_id uuid not null,
  customer_id uuid not null,
  occurred_at timestamp with time zone not null,
  actor_kind text not null,
  actor_id text,
  actor_name text,
  kind text not null,
  changes jsonb not null default '[]'::jsonb,
  reason text,
  public boolean not null,
  source text,
  row_id text,
  constraint history_pkey PRIMARY KEY (tenant_id, id),
  constraint history_tenant_id_ticket_id_fkey FOREIGN KEY (tenant_id, ticket_id) REFERENCES tickets.tickets(tenant_id, id)
);

create table tickets.idempotency (
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

create table tickets.inbox (
  tenant_id uuid not null,
  consumer text not null,
  event_id uuid not null,
  processed_at timestamp with time zone not null default now(),
  constraint inbox_pkey PRIMARY KEY (tenant_id, consumer, event_id)
);

create table tickets.outbox (
  tenant_id uuid not null,
  seq bigint not null generated always as identity,
  event jsonb not null,
  created_at timestamp with time zone not null default now(),
  constraint outbox_pkey PRIMARY KEY (tenant_id, seq)
);

create table tickets.people (
  tenant_id uuid not null,
  id uuid not null,
  kind text not null,
  customer_id uuid not null,
  name text not null,
  version integer not null,
  deleted_at timestamp with time zone,
  constraint people_kind_check CHECK ((kind = ANY (ARRAY['user'::text, 'contact'::text]))),
  constraint people_pkey PRIMARY KEY (tenant_id, id)
);

create table tickets.saved_views (
  tenant_id uuid not null,
  id uuid not null,
  owner_id uuid not null,
  name text not null,
  query text not null,
  shared boolean not null default false,
  version integer not null default 1,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  deleted_at timestamp with time zone,
  constraint saved_views_pkey PRIMARY KEY (tenant_id, id)
);

create table tickets.sla_policies (
  tenant_id uuid not null,
  id uuid not null,
  name text not null,
  calendar_id uuid,
  is_default boolean not null default false,
  targets jsonb not null,
  version integer not null default 1,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  deleted_at timestamp with time zone,
  pause_on text[] not null default '{waiting_customer}'::text[],
  constraint sla_policies_pkey PRIMARY KEY (tenant_id, id),
  constraint sla_policies_tenant_id_calendar_id_fkey FOREIGN KEY (tenant_id, calendar_id) REFERENCES tickets.calendars(tenant_id, id)
);

create table tickets.team_members (
  tenant_id uuid not null,
  team_id uuid not null,
  user_id uuid not null,
  constraint team_members_pkey PRIMARY KEY (tenant_id, team_id, user_id),
  constraint team_members_tenant_id_team_id_fkey FOREIGN KEY (tenant_id, team_id) REFERENCES tickets.teams(tenant_id, id)
);

create table tickets.teams (
  tenant_id uuid not null,
  id uuid not null,
  name text not null,
  external_source text,
  external_id text,
  version integer not null default 1,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  deleted_at timestamp with time zone,
  constraint teams_pkey PRIMARY KEY (tenant_id, id)
);

create table tickets.technicians (
  tenant_id uuid not null,
  id uuid not null,
  name text not null,
  active boolean not null default true,
  available boolean not null default true,
  skills text[] not null default '{}'::text[],
  max_open integer not null default 50,
  last_assigned_at timestamp with time zone,
  user_version integer not null default 0,
  version integer not null default 1,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  deleted_at timestamp with time zone,
  disabled boolean default false,
  constraint technicians_pkey PRIMARY KEY (tenant_id, id)
);

create table tickets.ticket_counters (
  tenant_id uuid not null,
  last integer not null,
  constraint ticket_counters_pkey PRIMARY KEY (tenant_id)
);

create table tickets.ticket_tags (
  tenant_id uuid not null,
  tag text not null,
  ticket_id uuid not null,
  customer_id uuid not null,
  constraint ticket_tags_pkey PRIMARY KEY (tenant_id, tag, ticket_id),
  constraint ticket_tags_tenant_id_ticket_id_fkey FOREIGN KEY (tenant_id, ticket_id) REFERENCES tickets.tickets(tenant_id, id)
);

create table tickets.tickets (
  tenant_id uuid not null,
  id uuid not null,
  ticket_number integer not null,
  title text not null,
  description text not null,
  status text not null,
  priority text not null,
  priority_rank smallint not null generated always as (
CASE priority
    WHEN 'low'::text THEN 1
    WHEN 'medium'::text THEN 2
    WHEN 'high'::text THEN 3
    ELSE 4
END) stored,
  category text,
  tags text[] not null default '{}'::text[],
  source text not null,
  customer_id uuid not null,
  requester_id uuid,
  contact_id uuid,
  created_by uuid,
  assigned_to uuid,
  team_id uuid,
  sla_policy_id uuid,
  sla_response_due timestamp with time zone,
  sla_resolution_due timestamp with time zone,
  sla_response_state text not null default 'none'::text,
  sla_resolution_state text not null default 'none'::text,
  sla_breached boolean not null default false,
  sla_pauses jsonb not null default '[]'::jsonb,
  first_response_at timestamp with time zone,
  resolved_at timestamp with time zone,
  closed_at timestamp with time zone,
  reopen_count integer not null default 0,
  comment_count integer not null default 0,
  public_comment_count integer not null default 0,
  minutes_spent integer not null default 0,
  external_source text,
  external_id text,
  version integer not null default 1,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  sla_response_risk_at timestamp with time zone,
  sla_resolution_risk_at timestamp with time zone,
  sla_due_at timestamp with time zone generated always as (LEAST(
CASE
    WHEN ((sla_response_state = ANY (ARRAY['running'::text, 'breached'::text])) AND (first_response_at IS NULL) AND (resolved_at IS NULL)) THEN sla_response_due
    ELSE NULL::timestamp with time zone
END,
CASE
    WHEN ((sla_resolution_state = ANY (ARRAY['running'::text, 'breached'::text])) AND (resolved_at IS NULL)) THEN sla_resolution_due
    ELSE NULL::timestamp with time zone
END)) stored,
  sla_risk_at timestamp with time zone generated always as (LEAST(sla_response_risk_at, sla_resolution_risk_at)) stored,
  constraint tickets_pkey PRIMARY KEY (tenant_id, id),
  constraint tickets_priority_check CHECK ((priority = ANY (ARRAY['low'::text, 'medium'::text, 'high'::text, 'critical'::text]))),
  constraint tickets_sla_resolution_state_check CHECK ((sla_resolution_state = ANY (ARRAY['none'::text, 'running'::text, 'paused'::text, 'met'::text, 'breached'::text]))),
  constraint tickets_sla_response_state_check CHECK ((sla_response_state = ANY (ARRAY['none'::text, 'running'::text, 'paused'::text, 'met'::text, 'breached'::text]))),
  constraint tickets_source_check CHECK ((source = ANY (ARRAY['portal'::text, 'technician'::text, 'email'::text, 'phone'::text, 'api'::text, 'import'::text]))),
  constraint tickets_status_check CHECK ((status = ANY (ARRAY['new'::text, 'assigned'::text, 'in_progress'::text, 'waiting_customer'::text, 'resolved'::text, 'closed'::text]))),
  constraint tickets_tenant_id_sla_policy_id_fkey FOREIGN KEY (tenant_id, sla_policy_id) REFERENCES tickets.sla_policies(tenant_id, id),
  constraint tickets_tenant_id_team_id_fkey FOREIGN KEY (tenant_id, team_id) REFERENCES tickets.teams(tenant_id, id)
);

create table tickets.time_entries (
  tenant_id uuid not null,
  id uuid not null,
  ticket_id uuid not null,
  user_id uuid not null,
  user_name text not null,
  minutes integer not null,
  note text,
  billable boolean not null default true,
  started_at timestamp with time zone not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  version integer not null default 1,
  deleted_at timestamp with time zone,
  entered_by uuid,
  entered_by_name text,
  constraint time_entries_minutes_check CHECK ((minutes > 0)),
  constraint time_entries_pkey PRIMARY KEY (tenant_id, id),
  constraint time_entries_tenant_id_ticket_id_fkey FOREIGN KEY (tenant_id, ticket_id) REFERENCES tickets.tickets(tenant_id, id)
);

create table tickets.timers (
  tenant_id uuid not null,
  kind text not null,
  key text not null,
  due_at timestamp with time zone not null,
  payload jsonb not null default '{}'::jsonb,
  attempts integer not null default 0,
  constraint timers_pkey PRIMARY KEY (tenant_id, kind, key)
);

create table tickets.watchers (
  tenant_id uuid not null,
  ticket_id uuid not null,
  user_id uuid not null,
  customer_id uuid not null,
  name text not null,
  created_at timestamp with time zone not null,
  constraint watchers_pkey PRIMARY KEY (tenant_id, ticket_id, user_id),
  constraint watchers_tenant_id_ticket_id_fkey FOREIGN KEY (tenant_id, ticket_id) REFERENCES tickets.tickets(tenant_id, id)
);

-- indexes

CREATE INDEX attachments_ticket ON tickets.attachments USING btree (tenant_id, ticket_id, created_at, id) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX calendars_name ON tickets.calendars USING btree (tenant_id, lower(name)) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX categories_name ON tickets.categories USING btree (tenant_id, lower(name)) WHERE (deleted_at IS NULL);

CREATE INDEX comments_ticket ON tickets.comments USING btree (tenant_id, ticket_id, created_at, id) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX history_row ON tickets.history USING btree (tenant_id, source, row_id) WHERE (row_id IS NOT NULL);

CREATE INDEX history_ticket ON tickets.history USING btree (tenant_id, ticket_id, occurred_at, seq);

CREATE INDEX idempotency_created_at ON tickets.idempotency USING btree (created_at);

CREATE INDEX inbox_processed_at ON tickets.inbox USING brin (processed_at);

CREATE INDEX outbox_seq ON tickets.outbox USING btree (seq);

CREATE INDEX saved_views_owner ON tickets.saved_views USING btree (tenant_id, owner_id) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX sla_policies_default ON tickets.sla_policies USING btree (tenant_id) WHERE (is_default AND (deleted_at IS NULL));

CREATE UNIQUE INDEX sla_policies_name ON tickets.sla_policies USING btree (tenant_id, lower(name)) WHERE (deleted_at IS NULL);

CREATE INDEX team_members_user ON tickets.team_members USING btree (tenant_id, user_id);

CREATE UNIQUE INDEX teams_external ON tickets.teams USING btree (tenant_id, external_source, external_id) WHERE ((external_id IS NOT NULL) AND (deleted_at IS NULL));

CREATE UNIQUE INDEX teams_name ON tickets.teams USING btree (tenant_id, lower(name)) WHERE (deleted_at IS NULL);

CREATE INDEX ticket_tags_ticket ON tickets.ticket_tags USING btree (tenant_id, ticket_id);

CREATE INDEX tickets_assignee ON tickets.tickets USING btree (tenant_id, assigned_to, status, created_at DESC, id DESC) INCLUDE (customer_id, priority) WHERE ((deleted_at IS NULL) AND (assigned_to IS NOT NULL));

CREATE INDEX tickets_assignee_open ON tickets.tickets USING btree (tenant_id, assigned_to, created_at DESC, id DESC) INCLUDE (customer_id, status, priority) WHERE ((deleted_at IS NULL) AND (assigned_to IS NOT NULL) AND (status = ANY (ARRAY['new'::text, 'assigned'::text, 'in_progress'::text, 'waiting_customer'::text])));

CREATE INDEX tickets_breached ON tickets.tickets USING btree (tenant_id, created_at DESC, id DESC) INCLUDE (customer_id) WHERE ((deleted_at IS NULL) AND sla_breached);

CREATE INDEX tickets_category ON tickets.tickets USING btree (tenant_id, category, created_at DESC, id DESC) WHERE ((deleted_at IS NULL) AND (category IS NOT NULL));

CREATE INDEX tickets_category_open ON tickets.tickets USING btree (tenant_id, category, created_at DESC, id DESC) INCLUDE (customer_id) WHERE ((deleted_at IS NULL) AND (category IS NOT NULL) AND (status = ANY (ARRAY['new'::text, 'assigned'::text, 'in_progress'::text, 'waiting_customer'::text])));

CREATE INDEX tickets_created ON tickets.tickets USING btree (tenant_id, created_at DESC, id DESC) INCLUDE (customer_id) WHERE (deleted_at IS NULL);

CREATE INDEX tickets_customer ON tickets.tickets USING btree (tenant_id, customer_id, created_at DESC, id DESC) INCLUDE (status) WHERE (deleted_at IS NULL);

CREATE INDEX tickets_due ON tickets.tickets USING btree (tenant_id, sla_due_at, id) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX tickets_external ON tickets.tickets USING btree (tenant_id, external_source, external_id) WHERE (external_id IS NOT NULL);

CREATE UNIQUE INDEX tickets_number ON tickets.tickets USING btree (tenant_id, ticket_number);

CREATE INDEX tickets_open ON tickets.tickets USING btree (tenant_id, created_at DESC, id DESC) INCLUDE (status, priority, assigned_to, customer_id, category, team_id, sla_breached) WHERE ((deleted_at IS NULL) AND (status = ANY (ARRAY['new'::text, 'assigned'::text, 'in_progress'::text, 'waiting_customer'::text])));

CREATE INDEX tickets_priority ON tickets.tickets USING btree (tenant_id, priority_rank DESC, id DESC) WHERE (deleted_at IS NULL);

CREATE INDEX tickets_priority_open ON tickets.tickets USING btree (tenant_id, priority, created_at DESC, id DESC) INCLUDE (customer_id) WHERE ((deleted_at IS NULL) AND (status = ANY (ARRAY['new'::text, 'assigned'::text, 'in_progress'::text, 'waiting_customer'::text])));

CREATE INDEX tickets_requester ON tickets.tickets USING btree (tenant_id, requester_id, created_at DESC, id DESC) WHERE ((deleted_at IS NULL) AND (requester_id IS NOT NULL));

CREATE INDEX tickets_resolved ON tickets.tickets USING btree (tenant_id, resolved_at) INCLUDE (customer_id) WHERE ((deleted_at IS NULL) AND (resolved_at IS NOT NULL));

CREATE INDEX tickets_risk ON tickets.tickets USING btree (tenant_id, sla_risk_at) INCLUDE (customer_id, sla_response_risk_at, sla_response_due, sla_resolution_risk_at, sla_resolution_due) WHERE ((deleted_at IS NULL) AND (sla_risk_at IS NOT NULL));

CREATE INDEX tickets_status ON tickets.tickets USING btree (tenant_id, status, created_at DESC, id DESC) INCLUDE (customer_id) WHERE (deleted_at IS NULL);

CREATE INDEX tickets_team ON tickets.tickets USING btree (tenant_id, team_id, status, created_at DESC, id DESC) WHERE ((deleted_at IS NULL) AND (team_id IS NOT NULL));

CREATE INDEX tickets_updated ON tickets.tickets USING btree (tenant_id, updated_at DESC, id DESC) WHERE (deleted_at IS NULL);

CREATE INDEX time_entries_ticket ON tickets.time_entries USING btree (tenant_id, ticket_id, started_at, id) WHERE (deleted_at IS NULL);

CREATE INDEX timers_due_at ON tickets.timers USING btree (due_at);

CREATE INDEX watchers_user ON tickets.watchers USING btree (tenant_id, user_id);

-- row-level security

alter table tickets.assignment_rules enable row level security, force row level security;
create policy tenant_isolation on tickets.assignment_rules for all to public
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

alter table tickets.attachment_usage enable row level security, force row level security;
create policy tenant_isolation on tickets.attachment_usage for all to public
  using (((tenant_id = psa.tenant_id()) AND
CASE
    WHEN (( SELECT psa.customer_id() AS customer_id) IS NULL) THEN true
    ELSE ((customer_id IS NULL) OR (customer_id = psa.customer_id()))
END));

alter table tickets.attachments enable row level security, force row level security;
create policy tenant_isolation on tickets.attachments for all to public
  using (((tenant_id = psa.tenant_id()) AND
CASE
    WHEN (( SELECT psa.customer_id() AS customer_id) IS NULL) THEN true
    ELSE ((customer_id = psa.customer_id()) AND (visibility = 'public'::text))
END))
  with check (((tenant_id = psa.tenant_id()) AND
CASE
    WHEN (( SELECT psa.customer_id() AS customer_id) IS NULL) THEN true
    ELSE ((customer_id = psa.customer_id()) AND (visibility = 'public'::text))
END));

alter table tickets.calendars enable row level security, force row level security;
create policy tenant_isolation on tickets.calendars for all to public
  using ((tenant_id = psa.tenant_id()))
  with check ((tenant_id = psa.tenant_id()));

alter table tickets.categories enable row level security, force row level security;
create policy tenant_isolation on tickets.categories for all to public
  using ((tenant_id = psa.tenant_id()))
  with check ((tenant_id = psa.tenant_id()));

alter table tickets.comments enable row level security, force row level security;
create policy tenant_isolation on tickets.comments for all to public
  using (((tenant_id = psa.tenant_id()) AND
CASE
    WHEN (( SELECT psa.customer_id() AS customer_id) IS NULL) THEN true
    ELSE ((customer_id = psa.customer_id()) AND (visibility = 'public'::text))
END))
  with check (((tenant_id = psa.tenant_id()) AND
CASE
    WHEN (( SELECT psa.customer_id() AS customer_id) IS NULL) THEN true
    ELSE ((customer_id = psa.customer_id()) AND (visibility = 'public'::text))
END));

alter table tickets.customers enable row level security, force row level security;
create policy tenant_isolation on tickets.customers for all to public
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

alter table tickets.desks enable row level security, force row level security;
create policy tenant_isolation on tickets.desks for all to public
  using (((tenant_id = psa.tenant_id()) OR psa.is_system()));

alter table tickets.history enable row level security, force row level security;
create policy tenant_isolation on tickets.history for all to public
  using (((tenant_id = psa.tenant_id()) AND
CASE
    WHEN (( SELECT psa.customer_id() AS customer_id) IS NULL) THEN true
    ELSE ((customer_id = psa.customer_id()) AND public)
END))
  with check (((tenant_id = psa.tenant_id()) AND
CASE
    WHEN (( SELECT psa.customer_id() AS customer_id) IS NULL) THEN true
    ELSE ((customer_id = psa.customer_id()) AND public)
END));

alter table tickets.idempotency enable row level security, force row level security;
create policy tenant_isolation on tickets.idempotency for all to public
  using ((((tenant_id = psa.tenant_id()) AND (user_id = (NULLIF(current_setting('psa.user_id'::text, true), ''::text))::uuid)) OR psa.is_system()));

alter table tickets.inbox enable row level security, force row level security;
create policy tenant_isolation on tickets.inbox for all to public
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

alter table tickets.outbox enable row level security, force row level security;
create policy tenant_append on tickets.outbox for insert to public
  with check ((tenant_id = psa.tenant_id()));
create policy tenant_isolation on tickets.outbox for all to public
  using (psa.is_system())
  with check ((tenant_id = psa.tenant_id()));

alter table tickets.people enable row level security, force row level security;
create policy tenant_isolation on tickets.people for all to public
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

alter table tickets.saved_views enable row level security, force row level security;
create policy tenant_isolation on tickets.saved_views for all to public
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

alter table tickets.sla_policies enable row level security, force row level security;
create policy tenant_isolation on tickets.sla_policies for all to public
  using ((tenant_id = psa.tenant_id()))
  with check ((tenant_id = psa.tenant_id()));

alter table tickets.team_members enable row level security, force row level security;
create policy tenant_isolation on tickets.team_members for all to public
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

alter table tickets.teams enable row level security, force row level security;
create policy tenant_isolation on tickets.teams for all to public
  using ((tenant_id = psa.tenant_id()))
  with check ((tenant_id = psa.tenant_id()));

alter table tickets.technicians enable row level security, force row level security;
create policy tenant_isolation on tickets.technicians for all to public
  using ((tenant_id = psa.tenant_id()))
  with check ((tenant_id = psa.tenant_id()));

alter table tickets.ticket_counters enable row level security, force row level security;
create policy tenant_isolation on tickets.ticket_counters for all to public
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

alter table tickets.ticket_tags enable row level security, force row level security;
create policy tenant_isolation on tickets.ticket_tags for all to public
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

alter table tickets.tickets enable row level security, force row level security;
create policy tenant_isolation on tickets.tickets for all to public
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

alter table tickets.time_entries enable row level security, force row level security;
create policy tenant_isolation on tickets.time_entries for all to public
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

alter table tickets.timers enable row level security, force row level security;
create policy tenant_isolation on tickets.timers for all to public
  using (((tenant_id = psa.tenant_id()) OR psa.is_system()));

alter table tickets.watchers enable row level security, force row level security;
create policy tenant_isolation on tickets.watchers for all to public
  using (((tenant_id = psa.tenant_id()) AND
CASE
    WHEN (( SELECT psa.customer_id() AS customer_id) IS NULL) THEN true
    ELSE ((customer_id = psa.customer_id()) AND (user_id = (NULLIF(current_setting('psa.user_id'::text, true), ''::text))::uuid))
END))
  with check (((tenant_id = psa.tenant_id()) AND
CASE
    WHEN (( SELECT psa.customer_id() AS customer_id) IS NULL) THEN true
    ELSE ((customer_id = psa.customer_id()) AND (user_id = (NULLIF(current_setting('psa.user_id'::text, true), ''::text))::uuid))
END));

-- functions

CREATE OR REPLACE FUNCTION tickets.add_history(ticket uuid, entries jsonb)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  insert into tickets.history (tenant_id, id, ticket_id, customer_id, occurred_at, actor_kind, actor_id, actor_name,
    kind, changes, reason, public)
  select t.tenant_id, h.id, t.id, t.customer_id, h.occurred_at, h.actor_kind, h.actor_id, h.actor_name, h.kind,
    h.changes, h.reason, h.public
  from tickets.tickets t, jsonb_to_recordset(entries) as h (id uuid, occurred_at timestamptz, actor_kind text,
    actor_id text, actor_name text, kind text, changes jsonb, reason text, public boolean)
  where t.tenant_id = psa.tenant_id() and t.id = ticket
    and (psa.customer_id() is null or t.customer_id = psa.customer_id())
$function$;

CREATE OR REPLACE FUNCTION tickets.assignment_candidates(asked uuid[])
 RETURNS TABLE(id uuid, available boolean, skills text[], max_open integer, last_assigned_at timestamp with time zone, load jsonb)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select d.id, d.available and d.active, d.skills, d.max_open, d.last_assigned_at,
    (select jsonb_object_agg(o.priority, o.n) from (
      select t.priority, count(*)::int as n from tickets.tickets t
      where t.tenant_id = psa.tenant_id() and t.assigned_to = d.id and t.deleted_at is null
        and t.status in ('new', 'assigned', 'in_progress', 'waiting_customer')
      group by t.priority) as o)
  from tickets.technicians d
  where d.tenant_id = psa.tenant_id() and d.deleted_at is null and (asked is null or d.id = any(asked))
$function$;

CREATE OR REPLACE FUNCTION tickets.came_back(ticket uuid, told jsonb)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  insert into tickets.timers (tenant_id, kind, key, due_at, payload)
  values (psa.tenant_id(), 'came_back', ticket::text, now(), told)
  on conflict (tenant_id, kind, key) do update set due_at = excluded.due_at, payload = excluded.payload, attempts = 0
$function$;

CREATE OR REPLACE FUNCTION tickets.count_attachment()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  one tickets.attachments := case when tg_op = 'DELETE' then old else new end;
  before constant bigint := case when tg_op <> 'INSERT' and old.deleted_at is null then old.size else 0 end;
  after constant bigint := case when tg_op <> 'DELETE' and new.deleted_at is null then new.size else 0 end;
begin
  if before <> after then
    insert into tickets.attachment_usage as u (tenant_id, customer_id, bytes)
    values (one.tenant_id, null, after - before), (one.tenant_id, one.customer_id, after - before)
    on conflict (tenant_id, customer_id) do update set bytes = u.bytes + excluded.bytes;
  end if;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION tickets.counter_follows()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION tickets.desk_routing()
 RETURNS TABLE(rules jsonb, members jsonb)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION tickets.draw_ticket_numbers(wanted integer)
 RETURNS SETOF integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION tickets.lost_references(ticket uuid)
 RETURNS TABLE(field text, id uuid, name text, mended boolean)
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$;

-- triggers

CREATE TRIGGER attachments_counted AFTER INSERT OR DELETE OR UPDATE OF size, deleted_at ON tickets.attachments FOR EACH ROW EXECUTE FUNCTION tickets.count_attachment();

CREATE TRIGGER counter_follows BEFORE UPDATE ON tickets.ticket_counters FOR EACH ROW EXECUTE FUNCTION tickets.counter_follows();

-- rights

grant execute on function tickets.add_history(uuid,jsonb) to psa_tickets;
grant execute on function tickets.assignment_candidates(uuid[]) to psa_tickets;
grant execute on function tickets.came_back(uuid,jsonb) to psa_tickets;
grant execute on function tickets.count_attachment() to public;
grant execute on function tickets.desk_routing() to psa_tickets;
grant execute on function tickets.draw_ticket_numbers(integer) to psa_tickets;
grant execute on function tickets.lost_references(uuid) to psa_tickets;
grant usage on schema tickets to psa_tickets;
grant delete, insert, select, update on tickets.assignment_rules to psa_tickets;
grant delete, insert, select, update on tickets.attachment_usage to psa_tickets;
grant delete, insert, select, update on tickets.attachments to psa_tickets;
grant delete, insert, select, update on tickets.calendars to psa_tickets;
grant delete, insert, select, update on tickets.categories to psa_tickets;
grant delete, insert, select, update on tickets.comments to psa_tickets;
grant delete, insert, select, update on tickets.customers to psa_tickets;
grant delete, insert, select, update on tickets.desks to psa_tickets;
grant insert, select on tickets.history to psa_tickets;
grant select, usage on tickets.history_seq_seq to psa_tickets;
grant delete, insert, select, update on tickets.idempotency to psa_tickets;
grant delete, insert, select, update on tickets.inbox to psa_tickets;
grant delete, insert, select, update on tickets.outbox to psa_tickets;
grant select, usage on tickets.outbox_seq_seq to psa_tickets;
grant delete, insert, select, update on tickets.people to psa_tickets;
grant delete, insert, select, update on tickets.saved_views to psa_tickets;
grant delete, insert, select, update on tickets.sla_policies to psa_tickets;
grant delete, insert, select, update on tickets.team_members to psa_tickets;
grant delete, insert, select, update on tickets.teams to psa_tickets;
grant delete, insert, select, update on tickets.technicians to psa_tickets;
grant delete, insert, select, update on tickets.ticket_counters to psa_tickets;
grant delete, insert, select, update on tickets.ticket_tags to psa_tickets;
grant delete, insert, select, update on tickets.tickets to psa_tickets;
grant delete, insert, select, update on tickets.time_entries to psa_tickets;
grant delete, insert, select, update on tickets.timers to psa_tickets;
grant delete, insert, select, update on tickets.watchers to psa_tickets;
