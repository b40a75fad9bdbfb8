-- How the backups of the appliance are, as psactl reported it last: one row for each site. It is signed in to the tenant that
-- runs the appliance, so the row is that one's, and no other tenant learns of it.
create table auth.backup_reports (
  tenant_id uuid not null references auth.tenants,
  site text not null check (length(site) between 1 and 80),
  -- When psactl looked; of two that look at once the later one stays.
  at timestamptz not null,
  report jsonb not null,
  primary key (tenant_id, site)
);
call psa.protect('auth.backup_reports', 'staff');
