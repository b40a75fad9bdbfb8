import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { emit } from '@psa/service-kit/outbox';
import type { CrmDeps } from '../../deps.ts';
import { siteEvent } from '../../sites/domain.ts';
import { newSite } from '../../sites/service.ts';
import { CHUNK, type Importer, planEachCheck } from '../import.ts';
import { customersNamed, noCustomerColumn } from '../of-customer.ts';
import { planSites, type SiteDecision, siteOutcome } from './plan.ts';
import { changedSite, insertManySites, sitesOfCustomers, updateSites } from './repository.ts';
import { type SiteLine, siteLine } from './rows.ts';

/** Places of customers as they come in. */
export const siteImporter: Importer<SiteLine, SiteDecision, null> = {
  kind: 'sites',
  lineOf: siteLine,
  unusable: (has, options) =>
    has('name', 'street', 'postal_code', 'city')
      ? noCustomerColumn(has, options)
      : { field: 'header', code: 'no_name_column', message: 'there is no column "name"' },
  async plan(tx, tenantId, rows, lock, options) {
    // The customers first, as everybody who touches several rows of one does: no deadlocks.
    const customers = await customersNamed(tx, tenantId, rows, lock, options);
    const ids = customers.map((customer) => customer.id);
    return planSites(rows, { customers, sites: await sitesOfCustomers(tx, tenantId, ids, lock) }, options);
  },
  prepare: async () => null,
  apply: applySites,
  outcomeOf: siteOutcome,
};

async function applySites(
  deps: CrmDeps,
  tx: Tx,
  ctx: RequestContext,
  plan: readonly SiteDecision[],
): Promise<SiteDecision[]> {
  await planEachCheck(tx);
  for (let at = 0; at < plan.length; at += CHUNK) {
    const chunk = plan.slice(at, at + CHUNK);
    const created = await insertManySites(
      tx,
      chunk.flatMap((decision) => {
        if (decision.kind !== 'create') return [];
        const { row, customer } = decision;
        return newSite(deps, ctx.scope.tenant_id, {
          ...row.values,
          name: row.name,
          customer_id: customer.id,
        });
      }),
    );
    const updated = await updateSites(
      tx,
      chunk.flatMap((decision) =>
        decision.kind === 'update' ? changedSite(decision.site, decision.changes) : [],
      ),
      deps.clock.now(),
    );
    await emit(deps, tx, ctx, [
      ...created.map((row) => siteEvent('site.created.v1', row)),
      ...updated.map((row) => siteEvent('site.updated.v1', row)),
    ]);
  }
  return [...plan];
}
