import type { QueryOf } from '@psa/app/api/typed';
import { STATUS_LOOK, type TicketStatus } from '@psa/ui/look';

export const STATUSES = ['', 'open', 'done', ...(Object.keys(STATUS_LOOK) as TicketStatus[])] as const;
export const SINCE = ['', '7', '30', '90', '365'] as const;
export const SORTS = ['', 'newest', 'due'] as const;
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const DAY = 86_400_000;

/** What narrows and sorts a search, as it stands in the address; empty is any. */
export interface SearchFilters {
  readonly status: (typeof STATUSES)[number];
  readonly customer: string;
  readonly since: (typeof SINCE)[number];
  readonly sort: (typeof SORTS)[number];
}

const oneOf = <const T extends readonly string[]>(values: T, given: string | null): T[number] =>
  values.find((value) => value === given) ?? '';

/** What an address asks for; what it cannot ask for counts as nothing. */
export const filtersOf = (params: URLSearchParams): SearchFilters => ({
  status: oneOf(STATUSES, params.get('status')),
  customer: ID.test(params.get('customer') ?? '') ? params.get('customer')! : '',
  since: oneOf(SINCE, params.get('since')),
  sort: oneOf(SORTS, params.get('sort')),
});

/** The same as the search takes it. Days begin at midnight UTC, so that the question stays the same all day. */
export function askedBy(filters: SearchFilters, now: number): Omit<QueryOf<'GET /search'>, 'q'> {
  const { status, customer, since, sort } = filters;
  const after = (Math.floor(now / DAY) - Number(since)) * DAY;
  return {
    ...(status && { status: status === 'done' ? 'resolved,closed' : status }),
    ...(customer && { customer_id: customer }),
    ...(since && { updated_after: new Date(after).toISOString() }),
    ...(sort && { sort }),
  };
}
