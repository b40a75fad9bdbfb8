import { One } from '@psa/contracts/common';
import {
  CreateCustomerRequest,
  Customer,
  CustomerTag,
  CustomerView,
  ImportCustomersRequest,
  ImportCustomersResponse,
  ListCustomersQuery,
  OneQuery,
  UpdateCustomerRequest,
} from '@psa/contracts/crm';
import { type App, contextOf } from '@psa/service-kit/app';
import { isPortal, type RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import type { ListRequest } from '@psa/service-kit/list';
import { resourceRoutes } from '@psa/service-kit/resource-routes';
import { write } from '@psa/service-kit/write';
import Type from 'typebox';
import { toContact } from '../contacts/domain.ts';
import { contactsOf } from '../contacts/repository.ts';
import type { CustomerRow } from '../db/schema.ts';
import type { CrmDeps } from '../deps.ts';
import { takeCustomerNumbers } from '../shared/counters.ts';
import { toSite } from '../sites/domain.ts';
import { sitesOf } from '../sites/repository.ts';
import { toCustomer } from './domain.ts';
import { mustMayFilter } from './policy.ts';
import { mustReferToSomething } from './references.ts';
import { CUSTOMER_LIST, countTags, findCustomer, listCustomers } from './repository.ts';
import {
  changeCustomer,
  createCustomer,
  deleteCustomer,
  importCustomers,
  numbersForImport,
} from './service.ts';

export function customerRoutes(app: App, deps: CrmDeps): void {
  resourceRoutes(app, deps, {
    path: 'customers',
    noun: 'customer',
    names: ['Customer', 'Customers'],
    permissions: {
      view: 'customer:view',
      create: 'customer:create',
      update: 'customer:update',
      remove: 'customer:delete',
    },
    schemas: {
      one: Customer,
      shown: CustomerView,
      create: CreateCustomerRequest,
      update: UpdateCustomerRequest,
      listQuery: ListCustomersQuery,
      oneQuery: OneQuery,
    },
    texts: {
      list: {
        summary: 'List customers',
        description:
          '`search` finds words in name, e-mail, number and external id; case and accents do not matter.',
      },
      remove: { summary: 'Delete a customer with its sites and contacts' },
    },
    list: CUSTOMER_LIST,
    view: (row, ctx) => toCustomer(row, isPortal(ctx)),
    include: withIncludes,
    async select(tx, ctx, list, query) {
      mustMayFilter(ctx, query);
      return listCustomers(tx, ctx.scope.tenant_id, list, query);
    },
    find: (tx, ctx, id) => findCustomer(tx, ctx.scope.tenant_id, id),
    refer: (ctx, body, id) => mustReferToSomething(deps, ctx, body, id),
    before: (ctx) => takeCustomerNumbers(deps.db, ctx.scope.tenant_id, 1),
    create: (tx, ctx, body, number) => createCustomer(deps, tx, ctx, number, body),
    update: (tx, ctx, id, body, check) => changeCustomer(deps, tx, ctx, id, body, check),
    remove: (tx, ctx, id, check) => deleteCustomer(deps, tx, ctx, id, check),
  });

  app.post(
    '/api/v1/customers/import',
    {
      config: { permission: ['customer:import', 'ticket:import'] },
      schema: {
        operationId: 'importCustomers',
        summary: 'Take over customers of another system by their ids there',
        description: 'Sent again, it returns the same customers and creates nothing.',
        body: ImportCustomersRequest,
        response: { 200: One(ImportCustomersResponse) },
      },
    },
    async (request, reply) => {
      const numbers = await numbersForImport(deps, contextOf(request), request.body);
      return write(deps.db, request, reply, async (tx, ctx) => ({
        status: 200,
        body: { data: { customers: await importCustomers(deps, tx, ctx, numbers, request.body) } },
      }));
    },
  );

  app.get(
    '/api/v1/customer-tags',
    {
      config: { permission: 'customer:view' },
      schema: {
        operationId: 'listCustomerTags',
        summary: 'Tags of customers and how often each is used',
        response: { 200: Type.Object({ data: Type.Array(CustomerTag) }) },
      },
    },
    async (request) => {
      const ctx = contextOf(request);
      if (isPortal(ctx)) return { data: [] };
      return { data: await deps.db.read(ctx.scope, (tx) => countTags(tx, ctx.scope.tenant_id)) };
    },
  );
}

/** Customers as views, with sites and contacts where they were asked for. */
async function withIncludes(tx: Tx, ctx: RequestContext, list: ListRequest, rows: readonly CustomerRow[]) {
  const portal = isPortal(ctx);
  const ids = rows.map((row) => row.id);
  const [sites, contacts] = await Promise.all([
    list.include.has('sites') ? sitesOf(tx, ctx.scope.tenant_id, ids) : null,
    list.include.has('contacts') ? contactsOf(tx, ctx.scope.tenant_id, ids) : null,
  ]);
  const sitesBy = sites && Map.groupBy(sites, (site) => site.customer_id);
  const contactsBy = contacts && Map.groupBy(contacts, (contact) => contact.customer_id);
  return rows.map((row) => ({
    ...toCustomer(row, portal),
    ...(sitesBy ? { sites: (sitesBy.get(row.id) ?? []).map(toSite) } : {}),
    ...(contactsBy
      ? { contacts: (contactsBy.get(row.id) ?? []).map((contact) => toContact(contact, portal)) }
      : {}),
  }));
}
