import type { Clock } from '@psa/contracts/ports/clock';
import type postgres from 'postgres';
import type { Static, TSchema } from 'typebox';
import type { RequestContext } from './context.ts';
import type { Database, Tx } from './database.ts';
import { notFound } from './errors.ts';
import type { Ids } from './ids.ts';
import { fetchList } from './list.ts';
import type { ObjectSchema, Resource, ResourceSchemas, Versioned } from './resource-routes.ts';

type Values = Record<string, unknown>;
type Fragment = postgres.PendingQuery<postgres.Row[]>;
/** A row of any table: what every one has, and its own columns. */
export type TableRow = Versioned & Record<string, unknown>;
/** Of a table, the bodies of create and update name its columns. */
export type TableSchemas = ResourceSchemas & { readonly create: ObjectSchema; readonly update: ObjectSchema };
type Described = 'path' | 'noun' | 'names' | 'tags' | 'permissions' | 'texts' | 'list' | 'around';

/** A resource that is one table of the service (with `tenant_id`, `id`, `version`, `updated_at`, `deleted_at`). */
export interface TableResource<S extends TableSchemas> extends Pick<Resource<TableRow, S>, Described> {
  readonly schemas: S;
  readonly table: string;
  /** Fields of requests that are no columns: `after` writes them. */
  readonly elsewhere?: readonly string[];
  /** Columns that no request names and `prepare` fills in. */
  readonly filledIn?: readonly string[];
  /** Further columns of the row, over the alias `r`. */
  readonly extraColumns?: string;
  /** Which rows the asker may see, beyond its tenant. */
  visible?(tx: Tx, ctx: RequestContext): Fragment;
  /** Throws when the asker may not change this row. */
  guard?(ctx: RequestContext, row: TableRow): void;
  /** Checks and completes what is about to be written; `before` is null for a new row. */
  prepare?(
    tx: Tx,
    ctx: RequestContext,
    body: Static<S['create']> | Static<S['update']>,
    before: TableRow | null,
  ): Promise<Values>;
  /** Writes what stands in other tables. */
  after?(
    tx: Tx,
    ctx: RequestContext,
    id: string,
    body: Static<S['create']> | Static<S['update']>,
  ): Promise<void>;
  /** Throws when something still needs the row. */
  beforeDelete?(tx: Tx, ctx: RequestContext, row: TableRow): Promise<void>;
  /** Tells of a change, in its transaction. */
  changed?(tx: Tx, ctx: RequestContext, id: string, change: 'created' | 'updated' | 'deleted'): Promise<void>;
}

/** How a field is stored, by its schema: lists of texts as an array, other structures as JSON. */
export function columnKind(schema: TSchema): 'plain' | 'json' | 'text[]' {
  const { type, items, anyOf } = schema as { type?: string; items?: { type?: string }; anyOf?: TSchema[] };
  if (anyOf) return columnKind(anyOf.find((one) => (one as { type?: string }).type !== 'null') ?? {});
  if (type === 'array') return items?.type === 'string' ? 'text[]' : 'json';
  return type === 'object' ? 'json' : 'plain';
}

