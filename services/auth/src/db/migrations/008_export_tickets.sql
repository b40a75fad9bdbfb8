-- Those who take lists of tickets out as CSV (`ticket:export`) may do so in tenants that were made before there was the
-- permission too.
update auth.roles set permissions = array_append(permissions, 'ticket:export'), version = version + 1, updated_at = now()
where name in ('service_manager', 'dispatcher', 'billing', 'customer_admin', 'customer_user') and system
  and deleted_at is null and not permissions && array['ticket:export', 'ticket:*', '*'];
