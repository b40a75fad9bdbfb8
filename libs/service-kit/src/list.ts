import type { ErrorDetail } from '@psa/contracts/common';
import { PAGE_ROWS } from '@psa/contracts/limits';
import type postgres from 'postgres';
import type { Tx } from './database.ts';
import { invalid } from './errors.ts';
import { isInstant } from './formats.ts';

type Fragment = postgres.PendingQuery<postgres.Row[]>;

/** One sortable field: a trusted SQL expression and the type that a cursor value is cast to. */
export interface SortField {
  readonly sql: string;
  readonly type: 'uuid' | 'text' | 'bigint' | 'integer' | 'timestamptz' | 'boolean';
  /** The field among what is selected, where it is selected as it is: then the row gives the cursor its value. */
  readonly column?: string;
  /** Nulls are allowed here; they sort last ascending and first descending, as PostgreSQL does by itself. */
  readonly nullable?: boolean;
  /** Nulls come last in both directions: rows that have nothing to be sorted by. */
  readonly nullsLast?: boolean;
}

/** What a list endpoint offers. */
export interface ListSpec {
  readonly sortable: Readonly<Record<string, SortField>>;
  readonly defaultSort: readonly (readonly [string, 'asc' | 'desc'])[];
  /** Fields that may be asked for; `id` always comes. */
  readonly fields: readonly string[];
  readonly includes?: readonly string[];
  /** The unique tie-breaker. */
  readonly id?: SortField;
}

/** The query parameters every list takes (see contracts `listQuery`). */
export interface ListParams {
  page?: number;
  limit?: number;
  cursor?: string;
  sort?: string;
  order?: string;
  fields?: string;
  include?: string;
  count?: string;
}

export interface ListRequest {
  readonly page: number;
  readonly limit: number;
  readonly sort: readonly { name: string; field: SortField; direction: 'asc' | 'desc' }[];
  readonly cursor: readonly (string | null)[] | null;
  readonly fields: ReadonlySet<string> | null;
  readonly include: ReadonlySet<string>;
  readonly count: 'capped' | 'exact' | 'none';
}

export interface ListResult<Row> {
  readonly rows: Row[];
  readonly total: number | undefined;
  readonly totalRelation: 'eq' | 'gte' | undefined;
  readonly nextCursor: string | null;
}

/** Counting stops here unless `count=exact`: the figure on a page need not be exact, its latency must be. */
export const COUNT_CAP = 1_000;
const MAX_OFFSET = 200_000;

/** Checks paging, sorting, fields and includes against what the list offers; names every bad parameter. */
export function parseList(params: ListParams, spec: ListSpec): ListRequest {
  const problems: ErrorDetail[] = [];
  const oneOf = (field: string, names: readonly string[], allowed: readonly string[]) => {
    for (const name of names) {
      if (!allowed.includes(name))
        problems.push({
          field,
          code: 'unknown_value',
          message: `"${name}" must be one of: ${allowed.join(', ')}`,
        });
    }
  };
  const split = (text: string | undefined) => (text ? text.split(',') : []);

  const names = split(params.sort);
  const orders = split(params.order);
  oneOf('sort', names, Object.keys(spec.sortable));
  if (orders.length > Math.max(names.length, 1))
    problems.push({ field: 'order', code: 'contradicts', message: 'has more entries than sort' });
  const pairs: (readonly [string, 'asc' | 'desc'])[] =
    names.length > 0
      ? names.map((name, i) => [name, (orders[i] ?? orders.at(-1) ?? 'asc') as 'asc' | 'desc'] as const)
      : spec.defaultSort.map(
          ([name, dir], i) => [name, (orders[i] as 'asc' | 'desc' | undefined) ?? dir] as const,
        );
  const fields = split(params.fields);
  oneOf('fields', fields, spec.fields);
  const include = split(params.include);
  oneOf('include', include, spec.includes ?? []);

  const page = params.page ?? 1;
  const limit = params.limit ?? PAGE_ROWS.usual;
  if (params.cursor === undefined && (page - 1) * limit > MAX_OFFSET) {
    problems.push({
      field: 'page',
      code: 'too_large',
      message: `reaches past row ${MAX_OFFSET}; use cursor`,
      values: { most: MAX_OFFSET },
    });
  }
  if (problems.length > 0) throw invalid(...problems);

  const id = {
    name: 'id',
    field: spec.id ?? ({ sql: 'id', type: 'uuid' } as const),
    direction: pairs.at(-1)?.[1] ?? 'asc',
  } as const;
  const sort = [
    ...pairs
      .filter(([name]) => name !== 'id')
      .map(([name, direction]) => ({ name, field: spec.sortable[name]!, direction })),
    id,
  ];
  return {
    page,
    limit,
    sort,
    cursor: params.cursor === undefined ? null : decodeCursor(params.cursor, sort),
    fields: fields.length > 0 ? new Set(['id', ...fields, ...include]) : null,
    include: new Set(include),
    count: (params.count ?? (params.cursor === undefined ? 'capped' : 'none')) as ListRequest['count'],
  };
}