/** The resource of a table: its columns are the fields of its schemas. */
export function tableResource<S extends TableSchemas>(
  deps: { readonly db: Database; readonly ids: Ids; readonly clock: Clock },
  resource: TableResource<S>,
): Resource<TableRow, S> {
  const { schemas, table } = resource;
  const fields = { ...schemas.update.properties, ...schemas.create.properties } as Record<string, TSchema>;
  const columns = [
    ...Object.keys(fields).filter((name) => !resource.elsewhere?.includes(name)),
    ...(resource.filledIn ?? []),
  ];
  const shown = Object.keys(schemas.one.properties);
  const selected = (tx: Tx) =>
    tx.sql`${tx.sql.unsafe(resource.extraColumns ? `r.*, ${resource.extraColumns}` : 'r.*')}`;
  const mine = (tx: Tx, ctx: RequestContext) =>
    tx.sql`r.tenant_id = ${ctx.scope.tenant_id} and r.deleted_at is null and ${resource.visible?.(tx, ctx) ?? tx.sql`true`}`;

  async function find(tx: Tx, ctx: RequestContext, id: string, lock = false): Promise<TableRow | undefined> {
    const { sql } = tx;
    const [row] = await sql<TableRow[]>`
      select ${selected(tx)} from ${sql(table)} r where ${mine(tx, ctx)} and r.id = ${id}
      ${lock ? sql`for update of r` : sql``}`;
    return row;
  }
  async function mustFind(tx: Tx, ctx: RequestContext, id: string, lock = false): Promise<TableRow> {
    const row = await find(tx, ctx, id, lock);
    if (!row) throw notFound(resource.noun);
    return row;
  }
  /** The columns that the values name, each with its parameter. */
  const stored = (tx: Tx, values: Values) =>
    columns
      .filter((name) => values[name] !== undefined)
      .map(
        (name) =>
          [name, parameter(tx, values[name], fields[name] ? columnKind(fields[name]) : 'plain')] as const,
      );

  return {
    ...resource,
    list: { id: { sql: 'r.id', type: 'uuid' }, ...resource.list },
    view: (row) => Object.fromEntries(shown.map((name) => [name, row[name]])) as Static<S['one']>,
    select: (tx, ctx, request) =>
      fetchList<TableRow>(tx, {
        select: selected(tx),
        from: tx.sql`${tx.sql(table)} r`,
        where: [mine(tx, ctx)],
        request,
      }),
    find,
    async create(tx, ctx, body) {
      const { sql } = tx;
      const values = (await resource.prepare?.(tx, ctx, body, null)) ?? (body as Values);
      const id = deps.ids.uuid();
      const pairs = stored(tx, values);
      const names = pairs.map(([name]) => `, ${name}`).join('');
      const list = pairs.reduce<Fragment>(
        (all, [, value]) => sql`${all}, ${value}`,
        sql`${ctx.scope.tenant_id}, ${id}`,
      );
      await sql`insert into ${sql(table)} (tenant_id, id${sql.unsafe(names)}) values (${list})`;
      await resource.after?.(tx, ctx, id, body);
      await resource.changed?.(tx, ctx, id, 'created');
      return mustFind(tx, ctx, id);
    },
    async update(tx, ctx, id, body, check) {
      const { sql } = tx;
      const before = await mustFind(tx, ctx, id, true);
      check(before);
      resource.guard?.(ctx, before);
      const values = (await resource.prepare?.(tx, ctx, body, before)) ?? (body as Values);
      const sets = stored(tx, values).reduce<Fragment>(
        (all, [name, value]) => sql`${all}, ${sql(name)} = ${value}`,
        sql`version = version + 1, updated_at = ${deps.clock.now().toISOString()}`,
      );
      await sql`update ${sql(table)} set ${sets} where tenant_id = ${ctx.scope.tenant_id} and id = ${id}`;
      await resource.after?.(tx, ctx, id, body);
      await resource.changed?.(tx, ctx, id, 'updated');
      return mustFind(tx, ctx, id);
    },
    async remove(tx, ctx, id, check) {
      const row = await mustFind(tx, ctx, id, true);
      check(row);
      resource.guard?.(ctx, row);
      await resource.beforeDelete?.(tx, ctx, row);
      await tx.sql`
        update ${tx.sql(table)} set deleted_at = ${deps.clock.now().toISOString()}, version = version + 1
        where tenant_id = ${ctx.scope.tenant_id} and id = ${id}`;
      await resource.changed?.(tx, ctx, id, 'deleted');
    },
  };
}

function parameter(tx: Tx, value: unknown, kind: 'plain' | 'json' | 'text[]'): Fragment {
  const { sql } = tx;
  if (kind === 'json') return sql`${JSON.stringify(value)}::jsonb`;
  if (kind === 'text[]') return sql`${value as string[]}::text[]`;
  return sql`${value as string | number | boolean | null}`;
}
