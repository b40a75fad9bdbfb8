import { IdParams, Many, One } from '@psa/contracts/common';
import {
  CreateSiteRequest,
  ListSitesQuery,
  OneQuery,
  Site,
  SiteView,
  UpdateSiteRequest,
} from '@psa/contracts/crm';
import { type App, contextOf } from '@psa/service-kit/app';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { notFound } from '@psa/service-kit/errors';
import { type ListRequest, listResponse, parseList } from '@psa/service-kit/list';
import { checkIfMatch, etag, write } from '@psa/service-kit/write';
import Type from 'typebox';
import { toCustomer } from '../customers/domain.ts';
import { customersByIds } from '../customers/repository.ts';
import type { SiteRow } from '../db/schema.ts';
import { type CrmDeps, isPortal } from '../shared/emit.ts';
import { thin } from '../shared/thin.ts';
import { toSite } from './domain.ts';
import { findSite, listSites, SITE_LIST } from './repository.ts';
import { changeSite, createSite, deleteSite } from './service.ts';

const path = '/api/v1/sites';

export function siteRoutes(app: App, deps: CrmDeps): void {
  app.get(
    path,
    {
      config: { permission: 'customer:view' },
      schema: {
        operationId: 'listSites',
        summary: 'List sites',
        querystring: ListSitesQuery,
        response: { 200: Many(Type.Partial(SiteView)) },
      },
    },
    async (request) => {
      const ctx = contextOf(request);
      const list = parseList(request.query, SITE_LIST);
      return deps.db.read(ctx.scope, async (tx) => {
        const result = await listSites(tx, ctx.scope.tenant_id, list, request.query);
        return listResponse(list, result, await withIncludes(tx, ctx, list, result.rows), request.url);
      });
    },
  );

  app.post(
    path,
    {
      config: { permission: 'customer:update' },
      schema: {
        operationId: 'createSite',
        summary: 'Add a site to a customer',
        body: CreateSiteRequest,
        response: { 201: One(Site) },
      },
    },
    async (request, reply) =>
      write(deps.db, request, reply, async (tx, ctx) => {
        const row = await createSite(tx, ctx, deps, request.body);
        return {
          status: 201,
          body: { data: toSite(row) },
          headers: { location: `${path}/${row.id}`, etag: etag(row.version) },
        };
      }),
  );

  app.get(
    `${path}/:id`,
    {
      config: { permission: 'customer:view' },
      schema: {
        operationId: 'getSite',
        summary: 'Get a site',
        params: IdParams,
        querystring: OneQuery,
        response: { 200: One(Type.Partial(SiteView)) },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(request);
      const wanted = parseList(request.query, SITE_LIST);
      return deps.db.read(ctx.scope, async (tx) => {
        const row = await findSite(tx, ctx.scope.tenant_id, request.params.id);
        if (!row) throw notFound('site');
        reply.header('etag', etag(row.version));
        const [view] = await withIncludes(tx, ctx, wanted, [row]);
        return { data: thin(view!, wanted) };
      });
    },
  );

  app.patch(
    `${path}/:id`,
    {
      config: { permission: 'customer:update' },
      schema: {
        operationId: 'updateSite',
        summary: 'Change a site',
        params: IdParams,
        body: UpdateSiteRequest,
        response: { 200: One(Site) },
      },
    },
    async (request, reply) =>
      write(deps.db, request, reply, async (tx, ctx) => {
        const row = await changeSite(tx, ctx, deps, request.params.id, request.body, (found) =>
          checkIfMatch(request, found.version),
        );
        return { status: 200, body: { data: toSite(row) }, headers: { etag: etag(row.version) } };
      }),
  );

  app.delete(
    `${path}/:id`,
    {
      config: { permission: 'customer:update' },
      schema: {
        operationId: 'deleteSite',
        summary: 'Delete a site; its contacts stay',
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) =>
      write(deps.db, request, reply, async (tx, ctx) => {
        await deleteSite(tx, ctx, deps, request.params.id, (found) => checkIfMatch(request, found.version));
        return { status: 204 };
      }),
  );
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