type SortKeys = ListRequest['sort'];

/** A cursor is bound to its sort order: used with another one it is refused rather than misread. */
export function encodeCursor(values: readonly (string | null)[], sort: SortKeys): string {
  return Buffer.from(JSON.stringify([signature(sort), ...values])).toString('base64url');
}

const signature = (sort: SortKeys) => sort.map((key) => `${key.name}:${key.direction}`).join(',');

const CURSOR_FORMS: Record<SortField['type'], RegExp> = {
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
  text: /^[^\0]*$/,
  bigint: /^-?\d{1,18}$/,
  integer: /^-?\d{1,9}$/,
  timestamptz: /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:?\d\d)?)$/,
  boolean: /^(t|f|true|false)$/,
};

const fitsType = (value: string, type: SortField['type']) =>
  CURSOR_FORMS[type].test(value) &&
  (type !== 'timestamptz' || isInstant(value.replace(/([+-]\d\d)$/, '$1:00')));

function decodeCursor(text: string, sort: SortKeys): (string | null)[] {
  try {
    const [kind, ...values] = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as unknown[];
    const fits =
      kind === signature(sort) &&
      values.length === sort.length &&
      values.every((value, i) =>
        value === null
          ? sort[i]!.field.nullable === true
          : typeof value === 'string' && fitsType(value, sort[i]!.field.type),
      );
    if (fits) return values as (string | null)[];
  } catch {
    // Falls through to the error that names the parameter.
  }
  throw invalid({
    field: 'cursor',
    code: 'wrong_form',
    message: 'is not a cursor of this list and sort order',
  });
}

/**
 * Reads one page and its count in one round trip.
 * `select` is what to select, `from` the tables, `where` the filters (ANDed). Trusted SQL only comes from the
 * spec; values are parameters.
 */
