import type { TicketCounts } from '@psa/contracts/tickets';
import type { RequestContext } from '@psa/service-kit/context';
import { COUNT_CAP } from '@psa/service-kit/list';
import type { Static } from 'typebox';
import type { TicketsDeps } from '../deps.ts';
import { readFilterQuery } from './filter-query.ts';
import { allOf, filters } from './filters.ts';

/**
 * How many tickets each of several lists has, in one transaction; counting stops where the list's own does. A view that
 * searches, or whose query is none any more, has no count: it must not take those of the others away.
 */
export async function countTickets(
  deps: TicketsDeps,
  ctx: RequestContext,
  queries: readonly string[],
): Promise<Static<typeof TicketCounts>['data']> {
  const now = deps.clock.now();
  return deps.db.read(ctx.scope, (tx) =>
    Promise.all(
      queries.map(async (query) => {
        const { filter } = readFilterQuery(query);
        if (filter === undefined || filter.search?.trim()) return null;
        const where = allOf(tx, filters(tx, ctx, filter, now));
        const [row] = await tx.sql<{ n: number }[]>`select count(*)::int as n from (
          select 1 from tickets t where ${where} limit ${tx.sql.unsafe(String(COUNT_CAP + 1))}) as counted`;
        const more = row!.n > COUNT_CAP;
        return { total: more ? COUNT_CAP : row!.n, total_relation: more ? 'gte' : 'eq' } as const;
      }),
    ),
  );
}
