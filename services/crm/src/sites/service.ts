import type { CreateSiteRequest, UpdateSiteRequest } from '@psa/contracts/crm';
import { isTimeZone } from '@psa/contracts/time-zones';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { invalid, notFound } from '@psa/service-kit/errors';
import { emit } from '@psa/service-kit/outbox';
import type { Static } from 'typebox';
import { contactEvent } from '../contacts/domain.ts';
import { leaveSite } from '../contacts/repository.ts';
import { lockCustomer } from '../customers/repository.ts';
import type { NewSiteRow, SiteRow } from '../db/schema.ts';
import type { CrmDeps } from '../deps.ts';
import { changesOf } from '../shared/changes.ts';
import { noSuch } from '../shared/reference.ts';
import { siteEvent, siteKeys } from './domain.ts';
import { findSite, insertSites, lockSite, updateSite } from './repository.ts';

function checkTimeZone(zone: string | null | undefined): void {
  if (zone && !isTimeZone(zone))
    throw invalid({ field: 'time_zone', code: 'wrong_form', message: 'is no IANA time zone' });
}

export async function createSite(
  deps: CrmDeps,
  tx: Tx,
  ctx: RequestContext,
  input: Static<typeof CreateSiteRequest>,
): Promise<SiteRow> {
  checkTimeZone(input.time_zone);
  const tenantId = ctx.scope.tenant_id;
  const customer = await lockCustomer(tx, tenantId, input.customer_id, 'share');
  if (!customer) throw noSuch('customer', 'customer_id');
  const [site] = await insertSites(tx, [newSite(deps, tenantId, { ...input, customer_id: customer.id })]);
  await emit(deps, tx, ctx, [siteEvent('site.created.v1', site!)]);
  return site!;
}

/** The row of a new site. */
export function newSite(
  deps: CrmDeps,
  tenantId: string,
  input: Static<typeof CreateSiteRequest>,
): NewSiteRow {
  const now = deps.clock.now().toISOString();
  const row = {
    tenant_id: tenantId,
    id: deps.ids.uuid(),
    customer_id: input.customer_id,
    name: input.name,
    street: input.street ?? null,
    postal_code: input.postal_code ?? null,
    city: input.city ?? null,
    country: input.country ?? null,
    time_zone: input.time_zone ?? null,
    created_at: now,
    updated_at: now,
  };
  return { ...row, ...siteKeys(row) };
}

export async function changeSite(
  deps: CrmDeps,
  tx: Tx,
  ctx: RequestContext,
  id: string,
  patch: Static<typeof UpdateSiteRequest>,
  check: (row: SiteRow) => void,
): Promise<SiteRow> {
  checkTimeZone(patch.time_zone);
  const row = await lockSite(tx, ctx.scope.tenant_id, id, 'no key update');
  if (!row) throw notFound('site');
  check(row);
  const changes = changesOf(row, patch);
  if (Object.keys(changes).length === 0) return row;
  const updated = await updateSite(tx, row, changes, deps.clock.now());
  await emit(deps, tx, ctx, [siteEvent('site.updated.v1', updated)]);
  return updated;
}

/** Deletes a site; its contacts stay with the customer, without a site. */
export async function deleteSite(
  deps: CrmDeps,
  tx: Tx,
  ctx: RequestContext,
  id: string,
  check: (row: SiteRow) => void,
): Promise<void> {
  const tenantId = ctx.scope.tenant_id;
  const now = deps.clock.now();
  // The customer first, as everybody who touches several rows of one does: no deadlocks.
  const seen = await findSite(tx, tenantId, id);
  if (!seen) throw notFound('site');
  await lockCustomer(tx, tenantId, seen.customer_id, 'no key update');
  const row = await lockSite(tx, tenantId, id, 'no key update');
  if (!row) throw notFound('site');
  check(row);
  const contacts = await leaveSite(tx, tenantId, id, now);
  const deleted = await updateSite(tx, row, { deleted_at: now.toISOString() }, now);
  await emit(deps, tx, ctx, [
    ...contacts.map((contact) => contactEvent('contact.updated.v1', contact)),
    siteEvent('site.deleted.v1', deleted),
  ]);
}
