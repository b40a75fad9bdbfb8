-- What the headings of imported files mean, by choice, remembered for each layout: the headings that a file has, in
-- whatever order. The same heading may mean something else in another file.
create table crm.import_layouts (
  tenant_id uuid not null,
  kind text not null check (kind in ('customers', 'contacts', 'sites')),
  -- A digest of the headings, folded by the service (csv/headings.ts).
  layout_key text not null,
  headings text[] not null,
  -- By place of the heading: a column of ours, or `ignore`.
  choices jsonb not null,
  updated_at timestamptz not null,
  primary key (tenant_id, kind, layout_key)
);
call psa.protect('crm.import_layouts', 'staff');
-- Choices of before, by heading alone, are proposals from now on. Their table goes with a later release: this one's
-- predecessor still writes it while it is being replaced.
insert into crm.import_layouts (tenant_id, kind, layout_key, headings, choices, updated_at)
select tenant_id, 'customers', 'before', array_agg(heading order by heading_key), jsonb_object_agg(heading_key, choice),
  max(updated_at)
from crm.import_columns group by tenant_id;
