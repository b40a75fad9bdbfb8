import { api } from '@psa/app/api/browser';
import { QueryFailure } from '@psa/app/components/error-state';
import type { PageModule } from '@psa/app/pages';
import { Link, useNavigate, useSearchParams } from '@psa/app/router';
import { may, useMe } from '@psa/app/session/session';
import { Button, IconButton } from '@psa/ui/components/button';
import { Icon } from '@psa/ui/components/icon';
import { EmptyState, Skeleton } from '@psa/ui/components/states';
import { VirtualList, type VirtualListHandle } from '@psa/ui/components/virtual-list';
import { useHotkeys } from '@psa/ui/hooks/use-hotkeys';
import { useMediaQuery, useNarrow } from '@psa/ui/hooks/use-media-query';
import { useFormats } from '@psa/ui/i18n/format';
import { useLanguage } from '@psa/ui/i18n/i18n';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from 'react';
import type { TicketRow } from '../api/tickets.ts';
import { messages } from '../i18n/list-messages.ts';
import { messages as ticketMessages } from '../i18n/ticket-messages.ts';
import { rememberListPath } from '../list-path.ts';
import { BulkBar } from '../tickets/bulk-bar.tsx';
import { useChosenColumns, useTicketColumns } from '../tickets/columns.tsx';
import {
  countConditions,
  encodeFilter,
  parseFilter,
  type SortColumn,
  type TicketFilter,
} from '../tickets/filter.ts';
import { FilterBar } from '../tickets/filter-bar.tsx';
import { listPath, listQuery, resetOf, viewAt } from '../tickets/ticket-views.ts';
import { prefetchRows, useTicketRows } from '../tickets/use-ticket-rows.ts';
import { useViewName, useViews } from '../tickets/view-links.tsx';
import { ViewActions } from '../tickets/views.tsx';

const ColumnPicker = lazy(() => import('../tickets/column-picker.tsx'));

export const prefetch: PageModule['prefetch'] = (queries, { url }) =>
  prefetchRows(queries, encodeFilter(parseFilter(url.searchParams)));

