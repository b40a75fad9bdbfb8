import {
  CreateSiteRequest,
  ListSitesQuery,
  OneQuery,
  Site,
  SiteView,
  UpdateSiteRequest,
} from '@psa/contracts/crm';
import type { App } from '@psa/service-kit/app';
import { isPortal, type RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import type { ListRequest } from '@psa/service-kit/list';
import { resourceRoutes } from '@psa/service-kit/resource-routes';
import { toCustomer } from '../customers/domain.ts';
import { customersByIds } from '../customers/repository.ts';
import type { SiteRow } from '../db/schema.ts';
import type { CrmDeps } from '../deps.ts';
import { toSite } from './domain.ts';
import { findSite, listSites, SITE_LIST } from './repository.ts';
import { changeSite, createSite, deleteSite } from './service.ts';

export function siteRoutes(app: App, deps: CrmDeps): void {
  resourceRoutes(app, deps, {
    path: 'sites',
    noun: 'site',
    names: ['Site', 'Sites'],
    permissions: {
      view: 'customer:view',
      create: 'customer:update',
      update: 'customer:update',
      remove: 'customer:update',
    },
    schemas: {
      one: Site,
      shown: SiteView,
      create: CreateSiteRequest,
      update: UpdateSiteRequest,
      listQuery: ListSitesQuery,
      oneQuery: OneQuery,
    },
    texts: {
      create: { summary: 'Add a site to a customer' },
      remove: { summary: 'Delete a site; its contacts stay' },
    },
    list: SITE_LIST,
    view: toSite,
    include: withIncludes,
    select: (tx, ctx, list, query) => listSites(tx, ctx.scope.tenant_id, list, query),
    find: (tx, ctx, id) => findSite(tx, ctx.scope.tenant_id, id),
    create: (tx, ctx, body) => createSite(deps, tx, ctx, body),
    update: (tx, ctx, id, body, check) => changeSite(deps, tx, ctx, id, body, check),
    remove: (tx, ctx, id, check) => deleteSite(deps, tx, ctx, id, check),
  });
}

async function withIncludes(tx: Tx, ctx: RequestContext, list: ListRequest, rows: readonly SiteRow[]) {
  if (!list.include.has('customer')) return rows.map(toSite);
  const customers = await customersByIds(
    tx,
    ctx.scope.tenant_id,
    rows.map((row) => row.customer_id),
  );
  const byId = new Map(customers.map((customer) => [customer.id, toCustomer(customer, isPortal(ctx))]));
  return rows.map((row) => ({ ...toSite(row), customer: byId.get(row.customer_id) }));
}
