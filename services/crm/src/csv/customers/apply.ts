import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { emit } from '@psa/service-kit/outbox';
import { customerEvent, customerKeys } from '../../customers/domain.ts';
import { insertCustomers } from '../../customers/repository.ts';
import { newCustomer } from '../../customers/service.ts';
import type { CustomerRow, NewSiteRow, SiteRow } from '../../db/schema.ts';
import type { CrmDeps } from '../../deps.ts';
import { takeCustomerNumbers } from '../../shared/counters.ts';
import { siteEvent } from '../../sites/domain.ts';
import { newSite } from '../../sites/service.ts';
import { CHUNK, type Importer, late, planEachCheck } from '../import.ts';
import { CSV_SOURCE } from '../match.ts';
import { changedSite, insertManySites, nameOfPlace, updateSites } from '../sites/repository.ts';
import { customerOutcome, type Decision, planImport, type SiteDecision } from './plan.ts';
import { matchingCustomers, updateCustomers } from './repository.ts';
import { type CustomerLine, customerLine } from './rows.ts';

/** Customer numbers that were taken for the run. */
interface Numbers {
  readonly first: number;
  readonly count: number;
}

/** Customers as they come in: with a place of theirs, where the file has addresses. */
export const customerImporter: Importer<CustomerLine, Decision, Numbers> = {
  kind: 'customers',
  lineOf: customerLine,
  unusable: (has) =>
    has('name', 'first_name', 'last_name', 'customer_number', 'external_id')
      ? null
      : { field: 'header', code: 'no_name_column', message: 'there is no column "name"' },
  plan: async (tx, tenantId, rows, lock, { confirmed }) =>
    planImport(rows, await matchingCustomers(tx, tenantId, rows, lock), confirmed),
  async prepare(deps, tenantId, foreseen) {
    const count = foreseen.filter((decision) => decision.kind === 'create').length;
    return { first: count === 0 ? 0 : await takeCustomerNumbers(deps.db, tenantId, count), count };
  },
  apply: applyCustomers,
  outcomeOf: customerOutcome,
};

/** Carries the decisions out; returns them, with refusals for those that somebody else was faster with. */
async function applyCustomers(
  deps: CrmDeps,
  tx: Tx,
  ctx: RequestContext,
  plan: readonly Decision[],
  numbers: Numbers,
): Promise<Decision[]> {
  await planEachCheck(tx);
  let taken = 0;
  const done: Decision[] = [];
  for (let at = 0; at < plan.length; at += CHUNK) {
    const chunk = plan.slice(at, at + CHUNK);
    const inserts = new Map<
      string,
      { decision: Decision & { kind: 'create' }; row: ReturnType<typeof newCustomer> }
    >();
    const updates: { customer: CustomerRow; changes: Partial<CustomerRow> }[] = [];
    const places: { customer_id: string; site: SiteDecision }[] = [];
    for (const decision of chunk) {
      if (decision.kind === 'create') {
        if (taken === numbers.count) {
          done.push(late(decision.row.line));
          continue;
        }
        const { row: line, external_id } = decision;
        const origin = external_id === null ? {} : { external_id, source: CSV_SOURCE };
        const input = { ...line.values, name: line.values.name!, ...origin };
        const row = newCustomer(deps, ctx.scope.tenant_id, numbers.first + taken++, input);
        inserts.set(row.id, { decision, row });
        continue;
      }
      if (decision.kind === 'update') {
        if (Object.keys(decision.changes).length > 0) updates.push(decision);
        if (decision.site) places.push({ customer_id: decision.customer.id, site: decision.site });
      }
      done.push(decision);
    }
    const created = await insertCustomers(
      tx,
      [...inserts.values()].map((insert) => insert.row),
    );
    const updated = await updateCustomers(
      tx,
      updates.map(({ customer, changes }) => {
        const next = { ...customer, ...changes };
        return { ...next, ...customerKeys(next) };
      }),
      deps.clock.now(),
    );
    for (const row of created) {
      const { decision } = inserts.get(row.id)!;
      done.push(decision);
      inserts.delete(row.id);
      if (decision.site) places.push({ customer_id: row.id, site: decision.site });
    }
    for (const { decision } of inserts.values()) done.push(late(decision.row.line));
    const sites = await applySites(deps, tx, ctx.scope.tenant_id, places);
    await emit(deps, tx, ctx, [
      ...created.map((row) => customerEvent('customer.created.v1', row)),
      ...updated.map((row) => customerEvent('customer.updated.v1', row)),
      ...sites.created.map((row) => siteEvent('site.created.v1', row)),
      ...sites.updated.map((row) => siteEvent('site.updated.v1', row)),
    ]);
  }
  return done;
}

/** Writes the places of customers that are locked or new. */
async function applySites(
  deps: CrmDeps,
  tx: Tx,
  tenantId: string,
  places: readonly { customer_id: string; site: SiteDecision }[],
): Promise<{ created: SiteRow[]; updated: SiteRow[] }> {
  const inserts: NewSiteRow[] = [];
  const updates: SiteRow[] = [];
  for (const { customer_id, site } of places) {
    if (site.kind === 'update') updates.push(changedSite(site.site, site.changes));
    else
      inserts.push(newSite(deps, tenantId, { customer_id, name: nameOfPlace(site.values), ...site.values }));
  }
  return {
    created: await insertManySites(tx, inserts),
    updated: await updateSites(tx, updates, deps.clock.now()),
  };
}
