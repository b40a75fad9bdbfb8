import { contains, needles } from '@psa/domain/search-text';
import type { Tx } from '@psa/service-kit/database';
import type postgres from 'postgres';

type Fragment = postgres.PendingQuery<postgres.Row[]>;

/** Above this many candidates the ordered scan is cheaper; see `crm.search_candidates`. */
const MOST_CANDIDATES = 500;
/** Shorter words have no trigram of their own, so the index could not narrow anything. */
const SHORTEST_INDEXED = 3;

/**
 * Filters of `search=` for a list whose table has the alias `t`: every word must occur. The longest word
 * narrows through the trigram index where it is rare; all words are then checked under row-level security.
 */
export async function searchFilters(
  tx: Tx,
  kind: 'customers' | 'sites' | 'contacts',
  search: string | undefined,
): Promise<Fragment[]> {
  const words = needles(search ?? '');
  const filters = words.map(
    ({ plain, german }) =>
      tx.sql`(t.search_text like ${contains(plain)} or t.search_text like ${contains(german)})`,
  );
  const rarest = words.toSorted((a, b) => b.plain.length - a.plain.length)[0];
  if (rarest && rarest.plain.length >= SHORTEST_INDEXED) {
    const rows = await tx.sql<{ id: string }[]>`
      select id from crm.search_candidates(${kind}, ${contains(rarest.plain)}, ${contains(rarest.german)},
        ${MOST_CANDIDATES}) as found(id)`;
    if (rows.length <= MOST_CANDIDATES) {
      filters.unshift(tx.sql`t.id = any(${rows.map((row) => row.id)}::uuid[])`);
    }
  }
  return filters;
}
