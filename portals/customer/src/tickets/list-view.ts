import type { TicketStatus } from '@psa/app/api/types';

export const TABS = ['open', 'waiting', 'closed'] as const;
export type Tab = (typeof TABS)[number];

/** What the list shows; stands in the address. */
export interface TicketView {
  tab: Tab;
  search: string;
}

const STATUSES: Record<Tab, readonly TicketStatus[]> = {
  open: ['new', 'assigned', 'in_progress', 'waiting_customer'],
  waiting: ['waiting_customer'],
  closed: ['resolved', 'closed'],
};

export const statusesOf = (tab: Tab): string => STATUSES[tab].join(',');

/** The view of an address; what it does not know counts as not said. */
export function readView(params: URLSearchParams): TicketView {
  const tab = params.get('tab');
  return {
    tab: TABS.find((known) => known === tab) ?? 'open',
    // Longer texts would be refused by the server.
    search: (params.get('q') ?? '').trim().slice(0, 200),
  };
}

/** Address of a view; the plain list has none of its own. */
export function viewPath(view: TicketView): string {
  const params = new URLSearchParams();
  if (view.tab !== 'open') params.set('tab', view.tab);
  if (view.search) params.set('q', view.search);
  const query = params.toString();
  return query ? `/?${query}` : '/';
}