export async function fetchList<Row extends postgres.Row>(
  tx: Tx,
  query: {
    select: Fragment;
    from: Fragment;
    where: readonly Fragment[];
    request: ListRequest;
    /** Nothing else is asked in this transaction: its COMMIT goes with the page (see {@link Tx.last}). */
    isLast?: boolean;
  },
): Promise<ListResult<Row>> {
  const { sql } = tx;
  const { request } = query;
  const filters = query.where.reduce<Fragment>((all, one) => sql`${all} and ${one}`, sql`true`);
  const keyColumns = request.sort.reduce<Fragment>(
    (all, { field }, i) =>
      field.column === undefined ? sql`${all}, (${sql.unsafe(field.sql)})::text as ${sql(`_k${i}`)}` : all,
    sql``,
  );
  const after = request.cursor ? sql`and ${keyset(tx, request.sort, request.cursor)}` : sql``;
  const offset = request.cursor ? 0 : (request.page - 1) * request.limit;
  // The limit is written out: for a parameter the planner would assume a tenth of all matches, and so plan anew
  // each time or sort what it could read in order. There are 100 limits at most; offsets are many, so they are not.
  const pageOf = sql`limit ${sql.unsafe(String(request.limit + 1))} ${offset > 0 ? sql`offset ${offset}` : sql``}`;
  const cap = sql.unsafe(String(COUNT_CAP + 1));

  const page = (part: Fragment, order: Fragment, rows: Fragment): Fragment => sql`
    select ${query.select} ${keyColumns} from ${query.from} where ${filters} ${after} ${part}
    order by ${order} ${rows}`;
  const [first] = request.sort;
  const order: Fragment = orderOf(tx, request.sort);
  const noPart: Fragment = sql``;
  const isSplit = first!.field.nullsLast === true && first!.direction === 'desc';
  const pageQuery = isSplit
    ? withNullsLast(tx, page, request, { offset, pageOf })
    : page(noPart, order, pageOf);
  const countQuery =
    request.count === 'none'
      ? null
      : request.count === 'exact'
        ? sql`select count(*) as n from ${query.from} where ${filters}`
        : sql`
            select count(*) as n from (select 1 from ${query.from} where ${filters} limit ${cap}) as counted`;
  const statements = countQuery ? [pageQuery, countQuery] : [pageQuery];
  const answers: unknown = await (query.isLast ? tx.last(...statements) : Promise.all(statements));
  const [rows, counted = []] = answers as [(Row & Record<string, string | null>)[], { n: string }[]?];
  const more = rows.length > request.limit;
  const shown = rows.slice(0, request.limit);
  const last = shown.at(-1);
  const nextCursor =
    more && last
      ? encodeCursor(
          request.sort.map(({ field }, i) => textOrNull(last[field.column ?? `_k${i}`])),
          request.sort,
        )
      : null;
  // The last first: in another order V8 turns each row into a hash table, which is slow to read.
  for (const row of shown as Record<string, unknown>[]) {
    for (let i = request.sort.length - 1; i >= 0; i--) {
      if (request.sort[i]!.field.column === undefined) delete row[`_k${i}`];
    }
  }
  const n = counted[0] === undefined ? undefined : Number(counted[0].n);
  const capped = request.count === 'capped' && n !== undefined && n > COUNT_CAP;
  return {
    rows: shown as Row[],
    total: capped ? COUNT_CAP : n,
    totalRelation: n === undefined ? undefined : capped ? 'gte' : 'eq',
    nextCursor,
  };
}

/** `inParts`: what is null in the first key comes apart, see {@link withNullsLast}. */
const orderOf = (tx: Tx, sort: SortKeys, inParts = false): Fragment =>
  tx.sql.unsafe(
    sort
      .map(({ field, direction }, i) => {
        const nulls = field.nullsLast && !(inParts && i === 0) ? ' nulls last' : '';
        return `${field.sql} ${direction}${nulls}`;
      })
      .join(', '),
  );

/**
 * Descending with what is null at the end: first what is not null, then, if the page is not full, what is. An index that
 * serves the ascending order gives both, read backwards; in one order (`desc nulls last`) it would need an index of its own,
 * or sorts the whole table (2.3 s at a million tickets; ascending by the index 0.1 ms). PostgreSQL answers the parts of a `union all` one after the other.
 */
function withNullsLast(
  tx: Tx,
  page: (part: Fragment, order: Fragment, rows: Fragment) => Fragment,
  request: ListRequest,
  { offset, pageOf }: { offset: number; pageOf: Fragment },
): Fragment {
  const { sql } = tx;
  const { field } = request.sort[0]!;
  const column = sql.unsafe(field.sql);
  const order: Fragment = orderOf(tx, request.sort, true);
  const rows = offset > 0 ? sql`limit ${request.limit + 1 + offset}` : pageOf;
  // Said once more for the index: the keyset says the same in a form that no index reads.
  const [reached] = request.cursor ?? [];
  const upTo =
    reached === undefined
      ? sql``
      : reached === null
        ? sql`and false`
        : sql`and ${column} <= ${reached}::text::${sql.unsafe(field.type)}`;
  const some: Fragment = sql`and ${column} is not null ${upTo}`;
  const none: Fragment = sql`and ${column} is null`;
  return sql`
    select * from ((${page(some, order, rows)}) union all (${page(none, order, rows)})) as parts ${pageOf}`;
}

const textOrNull = (value: unknown): string | null => (value == null ? null : String(value));

