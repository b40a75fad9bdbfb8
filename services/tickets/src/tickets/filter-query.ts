import { ListTicketsQuery } from '@psa/contracts/tickets';
import { validationDetails } from '@psa/service-kit/errors';
import { validatorFor } from '@psa/service-kit/validation';

const isFilter = validatorFor(ListTicketsQuery, 'text');

/** A query string of the list: its parameters as the list takes them, or what is wrong with each. */
export function readFilterQuery(
  query: string,
):
  | { filter: ListTicketsQuery; problems?: undefined }
  | { filter?: undefined; problems: ReturnType<typeof validationDetails> } {
  // Numbers and booleans are made of text while it is judged.
  const filter: unknown = Object.fromEntries(new URLSearchParams(query));
  if (isFilter(filter)) return { filter: filter as ListTicketsQuery };
  return { problems: validationDetails(isFilter.errors ?? [], 'filter') };
}
