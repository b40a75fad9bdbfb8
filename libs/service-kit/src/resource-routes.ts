import { Closed, IdParams, listQuery, Many, One } from '@psa/contracts/common';
import type { Permission } from '@psa/contracts/permissions';
import Type, { type Static, type TSchema } from 'typebox';
import { type App, contextOf } from './app.ts';
import type { RequestContext } from './context.ts';
import type { Database, Tx } from './database.ts';
import { notFound } from './errors.ts';
import {
  type ListParams,
  type ListRequest,
  type ListResult,
  type ListSpec,
  listResponse,
  parseList,
  thin,
} from './list.ts';
import { checkIfMatch, etag, write } from './write.ts';

/** What every stored thing has. */
export interface Versioned {
  readonly id: string;
  readonly version: number;
}

/** The schema of an object, whatever its fields. */
export type ObjectSchema = TSchema & { readonly properties: Readonly<Record<string, TSchema>> };

/** What requests and answers of a resource look like. */
export interface ResourceSchemas {
  /** One of them, as writes answer with it. */
  readonly one: ObjectSchema;
  /** As reads may show it, with what `include` adds. Default `one`. */
  readonly shown?: ObjectSchema;
  readonly create: TSchema;
  readonly update: TSchema;
  /** Filters of the list; default those that every list has. */
  readonly listQuery?: TSchema;
  /** Query of the single read, where `fields` and `include` count there too. */
  readonly oneQuery?: TSchema;
}

/** The list's query: filters as the schema has them. */
type ListQueryOf<S extends ResourceSchemas> = S['listQuery'] extends TSchema
  ? Static<S['listQuery']>
  : ListParams;

/**
 * Things of one kind with their five routes: list, get, create, update, delete. Here stands what HTTP wants of each;
 * the work is the resource's own, or that of `tableResource` where it is a plain table.
 */
export interface Resource<Row extends Versioned, S extends ResourceSchemas, Before = undefined> {
  /** `sites`: `/api/v1/sites` and `/api/v1/sites/:id`. */
  readonly path: string;
  /** As messages call one. */
  readonly noun: string;
  /** `['Site', 'Sites']`, for operation ids. */
  readonly names: readonly [one: string, many: string];
  readonly tags?: readonly string[];
  readonly permissions: {
    readonly view: Permission;
    readonly create: Permission;
    readonly update: Permission;
    readonly remove: Permission;
  };
  readonly schemas: S;
  /** Texts for the API's documentation that say more than the general ones. */
  readonly texts?: Partial<
    Record<'list' | 'get' | 'create' | 'update' | 'remove', { summary: string; description?: string }>
  >;
  /** `fields` follow from the schema. */
  readonly list: Omit<ListSpec, 'fields'>;
  /** One as the asker may see it. */
  view(row: Row, ctx: RequestContext): Static<S['one']>;
  /** Rows of a list as views with what `include` asks for; default: `view` of each. */
  include?(tx: Tx, ctx: RequestContext, list: ListRequest, rows: readonly Row[]): Promise<{ id: string }[]>;
  select(tx: Tx, ctx: RequestContext, list: ListRequest, query: ListQueryOf<S>): Promise<ListResult<Row>>;
  find(tx: Tx, ctx: RequestContext, id: string): Promise<Row | null | undefined>;
  /**
   * Before the transaction of a create (`id` null) or an update: that what the body names in other services exists
   * (`references.ts`).
   */
  refer?(
    ctx: RequestContext,
    body: Static<S['create']> | Static<S['update']>,
    id: string | null,
  ): Promise<void>;
  /** Before the transaction of a create begins: what needs one of its own (a number), or takes long (a hash). */
  before?(ctx: RequestContext, body: Static<S['create']>): Promise<Before>;
  create(tx: Tx, ctx: RequestContext, body: Static<S['create']>, before: Before): Promise<Row>;
  /** `check` takes the locked row, and throws when the caller meant another version. */
  update(
    tx: Tx,
    ctx: RequestContext,
    id: string,
    body: Static<S['update']>,
    check: (row: { version: number }) => void,
  ): Promise<Row>;
  remove(tx: Tx, ctx: RequestContext, id: string, check: (row: { version: number }) => void): Promise<void>;
  /** Around each create and update, such as looking up what they refer to and trying again. */
  around?<T>(ctx: RequestContext, work: () => Promise<T>): Promise<T>;
}

/** What a list of this resource can be sorted by and thinned to. */
export const listSpecOf = (resource: {
  list: Omit<ListSpec, 'fields'>;
  schemas: Pick<ResourceSchemas, 'one'>;
}): ListSpec => ({ ...resource.list, fields: Object.keys(resource.schemas.one.properties) });

