import type { SavedView } from '@psa/app/api/types';
import { encodeFilter, NO_FILTER, parseFilter, sameConditions, type TicketFilter } from './filter.ts';

/** Ready-made views, in the order of the navigation. */
const FIXED = {
  mine: 'status=open&assigned_to=me',
  team: 'status=open&team_id=mine',
  unassigned: 'status=open&assigned_to=none',
  due: 'status=open&sla=overdue,at_risk&sort=sla_due&order=asc',
  waiting: 'status=waiting_customer',
  open: 'status=open',
  all: '',
} as const;
type FixedView = keyof typeof FIXED;

/** A list of tickets under a name. */
export interface TicketView {
  /** Name of a ready-made one, or the id of a saved one. */
  id: string;
  /** How a ready-made one is called. */
  fixed?: FixedView;
  saved?: SavedView;
  /** A canonical query string. */
  query: string;
}

/** The ready-made views and the saved ones; `hasTeam`: the reader is in a team. */
export const viewsOf = (saved: readonly SavedView[], hasTeam: boolean): TicketView[] => [
  ...(Object.entries(FIXED) as [FixedView, string][])
    .filter(([name]) => name !== 'team' || hasTeam)
    .map(([id, query]) => ({ id, fixed: id, query: encodeFilter(parseFilter(query)) })),
  ...saved.map((view) => ({ id: view.id, saved: view, query: encodeFilter(parseFilter(view.query)) })),
];

/**
 * The view that a list belongs to: the one whose conditions it has, in whatever order; else the one it was changed from,
 * which the address names.
 */
export function viewAt(
  views: readonly TicketView[],
  filter: TicketFilter,
  from: string | null,
): { view: TicketView | null; changed: boolean } {
  const alike = views.filter((view) => sameConditions(parseFilter(view.query), filter));
  const text = encodeFilter(filter);
  const same =
    alike.find((view) => view.id === from) ?? alike.find((view) => view.query === text) ?? alike[0];
  if (same) return { view: same, changed: false };
  return { view: views.find((view) => view.id === from) ?? null, changed: true };
}

/** Query of the list; `from`: the view that it was changed from. */
export function listQuery(filter: TicketFilter | string, from: TicketView | null = null): string {
  const text = typeof filter === 'string' ? filter : encodeFilter(filter);
  return [text, ...(from ? [`view=${from.id}`] : [])].filter((part) => part !== '').join('&');
}

/** Address of the list. */
export function listPath(filter: TicketFilter | string, from: TicketView | null = null): string {
  const query = listQuery(filter, from);
  return query === '' ? '/tickets' : `/tickets?${query}`;
}

/** What "reset" leads to: the view, or all that is open where there is none. */
export const resetOf = (view: TicketView | null, filter: TicketFilter): TicketFilter => ({
  ...(view ? parseFilter(view.query) : NO_FILTER),
  ...(view ? {} : { sort: filter.sort, order: filter.order }),
});
