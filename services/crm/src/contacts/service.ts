import type { ErrorDetail } from '@psa/contracts/common';
import type { CreateContactRequest, ImportContactsRequest, UpdateContactRequest } from '@psa/contracts/crm';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { invalid, notFound } from '@psa/service-kit/errors';
import { emit } from '@psa/service-kit/outbox';
import type { Static } from 'typebox';
import { customersByIds, lockCustomer } from '../customers/repository.ts';
import type { ContactRow, NewContactRow } from '../db/schema.ts';
import type { CrmDeps } from '../deps.ts';
import { changesOf } from '../shared/changes.ts';
import { noSuch } from '../shared/reference.ts';

import { stored } from '../shared/stored.ts';

import { lockSite } from '../sites/repository.ts';
import { contactEvent, contactKeys } from './domain.ts';
import { mustMayWrite } from './policy.ts';
import {
  contactsByExternalIds,
  demotePrimary,
  findContact,
  insertContacts,
  lockContact,
  updateContact,
} from './repository.ts';

type Create = Static<typeof CreateContactRequest>;

async function checkSite(tx: Tx, tenantId: string, customerId: string, siteId: string | null | undefined) {
  if (!siteId) return;
  const site = await lockSite(tx, tenantId, siteId, 'share');
  if (site?.customer_id !== customerId) throw noSuch('site of this customer', 'site_id');
}

/** The row of a new contact. */
export function newContact(
  deps: CrmDeps,
  tenantId: string,
  given: Omit<Create, 'customer_id'> & { customer_id: string; source?: string; external_id?: string },
): NewContactRow {
  const input = stored(given);
  const now = deps.clock.now().toISOString();
  const row = {
    tenant_id: tenantId,
    id: deps.ids.uuid(),
    customer_id: input.customer_id,
    site_id: input.site_id ?? null,
    name: input.name,
    email: input.email ?? null,
    phone: input.phone ?? null,
    position: input.position ?? null,
    is_primary: input.is_primary ?? false,
    notes: input.notes ?? null,
    source: input.source ?? null,
    external_id: input.external_id ?? null,
    created_at: now,
    updated_at: now,
  };
  return { ...row, ...contactKeys(row) };
}

/** Adds a contact. A portal user adds to its own company, and may leave `customer_id` out. */
export async function createContact(
  deps: CrmDeps,
  tx: Tx,
  ctx: RequestContext,
  input: Create,
): Promise<ContactRow> {
  mustMayWrite(ctx, input);
  const tenantId = ctx.scope.tenant_id;
  const customerId = input.customer_id ?? ctx.scope.customer_id;
  if (!customerId) throw invalid({ field: 'customer_id', code: 'required', message: 'is required' });
  // The stronger lock where other contacts change too: at most one is the main contact.
  const customer = await lockCustomer(tx, tenantId, customerId, input.is_primary ? 'no key update' : 'share');
  if (!customer) throw noSuch('customer', 'customer_id');
  await checkSite(tx, tenantId, customerId, input.site_id);
  const row = newContact(deps, tenantId, { ...input, customer_id: customerId });
  const demoted = input.is_primary
    ? await demotePrimary(tx, tenantId, customerId, row.id, deps.clock.now())
    : [];
  const [contact] = await insertContacts(tx, [row]);
  await emit(deps, tx, ctx, [
    ...demoted.map((other) => contactEvent('contact.updated.v1', other)),
    contactEvent('contact.created.v1', contact!),
  ]);
  return contact!;
}