export function Component() {
  const t = messages.useT();
  const tt = ticketMessages.useT();
  const u = uiMessages.useT();
  const formats = useFormats();
  const me = useMe();
  const navigate = useNavigate();
  const [params, setParams] = useSearchParams();
  const narrow = useNarrow();
  const coarse = useMediaQuery('(pointer: coarse)');
  const list = useRef<VirtualListHandle>(null);
  const searchInput = useRef<HTMLInputElement>(null);

  const text = encodeFilter(parseFilter(params));
  const filter = useMemo(() => parseFilter(text), [text]);
  const views = useViews();
  const nameOf = useViewName();
  const { view, changed } = viewAt(views, filter, params.get('view'));
  const [selection, setSelection] = useState<{ of: string; ids: ReadonlySet<string> }>({
    of: text,
    ids: new Set(),
  });
  // A selection belongs to the list it was made in.
  const selected = selection.of === text ? selection.ids : new Set<string>();
  const rows = useTicketRows(text);
  const path = listPath(text, changed ? view : null);
  useEffect(() => rememberListPath(path), [path]);

  const move = (key: string) => () => list.current?.move(key);
  useHotkeys([
    { keys: 'j', label: `${t('list.title')}: ↓`, run: move('j') },
    { keys: 'k', label: `${t('list.title')}: ↑`, run: move('k') },
    { keys: 'x', label: u('list.select_row'), run: () => list.current?.toggleActive() },
    { keys: 'enter', run: () => list.current?.openActive() },
    { keys: '/', label: t('list.search'), run: () => searchInput.current?.focus() },
    { keys: 'r', label: t('list.refresh'), run: rows.refresh },
  ]);

  const { chosen, toggle } = useChosenColumns();
  const columns = useTicketColumns(chosen, { narrow, searching: filter.search !== '' });
  const open = (row: TicketRow, { newTab }: { newTab: boolean }) => {
    const to = `/tickets/${row.id}`;
    if (newTab) window.open(to, '_blank', 'noopener');
    else void navigate(to);
  };
  const show = (change: (filter: TicketFilter) => TicketFilter) =>
    setParams(
      (before) => {
        const asked = parseFilter(before);
        const next = change(asked);
        const from = viewAt(views, asked, before.get('view')).view;
        const to = viewAt(views, next, from?.id ?? null);
        return listQuery(next, to.changed ? to.view : null);
      },
      { replace: true },
    );
  const reset = () => void navigate(listPath(resetOf(view, filter)), { replace: true });
  const title = view ? nameOf(view) : t('list.title');

  return (
    <div className="page page-full list-page">
      <title>{`${title} · ${me.tenant_name}`}</title>
      <div className="list-head">
        <h1>{title}</h1>
        <span className="muted num list-count" role="status">
          {rows.isPending ? (
            <Skeleton width="3rem" />
          ) : rows.total > rows.count ? (
            t('list.capped', { shown: formats.number(rows.count), total: formats.number(rows.total) })
          ) : (
            t('list.count', { count: rows.total })
          )}
        </span>
        <FilterBar
          filter={filter}
          searchInput={searchInput}
          onDone={() => list.current?.focus()}
          onChange={show}
          onReset={changed && countConditions(filter) > 0 ? reset : null}
        />
        <div className="list-actions">
          {rows.changes > 0 && (
            <Button icon="refresh" onPress={rows.refresh}>
              {t('list.changed', { count: rows.changes })}
            </Button>
          )}
          <ViewActions query={text} view={view} changed={changed} />
          {!narrow && <ColumnButton chosen={chosen} onToggle={toggle} />}
          {may(me, 'ticket:export') && <DownloadLink filter={filter} />}
        </div>
      </div>
      {rows.failure.data && <QueryFailure query={rows.failure} />}
      <div className="list-body">
        {rows.failure.isError && !rows.failure.data ? (
          <QueryFailure query={rows.failure} />
        ) : (
          <VirtualList<TicketRow>
            key={text}
            ref={list}
            label={t('list.title')}
            placeKey={`tickets?${text}`}
            columns={columns}
            count={rows.isPending ? 12 : rows.count}
            itemAt={rows.itemAt}
            itemKey={(row) => row.id}
            onOpen={open}
            onRange={rows.onRange}
            rowHeight={narrow ? 68 : coarse ? 44 : 36}
            selected={selected}
            onSelect={(ids) => setSelection({ of: text, ids })}
            {...(filter.sort ? { sort: { column: filter.sort, direction: filter.order } } : {})}
            onSort={(column, order) => show((asked) => ({ ...asked, sort: column as SortColumn, order }))}
            isBusy={rows.isFetching}
            empty={
              countConditions(filter) === 0 ? (
                <EmptyState
                  icon="ticket"
                  title={t('list.none_yet')}
                  action={
                    <Link className="button button-primary" to="/tickets/new">
                      {tt('new.title')}
                    </Link>
                  }
                />
              ) : (
                <EmptyState
                  icon="filter"
                  title={t('list.empty')}
                  {...(changed
                    ? {
                        action: (
                          <Button kind="plain" onPress={reset}>
                            {t('list.reset')}
                          </Button>
                        ),
                      }
                    : {})}
                >
                  {t('list.empty_hint')}
                </EmptyState>
              )
            }
          />
        )}
        <BulkBar
          selected={selected}
          rowOf={rows.rowOf}
          onClear={() => setSelection({ of: text, ids: new Set() })}
          selectActive={() => list.current?.toggleActive()}
          onChanged={rows.changedHere}
        />
      </div>
    </div>
  );
}

/** The list as a file, with its filters; the server writes it as it is read. */
function DownloadLink({ filter }: { filter: TicketFilter }) {
  const t = messages.useT();
  const [language] = useLanguage();
  const query = {
    ...Object.fromEntries(new URLSearchParams(encodeFilter({ ...filter, sort: null }))),
    language,
    time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
  return (
    <a
      className="button button-quiet icon-button"
      href={api.url('/tickets/export.csv', { query })}
      aria-label={t('list.download')}
      title={t('list.download')}
      download
    >
      <Icon name="download" />
    </a>
  );
}

function ColumnButton(props: Pick<Parameters<typeof ColumnPicker>[0], 'chosen' | 'onToggle'>) {
  const t = messages.useT();
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  return (
    <>
      <IconButton
        ref={button}
        icon="columns"
        label={t('list.columns')}
        aria-expanded={open}
        onPress={() => setOpen(true)}
      />
      {open && (
        <Suspense>
          <ColumnPicker trigger={button} {...props} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