/** A result of which more may exist than were looked at: its count is "at least". */
export const atLeast = <Row>(result: ListResult<Row>): ListResult<Row> => ({
  ...result,
  totalRelation: result.total === undefined ? undefined : 'gte',
});

/** "After this row" in a mixed-direction order with nulls: (a > x) or (a = x and b > y) or … */
function keyset(tx: Tx, sort: SortKeys, values: readonly (string | null)[]): Fragment {
  const { sql } = tx;
  const compare = (i: number, op: 'past' | 'equal'): Fragment => {
    const { field, direction } = sort[i]!;
    const column = sql.unsafe(field.sql);
    const value = values[i]!;
    const cast = sql.unsafe(field.type);
    if (op === 'equal')
      return value === null ? sql`${column} is null` : sql`${column} = ${value}::text::${cast}`;
    if (direction === 'asc') {
      if (value === null) return sql`false`;
      return field.nullable
        ? sql`(${column} > ${value}::text::${cast} or ${column} is null)`
        : sql`${column} > ${value}::text::${cast}`;
    }
    if (field.nullsLast) {
      return value === null ? sql`false` : sql`(${column} < ${value}::text::${cast} or ${column} is null)`;
    }
    return value === null ? sql`${column} is not null` : sql`${column} < ${value}::text::${cast}`;
  };
  // One direction, no nulls: the row form, which an index serves as one range.
  const uniform = sort.every((key) => key.direction === sort[0]!.direction && !key.field.nullable);
  if (uniform) {
    const columns = sql.unsafe(sort.map((key) => key.field.sql).join(', '));
    const bound = sort.reduce<Fragment>((all, key, i) => {
      const part = sql`${values[i]!}::text::${sql.unsafe(key.field.type)}`;
      return i === 0 ? part : sql`${all}, ${part}`;
    }, sql``);
    return sort[0]!.direction === 'asc' ? sql`(${columns}) > (${bound})` : sql`(${columns}) < (${bound})`;
  }
  let arms: Fragment = sql`false`;
  for (let i = 0; i < sort.length; i++) {
    let arm = compare(i, 'past');
    for (let j = i - 1; j >= 0; j--) arm = sql`${compare(j, 'equal')} and ${arm}`;
    arms = sql`${arms} or (${arm})`;
  }
  return sql`(${arms})`;
}

/** The answer of a list endpoint: data thinned to `fields`, meta, links (relative to `url`, the request's own). */
export function listResponse<T extends { id: string }>(
  request: ListRequest,
  result: ListResult<unknown>,
  data: T[],
  url: string,
) {
  const pages = result.total === undefined ? undefined : Math.max(1, Math.ceil(result.total / request.limit));
  const link = (changes: Record<string, string | null>) => {
    const [path, query = ''] = url.split('?', 2) as [string, string?];
    const params = new URLSearchParams(query);
    for (const [name, value] of Object.entries(changes))
      value === null ? params.delete(name) : params.set(name, value);
    const text = params.toString();
    return text ? `${path}?${text}` : path;
  };
  const toPage = (page: number) => link({ page: String(page), cursor: null });
  const byCursor = request.cursor !== null;
  const exact = result.totalRelation === 'eq';
  return {
    data: request.fields ? data.map((row) => thin(row, request) as T) : data,
    meta: {
      ...(byCursor ? {} : { page: request.page }),
      limit: request.limit,
      ...(result.total === undefined
        ? {}
        : { total: result.total, total_relation: result.totalRelation, total_pages: pages }),
      next_cursor: result.nextCursor,
    },
    links: {
      self: url,
      next:
        result.nextCursor === null
          ? null
          : byCursor
            ? link({ cursor: result.nextCursor, page: null })
            : toPage(request.page + 1),
      prev: byCursor || request.page === 1 ? null : toPage(request.page - 1),
      first: toPage(1),
      last: exact && pages !== undefined ? toPage(pages) : null,
    },
  };
}

/** One object thinned to the `fields` that were asked for. */
export function thin<T extends object>(object: T, request: Pick<ListRequest, 'fields'>): Partial<T> {
  const wanted = request.fields;
  if (!wanted) return object;
  return Object.fromEntries(Object.entries(object).filter(([name]) => wanted.has(name))) as Partial<T>;
}
