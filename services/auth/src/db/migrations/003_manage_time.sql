-- The service manager corrects colleagues' working time (`time:manage`), in tenants that were made before there was the
-- permission too.
update auth.roles set permissions = array_append(permissions, 'time:manage'), version = version + 1, updated_at = now()
where name = 'service_manager' and system and audience = 'staff' and deleted_at is null
  and not permissions && array['time:manage', 'time:*', '*'];
