import { contains, needles } from '@psa/domain/search-text';
import type { Tx } from '@psa/service-kit/database';
import type postgres from 'postgres';

type Fragment = postgres.PendingQuery<postgres.Row[]>;

/** Above this many candidates the ordered scan is cheaper; see `crm.search_candidates`. */
const MOST_CANDIDATES = 500;
/** Shorter words have no trigram of their own, so the index could not narrow anything. */
const SHORTEST_INDEXED = 3;

/** A customer's number as people see it (`K10001`); what is kept to find it by is the number. */
const SHOWN_NUMBER = /(?<=^|\s)K(\d{1,9})(?=\s|$)/giu;

/**
 * Filters of `search=` for a list whose table has the alias `t`: every word must occur. The longest word
 * narrows through the trigram index where it is rare; all words are then checked under row-level security.
 */
export async function searchFilters(
  tx: Tx,
  kind: 'customers' | 'sites' | 'contacts',
  search: string | undefined,
): Promise<Fragment[]> {
  const text = search ?? '';
  const words = needles(kind === 'customers' ? text.replace(SHOWN_NUMBER, '$1') : text);
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
