-- Contacts that were given their address after their portal user was made were not linked with them by releases before
-- user.recognised. Who of them is whom is told once, in the background (users/unlinked-contacts.ts).
insert into auth.timers (tenant_id, kind, key, due_at, payload)
select distinct tenant_id, 'recognise_contacts', 'all', now(), '{}'::jsonb
from auth.users where audience = 'customer' and deleted_at is null
on conflict (tenant_id, kind, key) do nothing;
