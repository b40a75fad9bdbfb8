import { IdParams, Many, One } from '@psa/contracts/common';
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
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { forbidden, notFound } from '@psa/service-kit/errors';
import { type ListRequest, listResponse, parseList } from '@psa/service-kit/list';
import { checkIfMatch, etag, write } from '@psa/service-kit/write';
import Type from 'typebox';
import { toContact } from '../contacts/domain.ts';
import { contactsOf } from '../contacts/repository.ts';
import type { CustomerRow } from '../db/schema.ts';
import { takeCustomerNumbers } from '../shared/counters.ts';
import { type CrmDeps, isPortal } from '../shared/emit.ts';
import { thin } from '../shared/thin.ts';
import { toSite } from '../sites/domain.ts';
import { sitesOf } from '../sites/repository.ts';
import { toCustomer } from './domain.ts';
import { CUSTOMER_LIST, countTags, findCustomer, listCustomers } from './repository.ts';
import {
  changeCustomer,
  createCustomer,
  deleteCustomer,
  importCustomers,
  numbersForImport,
} from './service.ts';

const path = '/api/v1/customers';

export function customerRoutes(app: App, deps: CrmDeps): void {
  app.get(
    path,
    {
      config: { permission: 'customer:view' },
      schema: {
        operationId: 'listCustomers',
        summary: 'List customers',
        description:
          '`search` finds words in name, e-mail, number and external id; case and accents do not matter.',
        querystring: ListCustomersQuery,
        response: { 200: Many(Type.Partial(CustomerView)) },
      },
    },
    async (request) => {
      const ctx = contextOf(request);
      // What a company is tagged with is not for its own eyes, not even by asking.
      if (
        isPortal(ctx) &&
        (request.query.tag ?? request.query.preferred_technician_id ?? request.query.external_id)
      )
        throw forbidden('Only staff may filter by this.');
      const list = parseList(request.query, CUSTOMER_LIST);
      return deps.db.read(ctx.scope, async (tx) => {
        const result = await listCustomers(tx, ctx.scope.tenant_id, list, request.query);
        return listResponse(list, result, await withIncludes(tx, ctx, list, result.rows), request.url);
      });
    },
  );

  app.post(
    path,
    {
      config: { permission: 'customer:create' },
      schema: {
        operationId: 'createCustomer',
        summary: 'Create a customer',
        body: CreateCustomerRequest,
        response: { 201: One(Customer) },
      },
    },
    async (request, reply) => {
      const number = await takeCustomerNumbers(deps.db, contextOf(request).scope.tenant_id, 1);
      return write(deps.db, request, reply, async (tx, ctx) => {
        const row = await createCustomer(tx, ctx, deps, number, request.body);
        return {
          status: 201,
          body: { data: toCustomer(row, isPortal(ctx)) },
          headers: { location: `${path}/${row.id}`, etag: etag(row.version) },
        };
      });
    },
  );

  app.post(
    `${path}/import`,
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
        body: { data: { customers: await importCustomers(tx, ctx, deps, numbers, request.body) } },
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

  app.get(
    `${path}/:id`,
    {
      config: { permission: 'customer:view' },
      schema: {
        operationId: 'getCustomer',
        summary: 'Get a customer',
        params: IdParams,
        querystring: OneQuery,
        response: { 200: One(Type.Partial(CustomerView)) },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(request);
      const wanted = parseList(request.query, CUSTOMER_LIST);
      return deps.db.read(ctx.scope, async (tx) => {
        const row = await findCustomer(tx, ctx.scope.tenant_id, request.params.id);
        if (!row) throw notFound('customer');
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
        operationId: 'updateCustomer',
        summary: 'Change a customer',
        params: IdParams,
        body: UpdateCustomerRequest,
        response: { 200: One(Customer) },
      },
    },
    async (request, reply) =>
      write(deps.db, request, reply, async (tx, ctx) => {
        const row = await changeCustomer(tx, ctx, deps, request.params.id, request.body, (found) =>
          checkIfMatch(request, found.version),
        );
        return {
          status: 200,
          body: { data: toCustomer(row, isPortal(ctx)) },
          headers: { etag: etag(row.version) },
        };
      }),
  );

  app.delete(
    `${path}/:id`,
    {
      config: { permission: 'customer:delete' },
      schema: {
        operationId: 'deleteCustomer',
        summary: 'Delete a customer with its sites and contacts',
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) =>
      write(deps.db, request, reply, async (tx, ctx) => {
        await deleteCustomer(tx, ctx, deps, request.params.id, (found) =>
          checkIfMatch(request, found.version),
        );
        return { status: 204 };
      }),
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
