-- What the headings of imported files mean, by choice: a column of ours, or that they are left out.
create table crm.import_columns (
  tenant_id uuid not null,
  -- Folded by the service (csv/headings.ts), so that case and punctuation make no other heading.
  heading_key text not null,
  heading text not null,
  choice text not null,
  updated_at timestamptz not null,
  primary key (tenant_id, heading_key)
);
call psa.protect('crm.import_columns', 'staff');
