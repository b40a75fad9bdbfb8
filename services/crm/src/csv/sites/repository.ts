import type { Tx } from '@psa/service-kit/database';
import type { NewSiteRow, SiteRow } from '../../db/schema.ts';
import { siteKeys } from '../../sites/domain.ts';
import type { Address } from '../values.ts';

/** A place without a name of its own is called by its city, or else by its street. */
export const nameOfPlace = ({ city, street, postal_code }: Address): string =>
  city ?? street ?? postal_code ?? '';

/** A site as it is after a change. */
export function changedSite(site: SiteRow, changes: Partial<SiteRow>): SiteRow {
  const next = { ...site, ...changes };
  return { ...next, ...siteKeys(next) };
}

/** Sites of customers; locked where asked. */
export async function sitesOfCustomers(
  tx: Tx,
  tenantId: string,
  customerIds: readonly string[],
  lock: boolean,
): Promise<SiteRow[]> {
  const s = tx.sql;
  const rows = await s<SiteRow[]>`
    select * from crm.sites
    where tenant_id = ${tenantId} and customer_id = any(${[...customerIds]}::uuid[]) and deleted_at is null
    order by id ${lock ? s`for no key update` : s``}`;
  return [...rows];
}

/** Inserts sites in one statement. */
export async function insertManySites(tx: Tx, rows: readonly NewSiteRow[]): Promise<SiteRow[]> {
  if (rows.length === 0) return [];
  const inserted = await tx.sql<SiteRow[]>`
    insert into crm.sites (tenant_id, id, customer_id, name, name_key, street, postal_code, city, country, time_zone,
      search_text, created_at, updated_at)
    select tenant_id, id, customer_id, name, name_key, street, postal_code, city, country, time_zone,
      search_text, created_at, updated_at
    from jsonb_populate_recordset(null::crm.sites, ${JSON.stringify(rows)}::jsonb)
    returning *`;
  return [...inserted];
}

/** Writes changed sites, whose customers are locked, in one statement. */
export async function updateSites(tx: Tx, rows: readonly SiteRow[], now: Date): Promise<SiteRow[]> {
  if (rows.length === 0) return [];
  const updated = await tx.sql<SiteRow[]>`
    update crm.sites t set
      name = n.name, name_key = n.name_key, search_text = n.search_text, street = n.street,
      postal_code = n.postal_code, city = n.city, country = n.country, time_zone = n.time_zone,
      version = t.version + 1, updated_at = ${now.toISOString()}
    from jsonb_populate_recordset(null::crm.sites, ${JSON.stringify(rows)}::jsonb) n
    where t.tenant_id = n.tenant_id and t.id = n.id and t.deleted_at is null
    returning t.*`;
  return [...updated];
}
