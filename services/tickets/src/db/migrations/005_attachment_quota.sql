-- How much room attachments may take, and how much they do.

-- Null: the platform's figures (contracts/limits). Bytes, of all customers together and of each one.
alter table tickets.desks add column attachment_limit bigint, add column customer_attachment_limit bigint,
  add column attachment_limits_version integer not null default 1;

-- Bytes of the attachments that are there. customer_id null: of the whole tenant.
create table tickets.attachment_usage (
  tenant_id uuid not null,
  customer_id uuid,
  bytes bigint not null,
  unique nulls not distinct (tenant_id, customer_id)
);
-- Numbers only; a portal user's upload counts against the tenant's too.
call psa.protect('tickets.attachment_usage', 'tenant');

-- Whatever writes or removes an attachment is counted in its own transaction. The rows stay locked until its end, the
-- tenant's first, so uploads at the same time are counted one after the other and none is judged by an old sum.
create function tickets.count_attachment() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
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
$$;
create trigger attachments_counted after insert or delete or update of size, deleted_at on tickets.attachments
  for each row execute function tickets.count_attachment();

-- Files of tickets that were deleted before now are in nobody's sight: they go, as they do with a ticket from now on,
-- and as late.
update tickets.attachments a set deleted_at = t.deleted_at, updated_at = now()
from tickets.tickets t
where t.tenant_id = a.tenant_id and t.id = a.ticket_id and t.deleted_at is not null and a.deleted_at is null;
insert into tickets.timers (tenant_id, kind, key, due_at, payload)
select tenant_id, 'attachment_cleanup', file_key::text, now() + interval '30 days', '{}' from tickets.attachments where deleted_at is not null
on conflict (tenant_id, kind, key) do nothing;

delete from tickets.attachment_usage;
insert into tickets.attachment_usage (tenant_id, customer_id, bytes)
select tenant_id, customer_id, sum(size) from tickets.attachments where deleted_at is null
group by grouping sets ((tenant_id), (tenant_id, customer_id));
