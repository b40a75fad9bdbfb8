-- All documents are put anew in the background, in the form of this release (`DOCUMENT_FORM` 3, objects/domain.ts).
insert into search.timers (tenant_id, kind, key, due_at, payload)
select distinct tenant_id, 'reindex_form_3', 'all', now(), '{"after": null}'::jsonb from search.objects
on conflict (tenant_id, kind, key) do nothing;
-- Where 006 has not ended yet, it need not: this does the same.
delete from search.timers where kind = 'reindex_form_2';
