import type { Tx } from '@psa/service-kit/database';
import { fetchList, type ListRequest, type ListResult, type ListSpec } from '@psa/service-kit/list';
import { and, asc, eq, inArray, isNull, sql } from 'drizzle-orm';
import { type NewSiteRow, type SiteRow, sites } from '../db/schema.ts';
import { searchFilters } from '../shared/search.ts';
import { siteKeys } from './domain.ts';

export const SITE_LIST: Omit<ListSpec, 'fields'> = {
  sortable: {
    name: { sql: 't.name_key', type: 'text' },
    city: { sql: 't.city', type: 'text', nullable: true },
    created_at: { sql: 't.created_at', type: 'timestamptz' },
    updated_at: { sql: 't.updated_at', type: 'timestamptz' },
  },
  defaultSort: [['name', 'asc']],
  id: { sql: 't.id', type: 'uuid' },
  includes: ['customer'],
};

export interface SiteFilters {
  customer_id?: string;
  country?: string;
  search?: string;
}

const alive = (tenantId: string) => and(eq(sites.tenant_id, tenantId), isNull(sites.deleted_at));

export async function listSites(
  tx: Tx,
  tenantId: string,
  request: ListRequest,
  filters: SiteFilters,
): Promise<ListResult<SiteRow>> {
  const s = tx.sql;
  return fetchList<SiteRow>(tx, {
    select: s`t.*`,
    from: s`crm.sites t`,
    where: [
      s`t.tenant_id = ${tenantId} and t.deleted_at is null`,
      ...(filters.customer_id === undefined ? [] : [s`t.customer_id = ${filters.customer_id}`]),
      ...(filters.country === undefined ? [] : [s`t.country = ${filters.country}`]),
      ...(await searchFilters(tx, 'sites', filters.search)),
    ],
    request,
  });
}

/** The sites of customers, by name. */
export const sitesOf = (tx: Tx, tenantId: string, customerIds: readonly string[]): Promise<SiteRow[]> =>
  customerIds.length === 0
    ? Promise.resolve([])
    : tx.orm
        .select()
        .from(sites)
        .where(and(alive(tenantId), inArray(sites.customer_id, [...customerIds])))
        .orderBy(asc(sites.name_key), asc(sites.id));

export const sitesByIds = (tx: Tx, tenantId: string, ids: readonly string[]): Promise<SiteRow[]> =>
  ids.length === 0
    ? Promise.resolve([])
    : tx.orm
        .select()
        .from(sites)
        .where(and(alive(tenantId), inArray(sites.id, [...new Set(ids)])));

export async function findSite(tx: Tx, tenantId: string, id: string): Promise<SiteRow | undefined> {
  const [row] = await sitesByIds(tx, tenantId, [id]);
  return row;
}

/** Locks a site; `share`: it must not be deleted before the caller commits. */
export async function lockSite(
  tx: Tx,
  tenantId: string,
  id: string,
  strength: 'share' | 'no key update',
): Promise<SiteRow | undefined> {
  const [row] = await tx.orm
    .select()
    .from(sites)
    .where(and(alive(tenantId), eq(sites.id, id)))
    .for(strength);
  return row;
}

export async function insertSites(tx: Tx, rows: readonly NewSiteRow[]): Promise<SiteRow[]> {
  if (rows.length === 0) return [];
  return tx.orm
    .insert(sites)
    .values([...rows])
    .returning();
}

export async function updateSite(
  tx: Tx,
  row: SiteRow,
  changes: Partial<SiteRow>,
  now: Date,
): Promise<SiteRow> {
  const [updated] = await tx.orm
    .update(sites)
    .set({
      ...changes,
      ...siteKeys({ ...row, ...changes }),
      version: row.version + 1,
      updated_at: now.toISOString(),
    })
    .where(and(eq(sites.tenant_id, row.tenant_id), eq(sites.id, row.id)))
    .returning();
  return updated!;
}

/** Deletes all sites of a customer; returns them. */
export const deleteSitesOf = (tx: Tx, tenantId: string, customerId: string, now: Date): Promise<SiteRow[]> =>
  tx.orm
    .update(sites)
    .set({
      deleted_at: now.toISOString(),
      updated_at: now.toISOString(),
      version: sql`${sites.version} + 1`,
    })
    .where(and(alive(tenantId), eq(sites.customer_id, customerId)))
    .returning();
