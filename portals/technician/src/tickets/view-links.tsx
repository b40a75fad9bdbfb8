import { Link, useLocation } from '@psa/app/router';
import { useMe } from '@psa/app/session/session';
import { useFormats } from '@psa/ui/i18n/format';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { teamsQuery } from '../api/desk.ts';
import { savedViewsQuery, ticketCountsQuery } from '../api/tickets.ts';
import { messages } from '../i18n/view-messages.ts';
import { parseFilter } from './filter.ts';
import { listPath, type TicketView, viewAt, viewsOf } from './ticket-views.ts';

/** Views that one request may count. */
const MOST_COUNTED = 60;

/** The views of the reader: ready-made ones, and those that were saved. */
export function useViews(): TicketView[] {
  const me = useMe();
  const { data: saved } = useQuery(savedViewsQuery);
  const { data: teams } = useQuery(teamsQuery);
  return useMemo(
    () =>
      viewsOf(
        saved ?? [],
        (teams ?? []).some((team) => team.member_ids.includes(me.id)),
      ),
    [saved, teams, me.id],
  );
}

export function useViewName(): (view: TicketView) => string {
  const t = messages.useT();
  return (view) => view.saved?.name ?? t(`views.${view.fixed ?? 'all'}`);
}

/** The views below "Tickets" in the navigation, each with how many tickets it has: one request for all of them. */
export function ViewLinks() {
  const t = messages.useT();
  const formats = useFormats();
  const { pathname, search } = useLocation();
  const views = useViews();
  const nameOf = useViewName();
  const { data: counts } = useQuery(
    ticketCountsQuery(views.slice(0, MOST_COUNTED).map((view) => view.query)),
  );
  const params = new URLSearchParams(search);
  const current =
    pathname === '/tickets' ? viewAt(views, parseFilter(params), params.get('view')).view : null;
  return (
    <ul className="nav-below" aria-label={t('views.title')}>
      {views.map((view) => {
        const count = counts?.get(view.query);
        const text = count && `${formats.number(count.total)}${count.total_relation === 'gte' ? '+' : ''}`;
        return (
          <li key={view.id}>
            <Link
              className="nav-link nav-view"
              to={listPath(view.query)}
              aria-current={view.id === current?.id ? 'page' : undefined}
            >
              <span className="clip" title={nameOf(view)}>
                {nameOf(view)}
              </span>
              {view.saved?.shared && <span className="visually-hidden"> ({t('views.shared_mark')})</span>}
              {text && <span className="nav-count"> {text}</span>}
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
