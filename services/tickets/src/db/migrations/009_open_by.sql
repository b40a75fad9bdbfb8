-- Open tickets of a category and of a priority, newest first, with what their count needs: without these a page of them
-- and its count read thousands of entries of all open ones.
create index tickets_category_open on tickets.tickets (tenant_id, category, created_at desc, id desc)
  include (customer_id)
  where deleted_at is null and category is not null
    and status in ('new', 'assigned', 'in_progress', 'waiting_customer');
create index tickets_priority_open on tickets.tickets (tenant_id, priority, created_at desc, id desc)
  include (customer_id)
  where deleted_at is null and status in ('new', 'assigned', 'in_progress', 'waiting_customer');
