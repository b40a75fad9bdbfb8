import type { Site } from '@psa/contracts/crm';
import { searchText } from '@psa/domain/search-text';
import { sortKey } from '@psa/domain/text';
import { toIso } from '@psa/service-kit/database';
import type { EventData } from '@psa/service-kit/outbox';
import type { SiteRow } from '../db/schema.ts';

/** What a site sorts and is found by. */
export const siteKeys = (row: Pick<SiteRow, 'name' | 'street' | 'postal_code' | 'city'>) => ({
  name_key: sortKey(row.name),
  search_text: searchText([row.name, row.street, row.postal_code, row.city]),
});

export function toSite(row: SiteRow): Site {
  return {
    id: row.id,
    customer_id: row.customer_id,
    name: row.name,
    street: row.street,
    postal_code: row.postal_code,
    city: row.city,
    country: row.country,
    time_zone: row.time_zone,
    version: row.version,
    created_at: toIso(row.created_at),
    updated_at: toIso(row.updated_at),
  };
}

function siteFacts(row: SiteRow): EventData<'site.created.v1'> {
  const { id, customer_id, name, street, postal_code, city, country, time_zone, version } = row;
  return { site_id: id, customer_id, name, street, postal_code, city, country, time_zone, version };
}

/** An event of a site. */
export function siteEvent(type: 'site.created.v1' | 'site.updated.v1' | 'site.deleted.v1', row: SiteRow) {
  return {
    type,
    aggregate: { type: 'site', id: row.id },
    customer_id: row.customer_id,
    data: siteFacts(row),
  };
}
