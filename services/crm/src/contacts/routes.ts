import { IdParams, Many, One } from '@psa/contracts/common';
import {
  Contact,
  ContactView,
  CreateContactRequest,
  ImportContactsRequest,
  ImportContactsResponse,
  ListContactsQuery,
  OneQuery,
  UpdateContactRequest,
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
import type { ContactRow } from '../db/schema.ts';
import { type CrmDeps, isPortal } from '../shared/emit.ts';
import { thin } from '../shared/thin.ts';
import { toSite } from '../sites/domain.ts';
import { sitesByIds } from '../sites/repository.ts';
import { toContact } from './domain.ts';
import { CONTACT_LIST, findContact, listContacts } from './repository.ts';
import { changeContact, createContact, deleteContact, importContacts } from './service.ts';

const path = '/api/v1/contacts';

export function contactRoutes(app: App, deps: CrmDeps): void {
  app.get(
    path,
    {
      config: { permission: 'contact:view' },
      schema: {
        operationId: 'listContacts',
        summary: 'List contacts',
        querystring: ListContactsQuery,
        response: { 200: Many(Type.Partial(ContactView)) },
      },
    },
    async (request) => {
      const ctx = contextOf(request);
      const list = parseList(request.query, CONTACT_LIST);
      return deps.db.read(ctx.scope, async (tx) => {
        const result = await listContacts(tx, ctx.scope.tenant_id, list, request.query);
        return listResponse(list, result, await withIncludes(tx, ctx, list, result.rows), request.url);
      });
    },
  );

  app.post(
    path,
    {
      config: { permission: 'contact:create' },
      schema: {
        operationId: 'createContact',
        summary: 'Add a contact to a customer',
        description: 'A main contact takes that mark from the one before.',
        body: CreateContactRequest,
        response: { 201: One(Contact) },
      },
    },
    async (request, reply) =>
      write(deps.db, request, reply, async (tx, ctx) => {
        const row = await createContact(tx, ctx, deps, request.body);
        return {
          status: 201,
          body: { data: toContact(row, isPortal(ctx)) },
          headers: { location: `${path}/${row.id}`, etag: etag(row.version) },
        };
      }),
  );

  app.post(
    `${path}/import`,
    {
      config: { permission: ['customer:import', 'ticket:import'] },
      schema: {
        operationId: 'importContacts',
        summary: 'Take over contacts of another system by their ids there',
        description: 'Sent again, it returns the same contacts and creates nothing.',
        body: ImportContactsRequest,
        response: { 200: One(ImportContactsResponse) },
      },
    },
    async (request, reply) =>
      write(deps.db, request, reply, async (tx, ctx) => ({
        status: 200,
        body: { data: { contacts: await importContacts(tx, ctx, deps, request.body) } },
      })),
  );

  app.get(
    `${path}/:id`,
    {
      config: { permission: 'contact:view' },
      schema: {
        operationId: 'getContact',
        summary: 'Get a contact',
        params: IdParams,
        querystring: OneQuery,
        response: { 200: One(Type.Partial(ContactView)) },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(request);
      const wanted = parseList(request.query, CONTACT_LIST);
      return deps.db.read(ctx.scope, async (tx) => {
        const row = await findContact(tx, ctx.scope.tenant_id, request.params.id);
        if (!row) throw notFound('contact');
        reply.header('etag', etag(row.version));
        const [view] = await withIncludes(tx, ctx, wanted, [row]);
        return { data: thin(view!, wanted) };
      });
    },
  );

  app.patch(
    `${path}/:id`,
    {
      config: { permission: 'contact:update' },
      schema: {
        operationId: 'updateContact',
        summary: 'Change a contact',
        params: IdParams,
        body: UpdateContactRequest,
        response: { 200: One(Contact) },
      },
    },
    async (request, reply) =>
      write(deps.db, request, reply, async (tx, ctx) => {
        const row = await changeContact(tx, ctx, deps, request.params.id, request.body, (found) =>
          checkIfMatch(request, found.version),
        );
        return {
          status: 200,
          body: { data: toContact(row, isPortal(ctx)) },
          headers: { etag: etag(row.version) },
        };
      }),
  );

  app.delete(
    `${path}/:id`,
    {
      config: { permission: 'contact:delete' },
      schema: {
        operationId: 'deleteContact',
        summary: 'Delete a contact',
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) =>
      write(deps.db, request, reply, async (tx, ctx) => {
        await deleteContact(tx, ctx, deps, request.params.id, (found) =>
          checkIfMatch(request, found.version),
        );
        return { status: 204 };
      }),
  );
}

/** Contacts as views, with customer and site where they were asked for. */
async function withIncludes(tx: Tx, ctx: RequestContext, list: ListRequest, rows: readonly ContactRow[]) {
  const portal = isPortal(ctx);
  const tenantId = ctx.scope.tenant_id;
  const customerIds = rows.map((row) => row.customer_id);
  const siteIds = rows.flatMap((row) => (row.site_id ? [row.site_id] : []));
  const [customers, sites] = await Promise.all([
    list.include.has('customer') ? customersByIds(tx, tenantId, customerIds) : null,
    list.include.has('site') ? sitesByIds(tx, tenantId, siteIds) : null,
  ]);
  const customerBy = customers && new Map(customers.map((row) => [row.id, toCustomer(row, portal)]));
  const siteBy = sites && new Map(sites.map((row) => [row.id, toSite(row)]));
  return rows.map((row) => ({
    ...toContact(row, portal),
    ...(customerBy ? { customer: customerBy.get(row.customer_id) } : {}),
    ...(siteBy ? { site: siteBy.get(row.site_id ?? '') ?? null } : {}),
  }));
}
