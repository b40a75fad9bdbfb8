-- What of crm's customers decides whether their people may come in; fed by its events (customers/consumer.ts).
-- A customer that is not here has not changed since this table came, and is taken as active.
create table auth.customers (
  tenant_id uuid not null,
  customer_id uuid not null,
  -- Deleted, or inactive: nobody of it signs in.
  blocked boolean not null,
  -- Of the customer, so that an event that comes late or twice changes nothing.
  version integer not null,
  primary key (tenant_id, customer_id)
);
call psa.protect('auth.customers', 'customer');
create index users_customer on auth.users (tenant_id, customer_id) where customer_id is not null;
