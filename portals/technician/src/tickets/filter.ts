import type { Priority, TicketStatus } from '@psa/app/api/types';
import { MAX_TAG_LENGTH, tagOf } from '@psa/contracts/tags';
import { joinWords, splitWords } from '@psa/contracts/words';
import { PRIORITY_LOOK, STATUS_LOOK } from '@psa/ui/look';

export const STATUSES = Object.keys(STATUS_LOOK) as TicketStatus[];
export const PRIORITIES = Object.keys(PRIORITY_LOOK) as Priority[];
export const SLA_STATES = ['overdue', 'at_risk', 'ok', 'paused', 'breached', 'none'] as const;
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

/**
 * What the ticket list shows. Names and values are the API's, so a URL, a saved view and a request agree. Several values
 * of one condition: any of them; none: the condition is not there.
 */
export interface TicketFilter {
  /** Each at most once, in the order of the workflow; `open` stands for the four open ones. */
  status: readonly (TicketStatus | 'open')[];
  priority: readonly Priority[];
  /** User ids, `me`, `none`. */
  assigned_to: readonly string[];
  customer_id: readonly string[];
  /** Ids of teams, `mine`, `none`. */
  team_id: readonly string[];
  category: readonly string[];
  tag: readonly string[];
  sla: readonly (typeof SLA_STATES)[number][];
  /** Opened from this moment on, and before that one: RFC 3339. */
  created_after: string | null;
  created_before: string | null;
  watching: boolean;
  search: string;
  sort: SortColumn | null;
  order: 'asc' | 'desc';
}

export const NO_FILTER: TicketFilter = {
  status: [],
  priority: [],
  assigned_to: [],
  customer_id: [],
  team_id: [],
  category: [],
  tag: [],
  sla: [],
  created_after: null,
  created_before: null,
  watching: false,
  search: '',
  sort: null,
  order: 'desc',
};

/** Conditions that are chosen from a list, in the order in which they are offered. */
export const CONDITIONS = [
  'status',
  'priority',
  'assigned_to',
  'customer_id',
  'team_id',
  'sla',
  'tag',
  'category',
] as const satisfies readonly (keyof TicketFilter)[];
export type Condition = (typeof CONDITIONS)[number];

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const MAX_SEARCH = 200;
const MAX_CATEGORY = 50;
/** Of one condition, as the API has it; of words so many that they fit into its parameter. */
const MOST_IDS = 50;
const MOST_WORDS = 9;
/** Columns that links and saved views know by an earlier name. */
const RENAMED: Readonly<Record<string, SortColumn>> = { sla_resolution_due: 'sla_due' };
const OPEN: readonly TicketStatus[] = ['new', 'assigned', 'in_progress', 'waiting_customer'];

const ids = (value: string | null, words: readonly string[]): string[] => {
  const known = (value ?? '')
    .split(',')
    .map((one) => (words.includes(one) ? one : UUID.test(one) ? one.toLowerCase() : null))
    .filter((one) => one !== null);
  return [...new Set(known)].slice(0, MOST_IDS);
};
/** A moment that there is: not the 30th of February. */
const instant = (value: string | null) =>
  value !== null && INSTANT.test(value) && new Date(value).toJSON()?.slice(0, 19) === value.slice(0, 19)
    ? value
    : null;
const oneOf = <T extends string>(value: string | null, allowed: readonly T[]): T | null =>
  allowed.find((name) => name === value) ?? null;
const several = <T extends string>(value: string | null, allowed: readonly T[]): T[] => {
  const names = new Set((value ?? '').split(','));
  return allowed.filter((name) => names.has(name));
};
const words = (value: string | null, read: (word: string) => string | null): string[] =>
  [...new Set(splitWords(value ?? '').map(read))]
    .filter((word) => word !== null && word !== '')
    .slice(0, MOST_WORDS) as string[];
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
  const sort = oneOf(RENAMED[get('sort') ?? ''] ?? get('sort'), SORT_COLUMNS);
  return {
    status: several(get('status'), ['open', ...STATUSES]),
    priority: several(get('priority'), PRIORITIES),
    assigned_to: ids(get('assigned_to'), ['me', 'none']),
    customer_id: ids(get('customer_id'), []),
    team_id: ids(get('team_id'), ['mine', 'none']),
    category: words(line(get('category'), 500), (word) => line(word, MAX_CATEGORY)),
    tag: words(get('tag'), (word) => tagOf(line(word, MAX_TAG_LENGTH))),
    sla: several(get('sla'), SLA_STATES),
    created_after: instant(get('created_after')),
    created_before: instant(get('created_before')),
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
  set('assigned_to', filter.assigned_to.join(','));
  set('customer_id', filter.customer_id.join(','));
  set('team_id', filter.team_id.join(','));
  set('category', joinWords(filter.category));
  set('tag', filter.tag.join(','));
  set('sla', filter.sla.join(','));
  set('created_after', filter.created_after);
  set('created_before', filter.created_before);
  if (filter.watching) params.set('watching', 'true');
  set('search', filter.search);
  set('sort', filter.sort);
  if (filter.sort) params.set('order', filter.order);
  // Commas are legal in a query and far easier to read.
  return params.toString().replaceAll('%2C', ',').replaceAll('%3A', ':');
}

/** The same conditions, in whatever order the tickets come. */
export const sameConditions = (a: TicketFilter, b: TicketFilter): boolean =>
  encodeFilter({ ...a, sort: null }) === encodeFilter({ ...b, sort: null });

/** How many conditions narrow the list (sorting is none). */
export const countConditions = (filter: TicketFilter): number =>
  CONDITIONS.filter((name) => filter[name].length > 0).length +
  (filter.created_after || filter.created_before ? 1 : 0) +
  (filter.watching ? 1 : 0) +
  (filter.search ? 1 : 0);

/** What a condition holds, `open` written out. */
export const chosenOf = (filter: TicketFilter, name: Condition): readonly string[] =>
  name === 'status' && filter.status.includes('open')
    ? ['open', ...STATUSES.filter((one) => OPEN.includes(one) || filter.status.includes(one))]
    : filter[name];

/** The filter with a value of a condition taken in, or out where it was in. */
export function toggleValue(filter: TicketFilter, name: Condition, value: string): TicketFilter {
  if (name === 'status') return { ...filter, status: toggleStatus(filter.status, value) };
  const before: readonly string[] = filter[name];
  const next = before.includes(value) ? before.filter((one) => one !== value) : [...before, value];
  // Through the reader, which knows order and limits of each.
  return parseFilter(encodeFilter({ ...filter, [name]: next }));
}

function toggleStatus(before: TicketFilter['status'], value: string): TicketFilter['status'] {
  const chosen = new Set<string>(before.flatMap((one) => (one === 'open' ? OPEN : [one])));
  const has = (all: readonly string[]) => all.every((one) => chosen.has(one));
  const meant: readonly string[] = value === 'open' ? OPEN : [value];
  const isIn = has(meant);
  for (const one of meant) isIn ? chosen.delete(one) : chosen.add(one);
  const all = has(OPEN);
  const rest = STATUSES.filter((one) => chosen.has(one) && !(all && OPEN.includes(one)));
  return all ? ['open', ...rest] : rest;
}
