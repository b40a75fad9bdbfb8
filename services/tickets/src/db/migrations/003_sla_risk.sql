-- One meaning of "at risk" (libs/domain/src/sla.ts), and what lists filter and sort by it.

-- Which statuses pause the clocks says the policy.
alter table tickets.sla_policies add column pause_on text[] not null default '{waiting_customer}';

-- When four fifths of the business time are used; null while the clock does not run.
alter table tickets.tickets add column sla_response_risk_at timestamptz, add column sla_resolution_risk_at timestamptz;

-- Clocks under way. A warning that is still to come has its timer, which says when. One that was given is at risk
-- already, and is again computed exactly with the next change of its clock. What older processes write meanwhile is
-- filled in when its timer fires.
update tickets.tickets t set
  sla_response_risk_at = case when t.sla_response_state = 'running' then coalesce(
    (select m.due_at from tickets.timers m
      where m.tenant_id = t.tenant_id and m.kind = 'sla_response_risk' and m.key = t.id::text),
    least(now(), t.created_at + 0.8 * (t.sla_response_due - t.created_at))) end,
  sla_resolution_risk_at = case when t.sla_resolution_state = 'running' then coalesce(
    (select m.due_at from tickets.timers m
      where m.tenant_id = t.tenant_id and m.kind = 'sla_resolution_risk' and m.key = t.id::text),
    least(now(), t.created_at + 0.8 * (t.sla_resolution_due - t.created_at))) end
where t.sla_response_state = 'running' or t.sla_resolution_state = 'running';

-- The deadline that is due next of those that still run or are overdue unreached: what the list shows and sorts by.
-- The first risk of a running clock: what the filter, the figures and the gauge read. Kept by the database, so that no
-- writer can forget them.
alter table tickets.tickets
  add column sla_due_at timestamptz generated always as (least(
    case when sla_response_state in ('running', 'breached') and first_response_at is null and resolved_at is null
      then sla_response_due end,
    case when sla_resolution_state in ('running', 'breached') and resolved_at is null
      then sla_resolution_due end)) stored,
  add column sla_risk_at timestamptz generated always as (least(sla_response_risk_at, sla_resolution_risk_at)) stored;

-- In place of tickets_response_due and tickets_resolution_due, which no list reads any more.
drop index tickets.tickets_response_due;
drop index tickets.tickets_resolution_due;
create index tickets_due on tickets.tickets (tenant_id, sla_due_at, id) where deleted_at is null;
create index tickets_risk on tickets.tickets (tenant_id, sla_risk_at)
  include (customer_id, sla_response_risk_at, sla_response_due, sla_resolution_risk_at, sla_resolution_due)
  where deleted_at is null and sla_risk_at is not null;
