-- What users are found by: name and address, folded by the service as everything is (libs/domain/src/search-text.ts).
-- Those that are here already are filled in by it in the background (users/search-text.ts); until then, and where a
-- process of the release before has written, it is null, and they are found by plain letters as they stand.
alter table auth.users add column search_text text collate "C";

insert into auth.timers (tenant_id, kind, key, due_at, payload)
select distinct tenant_id, 'user_search_text', 'all', now(), '{}'::jsonb from auth.users where deleted_at is null
on conflict (tenant_id, kind, key) do nothing;
