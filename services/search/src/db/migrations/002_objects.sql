-- What events have told of the objects that can be searched: all that a document of the index is made of, so that
-- the index can be filled anew, also in Elasticsearch, without asking another service. Staff only: portal users are
-- answered from the index alone.
create table search.objects (
  tenant_id uuid not null,
  type text not null check (type in ('ticket', 'customer', 'contact')),
  id uuid not null,
  customer_id uuid,
  -- As the last event told them.
  facts jsonb not null,
  -- Of the facts: an older event does not replace them.
  version bigint not null,
  -- Counts every change, comments too: the version of the document in the index.
  revision bigint not null default 1,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  primary key (tenant_id, type, id)
);
call psa.protect('search.objects', 'staff');

-- Comments and names of attachments: part of their ticket's document. They are written once and never change.
create table search.texts (
  tenant_id uuid not null,
  ticket_id uuid not null,
  id uuid not null,
  internal boolean not null,
  body text not null,
  written_at timestamptz not null,
  type text not null default 'ticket' check (type = 'ticket'),
  primary key (tenant_id, ticket_id, id),
  foreign key (tenant_id, type, ticket_id) references search.objects (tenant_id, type, id)
);
call psa.protect('search.texts', 'staff');
