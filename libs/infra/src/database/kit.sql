-- Tables that every service has in its own schema (:schema is replaced by the runner).

-- Events committed together with the change that they tell of; the relay empties it in order.
create table :schema.outbox (
  tenant_id uuid not null,
  seq bigint generated always as identity,
  event jsonb not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, seq)
);
create index outbox_seq on :schema.outbox (seq);
call psa.protect(':schema.outbox', 'append');

-- Events a consumer has dealt with, so that a second delivery changes nothing.
create table :schema.inbox (
  tenant_id uuid not null,
  consumer text not null,
  event_id uuid not null,
  processed_at timestamptz not null default now(),
  primary key (tenant_id, consumer, event_id)
);
create index inbox_processed_at on :schema.inbox using brin (processed_at);
call psa.protect(':schema.inbox', 'system');

-- Answers to requests that came with an Idempotency-Key; kept for a day.
create table :schema.idempotency (
  tenant_id uuid not null,
  user_id uuid not null,
  key text not null,
  fingerprint text not null,
  status integer,
  headers jsonb,
  body jsonb,
  created_at timestamptz not null default now(),
  primary key (tenant_id, user_id, key)
);
create index idempotency_created_at on :schema.idempotency (created_at);
alter table :schema.idempotency enable row level security;
alter table :schema.idempotency force row level security;
create policy tenant_isolation on :schema.idempotency
  using ((tenant_id = psa.tenant_id() and user_id = nullif(current_setting('psa.user_id', true), '')::uuid) or psa.is_system());

-- Things to do at a time: deadlines, reminders. Claimed with SKIP LOCKED, so that replicas share the work.
create table :schema.timers (
  tenant_id uuid not null,
  kind text not null,
  key text not null,
  due_at timestamptz not null,
  payload jsonb not null default '{}',
  attempts integer not null default 0,
  primary key (tenant_id, kind, key)
);
create index timers_due_at on :schema.timers (due_at);
alter table :schema.timers enable row level security;
alter table :schema.timers force row level security;
-- A portal user's own change may move a deadline of its ticket; timers hold ids and times only.
create policy tenant_isolation on :schema.timers using (tenant_id = psa.tenant_id() or psa.is_system());