/** Registers list, get, create, update and delete of a resource. */
export function resourceRoutes<Row extends Versioned, S extends ResourceSchemas, Before>(
  app: App,
  deps: { readonly db: Database },
  resource: Resource<Row, S, Before>,
): void {
  const { db } = deps;
  const { schemas, permissions, noun } = resource;
  const [one, many] = resource.names;
  const aNoun = `${/^([aeiou]|sla\b)/i.test(noun) ? 'an' : 'a'} ${noun}`;
  const url = `/api/v1/${resource.path}`;
  const spec = listSpecOf(resource);
  const shown = Type.Partial(schemas.shown ?? schemas.one);
  const around: NonNullable<typeof resource.around> = (ctx, work) =>
    resource.around ? resource.around(ctx, work) : work();
  const views = async (tx: Tx, ctx: RequestContext, list: ListRequest, rows: readonly Row[]) =>
    resource.include
      ? resource.include(tx, ctx, list, rows)
      : rows.map((row) => resource.view(row, ctx) as { id: string });
  const about = (kind: 'list' | 'get' | 'create' | 'update' | 'remove', summary: string, name: string) => ({
    operationId: name,
    summary,
    ...(resource.tags && { tags: [...resource.tags] }),
    ...resource.texts?.[kind],
  });

  app.get(
    url,
    {
      config: { permission: permissions.view, list: spec },
      schema: {
        ...about('list', `List ${resource.path.replaceAll('-', ' ')}`, `list${many}`),
        querystring: schemas.listQuery ?? Closed(listQuery),
        response: { 200: Many(shown) },
      },
    },
    async (request) => {
      const ctx = contextOf(request);
      const query = request.query as ListQueryOf<S>;
      const list = parseList(query as ListParams, spec);
      return db.read(ctx.scope, async (tx) => {
        const result = await resource.select(tx, ctx, list, query);
        return listResponse(list, result, await views(tx, ctx, list, result.rows), request.url);
      });
    },
  );

  app.get(
    `${url}/:id`,
    {
      config: { permission: permissions.view },
      schema: {
        ...about('get', `Get ${aNoun}`, `get${one}`),
        params: IdParams,
        ...(schemas.oneQuery && { querystring: schemas.oneQuery }),
        response: { 200: One(schemas.oneQuery ? shown : schemas.one) },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(request);
      const wanted = parseList(schemas.oneQuery ? (request.query as ListParams) : {}, spec);
      return db.read(ctx.scope, async (tx) => {
        const row = await resource.find(tx, ctx, request.params.id);
        if (!row) throw notFound(noun);
        reply.header('etag', etag(row.version));
        const [view] = await views(tx, ctx, wanted, [row]);
        return { data: thin(view!, wanted) };
      });
    },
  );

  app.post(
    url,
    {
      config: { permission: permissions.create },
      schema: {
        ...about('create', `Create ${aNoun}`, `create${one}`),
        body: schemas.create,
        response: { 201: One(schemas.one) },
      },
    },
    async (request, reply) => {
      const body = request.body as Static<S['create']>;
      await resource.refer?.(contextOf(request), body, null);
      const before = (await resource.before?.(contextOf(request), body)) as Before;
      return around(contextOf(request), () =>
        write(db, request, reply, async (tx, ctx) => {
          const row = await resource.create(tx, ctx, body, before);
          return {
            status: 201,
            body: { data: resource.view(row, ctx) },
            headers: { location: `${url}/${row.id}`, etag: etag(row.version) },
          };
        }),
      );
    },
  );

  app.patch(
    `${url}/:id`,
    {
      config: { permission: permissions.update },
      schema: {
        ...about('update', `Change ${aNoun}`, `update${one}`),
        params: IdParams,
        body: schemas.update,
        response: { 200: One(schemas.one) },
      },
    },
    async (request, reply) => {
      await resource.refer?.(contextOf(request), request.body as Static<S['update']>, request.params.id);
      return around(contextOf(request), () =>
        write(db, request, reply, async (tx, ctx) => {
          const { id } = request.params;
          const row = await resource.update(tx, ctx, id, request.body as Static<S['update']>, (found) =>
            checkIfMatch(request, found.version),
          );
          return {
            status: 200,
            body: { data: resource.view(row, ctx) },
            headers: { etag: etag(row.version) },
          };
        }),
      );
    },
  );

  app.delete(
    `${url}/:id`,
    {
      config: { permission: permissions.remove },
      schema: {
        ...about('remove', `Delete ${aNoun}`, `delete${one}`),
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) =>
      write(db, request, reply, async (tx, ctx) => {
        await resource.remove(tx, ctx, request.params.id, (found) => checkIfMatch(request, found.version));
        return { status: 204 };
      }),
  );
}
