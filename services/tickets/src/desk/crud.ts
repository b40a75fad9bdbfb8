import { Closed, IdParams, listQuery, Many, One } from '@psa/contracts/common';
import type { Permission } from '@psa/contracts/permissions';
import { type App, contextOf } from '@psa/service-kit/app';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { notFound } from '@psa/service-kit/errors';
import { fetchList, type ListParams, type ListSpec, listResponse, parseList } from '@psa/service-kit/list';
import { enqueue, envelope } from '@psa/service-kit/outbox';
import { checkIfMatch, etag, write } from '@psa/service-kit/write';
import type postgres from 'postgres';
import Type, { type TObject } from 'typebox';
import { withLookups } from '../people/lookup.ts';
import type { TicketDesk } from '../tickets/service.ts';
import { touchDesk } from './desk.ts';

type Values = Record<string, unknown>;
type Fragment = postgres.PendingQuery<postgres.Row[]>;
/** A row of any of the desk's tables: what the platform needs of each. */
export type DeskRow = { id: string; version: number } & Record<string, unknown>;

/** A setting of the desk with its five routes. */
export interface Resource {
  /** `/api/v1/<path>` */
  readonly path: string;
  readonly table: string;
  /** `sla_policy`; as events and messages call it. */
  readonly noun: string;
  /** `SlaPolicy`, `SlaPolicies`; for operation ids. */
  readonly names: readonly [one: string, many: string];
  readonly entity: TObject;
  readonly create: TObject;
  readonly update: TObject;
  /** Fields of requests that are columns, and whether they hold JSON. */
  readonly columns: Readonly<Record<string, 'plain' | 'json' | 'text[]'>>;
  readonly sortable: ListSpec['sortable'];
  readonly defaultSort: ListSpec['defaultSort'];
  readonly permissions: { readonly view: Permission; readonly manage: Permission };
  /** Further columns of the row, over the alias `r`. */
  readonly extraColumns?: string;
  view(row: DeskRow): Values & { id: string };
  /** Which rows the asker may see, beyond its tenant. */
  visible?(tx: Tx, ctx: RequestContext): Fragment;
  /** Throws when the asker may not change this row. */
  guard?(ctx: RequestContext, row: DeskRow): void;
  /** Checks and completes what is about to be written; `before` is null for a new row. */
  prepare?(tx: Tx, ctx: RequestContext, body: Values, before: DeskRow | null): Promise<Values>;
  /** Writes what stands in other tables. */
  after?(tx: Tx, ctx: RequestContext, id: string, body: Values): Promise<void>;
  /** Throws when something still needs the row. */
  beforeDelete?(tx: Tx, ctx: RequestContext, row: DeskRow): Promise<void>;
  /** False: not a setting that tickets are computed with, and of no interest to others. */
  readonly shared?: boolean;
}

