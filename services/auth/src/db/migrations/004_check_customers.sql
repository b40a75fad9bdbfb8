-- Customers that were deleted or became inactive before 002 have told so nobody here. Who of them has people is asked
-- about once, in the background, by the service that knows (customers/check.ts).
insert into auth.timers (tenant_id, kind, key, due_at, payload)
select distinct u.tenant_id, 'customer_check', u.customer_id::text, now(), '{}'::jsonb
from auth.users u
where u.customer_id is not null and u.deleted_at is null and not exists (
  select from auth.customers c where c.tenant_id = u.tenant_id and c.customer_id = u.customer_id)
on conflict (tenant_id, kind, key) do nothing;
