-- Comments of tickets, so that a ticket's document can be put whole.
create table search.comments (
  tenant_id uuid not null,
  id uuid not null,
  ticket_id uuid not null,
  customer_id uuid not null,
  body text not null,
  internal boolean not null,
  occurred_at timestamptz not null,
  primary key (tenant_id, id)
);
create index comments_ticket on search.comments (tenant_id, ticket_id, occurred_at);
call psa.protect('search.comments', 'customer', 'not internal');