/** Registers list, get, create, update and delete of a resource. */
export function deskRoutes(app: App, desk: TicketDesk, resource: Resource): void {
  const { deps } = desk;
  const { db } = deps;
  const url = `/api/v1/${resource.path}`;
  const noun = resource.noun.replaceAll('_', ' ');
  const [one, many] = resource.names;
  const tags = ['desk'];
  const spec: ListSpec = {
    sortable: resource.sortable,
    defaultSort: resource.defaultSort,
    fields: Object.keys(resource.entity.properties),
    id: { sql: 'r.id', type: 'uuid' },
  };
  const columns = (tx: Tx) =>
    tx.sql`${tx.sql.unsafe(resource.extraColumns ? `r.*, ${resource.extraColumns}` : 'r.*')}`;
  const mine = (tx: Tx, ctx: RequestContext) =>
    tx.sql`r.tenant_id = ${ctx.scope.tenant_id} and r.deleted_at is null and ${resource.visible?.(tx, ctx) ?? tx.sql`true`}`;

  async function load(tx: Tx, ctx: RequestContext, id: string, lock = false): Promise<DeskRow> {
    const { sql } = tx;
    const [row] = await sql<DeskRow[]>`
      select ${columns(tx)} from ${sql(resource.table)} r where ${mine(tx, ctx)} and r.id = ${id}
      ${lock ? sql`for update of r` : sql``}`;
    if (!row) throw notFound(noun);
    return row;
  }

  async function changed(tx: Tx, ctx: RequestContext, id: string, change: string): Promise<void> {
    if (resource.shared === false) return;
    await touchDesk(tx, ctx.scope.tenant_id);
    const event = envelope(
      ctx,
      {
        type: 'desk.changed.v1',
        aggregate: { type: resource.noun, id },
        data: { object: resource.noun, id, change },
        public: false,
      },
      deps.ids,
      deps.clock.now(),
    );
    await enqueue(tx, deps.relay, [event]);
  }

  /** The columns of a request as `name = value` pairs for postgres.js; only those that it names. */
  const stored = (values: Values) =>
    Object.entries(resource.columns).flatMap(([name, kind]) =>
      values[name] === undefined
        ? []
        : [[name, kind === 'json' ? JSON.stringify(values[name]) : values[name], kind] as const],
    );

  app.get(
    url,
    {
      config: { permission: resource.permissions.view },
      schema: {
        summary: `List ${resource.path.replaceAll('-', ' ')}`,
        operationId: `list${many}`,
        tags,
        querystring: Closed(listQuery),
        response: { 200: Many(Type.Partial(resource.entity)) },
      },
    },
    async (request) => {
      const ctx = contextOf(request);
      const list = parseList(request.query as ListParams, spec);
      return db.read(ctx.scope, async (tx) => {
        const result = await fetchList<DeskRow>(tx, {
          select: columns(tx),
          from: tx.sql`${tx.sql(resource.table)} r`,
          where: [mine(tx, ctx)],
          request: list,
        });
        return listResponse(list, result, result.rows.map(resource.view), request.url);
      });
    },
  );

  app.get(
    `${url}/:id`,
    {
      config: { permission: resource.permissions.view },
      schema: {
        summary: `One ${noun}`,
        operationId: `get${one}`,
        tags,
        params: IdParams,
        response: { 200: One(resource.entity) },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(request);
      const row = await db.read(ctx.scope, (tx) => load(tx, ctx, request.params.id));
      reply.header('etag', etag(row.version));
      return { data: resource.view(row) };
    },
  );

  app.post(
    url,
    {
      config: { permission: resource.permissions.manage },
      schema: {
        summary: `Create a ${noun}`,
        operationId: `create${one}`,
        tags,
        body: resource.create,
        response: { 201: One(resource.entity) },
      },
    },
    async (request, reply) =>
      withLookups(deps, contextOf(request), () =>
        write(db, request, reply, async (tx, ctx) => {
          const body = request.body as Values;
          const values = (await resource.prepare?.(tx, ctx, body, null)) ?? body;
          const id = deps.ids.uuid();
          const { sql } = tx;
          const pairs = stored(values);
          const names = pairs.map(([name]) => `, ${name}`).join('');
          const list = pairs.reduce<Fragment>(
            (all, [, value, kind]) => sql`${all}, ${parameter(tx, value, kind)}`,
            sql`${ctx.scope.tenant_id}, ${id}`,
          );
          await sql`insert into ${sql(resource.table)} (tenant_id, id${sql.unsafe(names)}) values (${list})`;
          await resource.after?.(tx, ctx, id, body);
          await changed(tx, ctx, id, 'created');
          const row = await load(tx, ctx, id);
          return {
            status: 201,
            body: { data: resource.view(row) },
            headers: { etag: etag(row.version), location: `${url}/${id}` },
          };
        }),
      ),
  );

  app.patch(
    `${url}/:id`,
    {
      config: { permission: resource.permissions.manage },
      schema: {
        summary: `Change a ${noun}`,
        operationId: `update${one}`,
        tags,
        params: IdParams,
        body: resource.update,
        response: { 200: One(resource.entity) },
      },
    },
    async (request, reply) =>
      withLookups(deps, contextOf(request), () =>
        write(db, request, reply, async (tx, ctx) => {
          const { id } = request.params;
          const body = request.body as Values;
          const before = await load(tx, ctx, id, true);
          checkIfMatch(request, before.version);
          resource.guard?.(ctx, before);
          const values = (await resource.prepare?.(tx, ctx, body, before)) ?? body;
          const { sql } = tx;
          const sets = stored(values).reduce<Fragment>(
            (all, [name, value, kind]) => sql`${all}, ${sql(name)} = ${parameter(tx, value, kind)}`,
            sql`version = version + 1, updated_at = ${deps.clock.now().toISOString()}`,
          );
          await sql`update ${sql(resource.table)} set ${sets} where tenant_id = ${ctx.scope.tenant_id} and id = ${id}`;
          await resource.after?.(tx, ctx, id, body);
          await changed(tx, ctx, id, 'updated');
          const row = await load(tx, ctx, id);
          return { status: 200, body: { data: resource.view(row) }, headers: { etag: etag(row.version) } };
        }),
      ),
  );

  app.delete(
    `${url}/:id`,
    {
      config: { permission: resource.permissions.manage },
      schema: {
        summary: `Delete a ${noun}`,
        operationId: `delete${one}`,
        tags,
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) =>
      write(db, request, reply, async (tx, ctx) => {
        const { id } = request.params;
        const row = await load(tx, ctx, id, true);
        checkIfMatch(request, row.version);
        resource.guard?.(ctx, row);
        await resource.beforeDelete?.(tx, ctx, row);
        const { sql } = tx;
        await sql`update ${sql(resource.table)} set deleted_at = ${deps.clock.now().toISOString()}, version = version + 1
          where tenant_id = ${ctx.scope.tenant_id} and id = ${id}`;
        await changed(tx, ctx, id, 'deleted');
        return { status: 204 };
      }),
  );
}

function parameter(tx: Tx, value: unknown, kind: 'plain' | 'json' | 'text[]'): Fragment {
  const { sql } = tx;
  if (kind === 'json') return sql`${value as string}::jsonb`;
  if (kind === 'text[]') return sql`${value as string[]}::text[]`;
  return sql`${value as string | number | boolean | null}`;
}
