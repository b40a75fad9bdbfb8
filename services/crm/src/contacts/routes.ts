import { One } from '@psa/contracts/common';
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
import type { App } from '@psa/service-kit/app';
import { isPortal, type RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import type { ListRequest } from '@psa/service-kit/list';
import { resourceRoutes } from '@psa/service-kit/resource-routes';
import { write } from '@psa/service-kit/write';
import { toCustomer } from '../customers/domain.ts';
import { customersByIds } from '../customers/repository.ts';
import type { ContactRow } from '../db/schema.ts';
import type { CrmDeps } from '../deps.ts';
import { toSite } from '../sites/domain.ts';
import { sitesByIds } from '../sites/repository.ts';
import { toContact } from './domain.ts';
import { CONTACT_LIST, findContact, listContacts } from './repository.ts';
import { changeContact, createContact, deleteContact, importContacts } from './service.ts';

export function contactRoutes(app: App, deps: CrmDeps): void {
  resourceRoutes(app, deps, {
    path: 'contacts',
    noun: 'contact',
    names: ['Contact', 'Contacts'],
    permissions: {
      view: 'contact:view',
      create: 'contact:create',
      update: 'contact:update',
      remove: 'contact:delete',
    },
    schemas: {
      one: Contact,
      shown: ContactView,
      create: CreateContactRequest,
      update: UpdateContactRequest,
      listQuery: ListContactsQuery,
      oneQuery: OneQuery,
    },
    texts: {
      create: {
        summary: 'Add a contact to a customer',
        description: 'A main contact takes that mark from the one before.',
      },
    },
    list: CONTACT_LIST,
    view: (row, ctx) => toContact(row, isPortal(ctx)),
    include: withIncludes,
    select: (tx, ctx, list, query) => listContacts(tx, ctx.scope.tenant_id, list, query),
    find: (tx, ctx, id) => findContact(tx, ctx.scope.tenant_id, id),
    create: (tx, ctx, body) => createContact(deps, tx, ctx, body),
    update: (tx, ctx, id, body, check) => changeContact(deps, tx, ctx, id, body, check),
    remove: (tx, ctx, id, check) => deleteContact(deps, tx, ctx, id, check),
  });

  app.post(
    '/api/v1/contacts/import',
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
        body: { data: { contacts: await importContacts(deps, tx, ctx, request.body) } },
      })),
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
