import { api } from '@psa/app/api/browser';
import { QueryFailure } from '@psa/app/components/error-state';
import type { PageModule } from '@psa/app/pages';
import { Link, useNavigate, useSearchParams } from '@psa/app/router';
import { may, useMe } from '@psa/app/session/session';
import { useTypingPause } from '@psa/app/use-typing-pause';
import { Button } from '@psa/ui/components/button';
import { EmptyState } from '@psa/ui/components/states';
import { TextField } from '@psa/ui/components/text-field';
import { type Language, useLanguage } from '@psa/ui/i18n/i18n';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { countQuery, ticketsQuery } from '../api/tickets.ts';
import { messages } from '../i18n/messages.ts';
import { readView, statusesOf, type Tab, type TicketView, viewPath } from '../tickets/list-view.ts';
import { TicketRows } from '../tickets/ticket-rows.tsx';
import { Loading } from './loading.tsx';

const SEARCH_AFTER_MS = 300;

// The list may fail without the page: tabs and search stay.
export const prefetch: PageModule['prefetch'] = (queries, { url }) => {
  void queries.prefetchQuery(countQuery('waiting'));
  return queries.prefetchInfiniteQuery(ticketsQuery(readView(url.searchParams)));
};

/** My tickets; tab and search stand in the address. */
export function Component() {
  const t = messages.useT();
  const me = useMe();
  const [language] = useLanguage();
  const [params] = useSearchParams();
  const view = readView(params);
  const title = t(may(me, 'ticket:view:all') ? 'nav.tickets_all' : 'nav.tickets');
  const tickets = useInfiniteQuery(ticketsQuery(view));
  const rows = tickets.data?.pages.flatMap((page) => page.rows) ?? [];
  const total = tickets.data?.pages[0]?.total ?? rows.length;

  return (
    <div className="page narrow">
      <title>{`${title} · ${me.tenant_name}`}</title>
      <div className="page-head">
        <h1>{title}</h1>
        <SearchField view={view} />
      </div>
      <Tabs view={view} />
      <p className="visually-hidden" role="status">
        {tickets.data && !tickets.isPlaceholderData && t('list.loaded', { count: total })}
      </p>
      <QueryFailure query={tickets} />
      {tickets.isError && !tickets.data ? null : tickets.isPending ? (
        <Loading lines={6} />
      ) : rows.length === 0 ? (
        <NothingHere view={view} />
      ) : (
        <div aria-busy={tickets.isPlaceholderData || undefined}>
          <TicketRows rows={rows} from={viewPath(view)} />
          {may(me, 'ticket:export') && (
            <p className="list-download">
              <a href={downloadUrl(view, language)} download>
                {t('list.download')}
              </a>
            </p>
          )}
          {tickets.hasNextPage && (
            <div className="list-more">
              <Button isPending={tickets.isFetchingNextPage} onPress={() => void tickets.fetchNextPage()}>
                {t('list.more')}
              </Button>
            </div>
          )}
        </div>
      )}
    </div>
  );
}

/** What the list shows, as a file. */
const downloadUrl = (view: TicketView, language: Language) =>
  api.url('/tickets/export.csv', {
    query: {
      status: statusesOf(view.tab),
      ...(view.search ? { search: view.search } : {}),
      language,
      time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    },
  });

/** Searches while one types; the address follows without filling the history. */
function SearchField({ view }: { view: TicketView }) {
  const t = messages.useT();
  const navigate = useNavigate();
  const [text, setText] = useState(view.search);
  const written = useRef(view.search);
  // The address changed by itself (back, a link): the field follows.
  if (view.search !== written.current && view.search !== text.trim()) {
    written.current = view.search;
    setText(view.search);
  }
  const { tab } = view;
  useTypingPause(text.trim().slice(0, 200), SEARCH_AFTER_MS, (wanted) => {
    if (wanted === written.current) return;
    written.current = wanted;
    void navigate(viewPath({ tab, search: wanted }), { replace: true });
  });
  return (
    <search className="list-search">
      <TextField
        type="search"
        label={t('list.search')}
        hideLabel
        placeholder={t('list.search_hint')}
        maxLength={200}
        value={text}
        onChange={setText}
      />
    </search>
  );
}

function Tabs({ view }: { view: TicketView }) {
  const t = messages.useT();
  const { data: waiting = 0 } = useQuery(countQuery('waiting'));
  const tabs: Tab[] =
    waiting > 0 || view.tab === 'waiting' ? ['open', 'waiting', 'closed'] : ['open', 'closed'];
  return (
    <nav className="tab-list" aria-label={t('list.tabs')}>
      {tabs.map((tab) => (
        <Link
          key={tab}
          className="tab"
          to={viewPath({ ...view, tab })}
          aria-current={tab === view.tab ? 'page' : undefined}
        >
          {t(`list.${tab}`)}
          {tab === 'waiting' && waiting > 0 && <span className="pill tone-warn tab-count">{waiting}</span>}
        </Link>
      ))}
    </nav>
  );
}

function NothingHere({ view }: { view: TicketView }) {
  const t = messages.useT();
  const all = useQuery(countQuery(null));
  if (view.search) {
    const other: Tab = view.tab === 'closed' ? 'open' : 'closed';
    return (
      <EmptyState
        icon="search"
        title={t('list.none_title')}
        action={
          <Link className="button" to={viewPath({ ...view, tab: other })}>
            {t('list.none_elsewhere', { tab: t(`list.${other}`) })}
          </Link>
        }
      >
        {t('list.none', { text: view.search })}
      </EmptyState>
    );
  }
  const isFirst = all.data === 0;
  const newTicket = (
    <Link className={isFirst ? 'button button-primary' : 'button'} to="/new">
      {t(isFirst ? 'list.first_action' : 'nav.new')}
    </Link>
  );
  if (isFirst) {
    return (
      <EmptyState icon="ticket" title={t('list.first_title')} action={newTicket}>
        {t('list.first')}
      </EmptyState>
    );
  }
  return (
    <EmptyState icon="circleCheck" title={t(`list.${view.tab}_empty_title`)} action={newTicket}>
      {t(`list.${view.tab}_empty`)}
    </EmptyState>
  );
}
