-- How much room another customer's files take is none of a customer's business. A portal user's transaction sees and
-- counts the tenant's sum and its own customer's.
drop policy tenant_isolation on tickets.attachment_usage;
create policy tenant_isolation on tickets.attachment_usage using (
  tenant_id = psa.tenant_id()
  and case when (select psa.customer_id()) is null then true
    else customer_id is null or customer_id = psa.customer_id() end);
