import type {
  CreateCustomerRequest,
  ImportCustomersRequest,
  UpdateCustomerRequest,
} from '@psa/contracts/crm';
import { normalTags } from '@psa/contracts/tags';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { notFound, unavailable } from '@psa/service-kit/errors';
import { emit } from '@psa/service-kit/outbox';
import type { Static } from 'typebox';
import { contactEvent } from '../contacts/domain.ts';
import { deleteContactsOf } from '../contacts/repository.ts';
import type { CustomerRow, NewCustomerRow } from '../db/schema.ts';
import type { CrmDeps } from '../deps.ts';
import { changesOf } from '../shared/changes.ts';
import { takeCustomerNumbers } from '../shared/counters.ts';

import { stored } from '../shared/stored.ts';

import { siteEvent } from '../sites/domain.ts';
import { deleteSitesOf } from '../sites/repository.ts';
import { customerEvent, customerKeys } from './domain.ts';
import { customersByExternalIds, insertCustomers, lockCustomer, updateCustomer } from './repository.ts';

/** What a new customer may come with. */
export type CustomerInput = Static<typeof CreateCustomerRequest> & {
  source?: string | null;
  external_id?: string | null;
};

/** The row of a new customer. */
export function newCustomer(
  deps: CrmDeps,
  tenantId: string,
  number: number,
  given: CustomerInput,
): NewCustomerRow {
  const input = stored(given);
  const now = deps.clock.now().toISOString();
  const row = {
    tenant_id: tenantId,
    id: deps.ids.uuid(),
    customer_number: number,
    name: input.name,
    status: input.status ?? 'active',
    email: input.email ?? null,
    phone: input.phone ?? null,
    website: input.website ?? null,
    notes: input.notes ?? null,
    tags: normalTags(input.tags ?? []),
    preferred_technician_id: input.preferred_technician_id ?? null,
    sla_policy_id: input.sla_policy_id ?? null,
    source: input.source ?? null,
    external_id: input.external_id ?? null,
    created_at: now,
    updated_at: now,
  };
  return { ...row, ...customerKeys(row) };
}

export async function createCustomer(
  deps: CrmDeps,
  tx: Tx,
  ctx: RequestContext,
  number: number,
  input: CustomerInput,
): Promise<CustomerRow> {
  const [row] = await insertCustomers(tx, [newCustomer(deps, ctx.scope.tenant_id, number, input)]);
  await emit(deps, tx, ctx, [customerEvent('customer.created.v1', row!)]);
  return row!;
}

/** Changes the named fields. `check` sees the locked row and may refuse. */
export async function changeCustomer(
  deps: CrmDeps,
  tx: Tx,
  ctx: RequestContext,
  id: string,
  patch: Static<typeof UpdateCustomerRequest>,
  check: (row: CustomerRow) => void,
): Promise<CustomerRow> {
  const row = await lockCustomer(tx, ctx.scope.tenant_id, id, 'no key update');
  if (!row) throw notFound('customer');
  check(row);
  const wanted = stored(patch.tags ? { ...patch, tags: normalTags(patch.tags) } : patch);
  const changes = changesOf(row, wanted);
  if (Object.keys(changes).length === 0) return row;
  const updated = await updateCustomer(tx, row, changes, deps.clock.now());
  await emit(deps, tx, ctx, [customerEvent('customer.updated.v1', updated)]);
  return updated;
}

/** Deletes a customer with its contacts and sites, all or nothing, with an event for each. */
export async function deleteCustomer(
  deps: CrmDeps,
  tx: Tx,
  ctx: RequestContext,
  id: string,
  check: (row: CustomerRow) => void,
): Promise<void> {
  const now = deps.clock.now();
  // Whoever adds a contact or site holds a share lock: after this line there is nobody left who does.
  const row = await lockCustomer(tx, ctx.scope.tenant_id, id, 'no key update');
  if (!row) throw notFound('customer');
  check(row);
  const contacts = await deleteContactsOf(tx, row.tenant_id, row.id, now);
  const sites = await deleteSitesOf(tx, row.tenant_id, row.id, now);
  const deleted = await updateCustomer(tx, row, { deleted_at: now.toISOString() }, now);
  await emit(deps, tx, ctx, [
    ...contacts.map((contact) => contactEvent('contact.deleted.v1', contact)),
    ...sites.map((site) => siteEvent('site.deleted.v1', site)),
    customerEvent('customer.deleted.v1', deleted),
  ]);
}

type Import = Static<typeof ImportCustomersRequest>;

/**
 * How many numbers an import needs: one for each customer that its source has not named before. Asked
 * before the transaction; one that appears in between costs a gap in the numbers, nothing else.
 */
export async function numbersForImport(
  deps: CrmDeps,
  ctx: RequestContext,
  request: Import,
): Promise<{ first: number; count: number }> {
  const ids = [...new Set(request.customers.map((item) => item.external_id))];
  const known = await deps.db.read(ctx.scope, (tx) =>
    customersByExternalIds(tx, ctx.scope.tenant_id, request.source, ids),
  );
  const count = ids.length - known.length;
  return {
    first: count === 0 ? 0 : await takeCustomerNumbers(deps.db, ctx.scope.tenant_id, count),
    count,
  };
}

/** Customers by their name in another system: unknown ones are created, known ones left as they are. */
export async function importCustomers(
  deps: CrmDeps,
  tx: Tx,
  ctx: RequestContext,
  numbers: { first: number; count: number },
  request: Import,
): Promise<{ external_id: string; id: string; created: boolean }[]> {
  const tenantId = ctx.scope.tenant_id;
  const names = new Map(request.customers.map((item) => [item.external_id, item.name]));
  const known = await customersByExternalIds(tx, tenantId, request.source, [...names.keys()]);
  const ids = new Map(known.map((row) => [row.external_id!, row.id]));
  const missing = [...names].filter(([externalId]) => !ids.has(externalId));
  // Known ones were deleted since the numbers were taken. Taking more here would need a second connection.
  if (missing.length > numbers.count)
    throw unavailable('Customers changed at this moment. Please send it again.');
  // One order for all, so that two imports of the same ones wait for each other instead of deadlocking.
  missing.sort(([a], [b]) => (a < b ? -1 : 1));
  let number = numbers.first;
  const created = await insertCustomers(
    tx,
    missing.map(([external_id, name]) =>
      newCustomer(deps, tenantId, number++, { name, source: request.source, external_id }),
    ),
  );
  await emit(
    deps,
    tx,
    ctx,
    created.map((row) => customerEvent('customer.created.v1', row)),
  );
  const fresh = new Set(created.map((row) => row.external_id!));
  for (const row of created) ids.set(row.external_id!, row.id);
  if (ids.size < names.size) {
    // Somebody imported the same ones at this moment; their rows are committed, or ours would have waited.
    const rest = [...names.keys()].filter((externalId) => !ids.has(externalId));
    for (const row of await customersByExternalIds(tx, tenantId, request.source, rest)) {
      ids.set(row.external_id!, row.id);
    }
  }
  return request.customers.map(({ external_id }) => ({
    external_id,
    id: ids.get(external_id)!,
    created: fresh.delete(external_id),
  }));
}
