-- Customers are found by their number as it is shown (K10001). Documents of releases before lack it: all are put anew in the
-- background, in the form of this release (`DOCUMENT_FORM` 2, objects/domain.ts). A kind of its own, because a process of
-- the release before, which still runs while releases are exchanged, would take the usual one and put its own form.
insert into search.timers (tenant_id, kind, key, due_at, payload)
select distinct tenant_id, 'reindex_form_2', 'all', now(), '{"after": null}'::jsonb from search.objects
on conflict (tenant_id, kind, key) do nothing;
