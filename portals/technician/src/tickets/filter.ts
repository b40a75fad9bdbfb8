import type { Priority, TicketStatus } from '@psa/app/api/types';
import { MAX_TAG_LENGTH, tagOf } from '@psa/contracts/tags';
import { PRIORITY_LOOK, STATUS_LOOK } from '@psa/ui/look';

export const STATUSES = Object.keys(STATUS_LOOK) as TicketStatus[];
export const PRIORITIES = Object.keys(PRIORITY_LOOK) as Priority[];
export const SORT_COLUMNS = [
  'ticket_number',
  'title',
  'status',
  'priority',
  'sla_due',
  'created_at',
  'updated_at',
] as const;
export type SortColumn = (typeof SORT_COLUMNS)[number];

/** What the ticket list shows. Names and values are the API's, so a URL, a saved view and a request agree. */
export interface TicketFilter {
  /** Each at most once, in the order of the workflow; `open` stands for the four open ones. */
  status: readonly (TicketStatus | 'open')[];
  priority: readonly Priority[];
  /** A user id, `me` or `none`. */
  assigned_to: string | null;
  customer_id: string | null;
  team_id: string | null;
  category: string | null;
  tag: string | null;
  sla: 'at_risk' | 'breached' | null;
  watching: boolean;
  search: string;
  sort: SortColumn | null;
  order: 'asc' | 'desc';
}

export const NO_FILTER: TicketFilter = {
  status: [],
  priority: [],
  assigned_to: null,
  customer_id: null,
  team_id: null,
  category: null,
  tag: null,
  sla: null,
  watching: false,
  search: '',
  sort: null,
  order: 'desc',
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const MAX_SEARCH = 200;
/** Columns that links and saved views know by an earlier name. */
const RENAMED: Readonly<Record<string, SortColumn>> = { sla_resolution_due: 'sla_due' };

const uuid = (value: string | null) => (value !== null && UUID.test(value) ? value.toLowerCase() : null);
const oneOf = <T extends string>(value: string | null, allowed: readonly T[]): T | null =>
  allowed.find((name) => name === value) ?? null;
const several = <T extends string>(value: string | null, allowed: readonly T[]): T[] => {
  const names = new Set((value ?? '').split(','));
  return allowed.filter((name) => names.has(name));
};
/** A line as the API takes it: no control characters, not longer than it allows, no half characters. */
function line(value: string | null, max: number): string {
  const clean = [...(value ?? '').toWellFormed()]
    .filter((char) => char.charCodeAt(0) >= 32 && char !== '\u007f')
    .join('')
    .trim();
  // Cutting by code units may halve a character, which would come back as another one.
  return clean.length <= max
    ? clean
    : clean
        .slice(0, max)
        .replace(/[\ud800-\udbff]$/, '')
        .trim();
}

/** Reads a query string. Whatever is unknown or malformed is left out: a link never breaks the page. */
export function parseFilter(query: URLSearchParams | string): TicketFilter {
  const params = typeof query === 'string' ? new URLSearchParams(query) : query;
  const get = (name: string) => params.get(name);
  const assigned = get('assigned_to');
  const sort = oneOf(RENAMED[get('sort') ?? ''] ?? get('sort'), SORT_COLUMNS);
  return {
    status: several(get('status'), ['open', ...STATUSES]),
    priority: several(get('priority'), PRIORITIES),
    assigned_to: assigned === 'me' || assigned === 'none' ? assigned : uuid(assigned),
    customer_id: uuid(get('customer_id')),
    team_id: uuid(get('team_id')),
    category: line(get('category'), 50) || null,
    tag: tagOf(line(get('tag'), MAX_TAG_LENGTH)),
    sla: oneOf(get('sla'), ['at_risk', 'breached']),
    watching: get('watching') === 'true',
    search: line(get('search'), MAX_SEARCH),
    sort,
    order: sort !== null && get('order') === 'asc' ? 'asc' : 'desc',
  };
}

/** The one way to write a filter: parameters in a fixed order, nothing that says nothing. */
export function encodeFilter(filter: TicketFilter): string {
  const params = new URLSearchParams();
  const set = (name: string, value: string | null) => {
    if (value) params.set(name, value);
  };
  set('status', filter.status.join(','));
  set('priority', filter.priority.join(','));
  set('assigned_to', filter.assigned_to);
  set('customer_id', filter.customer_id);
  set('team_id', filter.team_id);
  set('category', filter.category);
  set('tag', filter.tag);
  set('sla', filter.sla);
  if (filter.watching) params.set('watching', 'true');
  set('search', filter.search);
  set('sort', filter.sort);
  if (filter.sort) params.set('order', filter.order);
  // Commas are legal in a query and far easier to read.
  return params.toString().replaceAll('%2C', ',');
}

/** The filter as parameters of `GET /tickets`. */
export const filterQuery = (filter: TicketFilter): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(encodeFilter(filter)));

/** How many conditions narrow the list (sorting is none). */
export function countConditions(filter: TicketFilter): number {
  return [
    filter.status.length > 0,
    filter.priority.length > 0,
    filter.assigned_to,
    filter.customer_id,
    filter.team_id,
    filter.category,
    filter.tag,
    filter.sla,
    filter.watching,
    filter.search,
  ].filter(Boolean).length;
}
