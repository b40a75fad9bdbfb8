import { contextOf } from '@psa/service-kit/app';
import type { Tx } from '@psa/service-kit/database';
import { fetchList, type ListParams, type ListSpec, listResponse, parseList } from '@psa/service-kit/list';
import type { FastifyRequest } from 'fastify';
import type { TicketsDeps } from '../deps.ts';
import { loadTicket } from './repository.ts';

/** A list of what belongs to one ticket: its conversation, files, working time or history. */
export interface UnderTicket<Row, View extends { id: string }> {
  readonly spec: ListSpec;
  /** Name and alias, as `comments c`; the alias is the first letter of the columns. */
  readonly table: `${string} ${string}`;
  /** Columns with their alias. */
  readonly columns: string;
  /** False for what is never deleted; else deleted rows are left out. */
  readonly deletable: boolean;
  readonly view: (row: Row) => View;
}

/**
 * Answers the GET of such a list. The ticket is loaded beside it, so that a ticket which the caller may not see
 * is 404 and not an empty list.
 */
export function listUnderTicket<Row extends object, View extends { id: string }>(
  deps: TicketsDeps,
  list: UnderTicket<Row, View>,
) {
  const alias = list.table.split(' ')[1]!;
  return async (request: FastifyRequest) => {
    const ctx = contextOf(request);
    const { id } = request.params as { id: string };
    const wanted = parseList(request.query as ListParams, list.spec);
    return deps.db.read(ctx.scope, async (tx: Tx) => {
      const { sql } = tx;
      const of = sql.unsafe(alias);
      const own = sql`${of}.tenant_id = ${ctx.scope.tenant_id} and ${of}.ticket_id = ${id}`;
      const [, result] = await Promise.all([
        loadTicket(tx, ctx, id),
        fetchList<Row & Record<string, unknown>>(tx, {
          select: sql`${sql.unsafe(list.columns)}`,
          from: sql`${sql.unsafe(list.table)}`,
          where: list.deletable ? [own, sql`${of}.deleted_at is null`] : [own],
          request: wanted,
        }),
      ]);
      return listResponse(wanted, result, result.rows.map(list.view), request.url);
    });
  };
}