export async function changeContact(
  deps: CrmDeps,
  tx: Tx,
  ctx: RequestContext,
  id: string,
  patch: Static<typeof UpdateContactRequest>,
  check: (row: ContactRow) => void,
): Promise<ContactRow> {
  mustMayWrite(ctx, patch);
  const tenantId = ctx.scope.tenant_id;
  const now = deps.clock.now();
  const seen = await findContact(tx, tenantId, id);
  if (!seen) throw notFound('contact');
  if (patch.is_primary || patch.site_id) {
    await lockCustomer(tx, tenantId, seen.customer_id, patch.is_primary ? 'no key update' : 'share');
    await checkSite(tx, tenantId, seen.customer_id, patch.site_id);
  }
  const row = await lockContact(tx, tenantId, id);
  if (!row) throw notFound('contact');
  check(row);
  const changes = changesOf(row, stored(patch));
  if (Object.keys(changes).length === 0) return row;
  const demoted = changes.is_primary ? await demotePrimary(tx, tenantId, row.customer_id, row.id, now) : [];
  // Who has another address is not the user of the old one any more; auth tells whose the new one is.
  const unlinked = changes.email === undefined ? {} : { user_id: null };
  const updated = await updateContact(tx, row, { ...changes, ...unlinked }, now);
  await emit(deps, tx, ctx, [
    ...demoted.map((other) => contactEvent('contact.updated.v1', other)),
    contactEvent('contact.updated.v1', updated),
  ]);
  return updated;
}

export async function deleteContact(
  deps: CrmDeps,
  tx: Tx,
  ctx: RequestContext,
  id: string,
  check: (row: ContactRow) => void,
): Promise<void> {
  const now = deps.clock.now();
  const row = await lockContact(tx, ctx.scope.tenant_id, id);
  if (!row) throw notFound('contact');
  check(row);
  const deleted = await updateContact(tx, row, { deleted_at: now.toISOString() }, now);
  await emit(deps, tx, ctx, [contactEvent('contact.deleted.v1', deleted)]);
}

/** Contacts by their name in another system: unknown ones are created, known ones left as they are. */
export async function importContacts(
  deps: CrmDeps,
  tx: Tx,
  ctx: RequestContext,
  request: Static<typeof ImportContactsRequest>,
): Promise<{ external_id: string; id: string; created: boolean }[]> {
  const tenantId = ctx.scope.tenant_id;
  const wanted = new Map(request.contacts.map((item) => [item.external_id, item]));
  const customers = await customersByIds(
    tx,
    tenantId,
    request.contacts.map((item) => item.customer_id),
  );
  const real = new Set(customers.map((customer) => customer.id));
  const problems = request.contacts.flatMap((item, i): ErrorDetail[] =>
    real.has(item.customer_id)
      ? []
      : [{ field: `contacts[${i}].customer_id`, code: 'not_found', message: 'names no customer' }],
  );
  if (problems.length > 0) throw invalid(...problems);
  const known = await contactsByExternalIds(tx, tenantId, request.source, [...wanted.keys()]);
  const ids = new Map(known.map((row) => [row.external_id!, row.id]));
  const missing = [...wanted.values()]
    .filter((item) => !ids.has(item.external_id))
    // One order for all, so that two imports of the same people wait for each other instead of deadlocking.
    .sort((a, b) => (a.external_id < b.external_id ? -1 : 1));
  for (const customerId of [...new Set(missing.map((item) => item.customer_id))].sort()) {
    if (!(await lockCustomer(tx, tenantId, customerId, 'share'))) throw noSuch('customer', 'contacts');
  }
  const created = await insertContacts(
    tx,
    missing.map((item) => newContact(deps, tenantId, { ...item, source: request.source })),
  );
  await emit(
    deps,
    tx,
    ctx,
    created.map((row) => contactEvent('contact.created.v1', row)),
  );
  const fresh = new Set(created.map((row) => row.external_id!));
  for (const row of created) ids.set(row.external_id!, row.id);
  const rest = missing.map((item) => item.external_id).filter((externalId) => !ids.has(externalId));
  if (rest.length > 0) {
    for (const row of await contactsByExternalIds(tx, tenantId, request.source, rest)) {
      ids.set(row.external_id!, row.id);
    }
  }
  return request.contacts.map(({ external_id }) => ({
    external_id,
    id: ids.get(external_id)!,
    created: fresh.delete(external_id),
  }));
}
