import type { MatchQuery, SearchQuery } from '@psa/contracts/ports/search';

/** A question about one type, or some objects of it, in the words of a query. */
export const ofType = <T extends MatchQuery>({
  type,
  ids,
  ...query
}: T): Omit<T, 'type' | 'ids'> & Pick<SearchQuery, 'types' | 'only'> => ({
  ...query,
  types: [type],
  ...(ids === undefined ? {} : { only: { type, ids } }),
});
