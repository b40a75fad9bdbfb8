import { QueryFailure } from '@psa/app/components/error-state';
import type { PageModule } from '@psa/app/pages';
import { Link, useNavigate, useSearchParams } from '@psa/app/router';
import { useMe } from '@psa/app/session/session';
import { Avatar } from '@psa/ui/components/avatar';
import { Button } from '@psa/ui/components/button';
import { Marked } from '@psa/ui/components/marked';
import { PriorityPill, StatusPill } from '@psa/ui/components/pill';
import { Alert, EmptyState, Skeleton } from '@psa/ui/components/states';
import { type ListColumn, VirtualList, type VirtualListHandle } from '@psa/ui/components/virtual-list';
import { useHotkeys } from '@psa/ui/hooks/use-hotkeys';
import { useMediaQuery, useNarrow } from '@psa/ui/hooks/use-media-query';
import { useFormats } from '@psa/ui/i18n/format';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { TicketRow } from '../api/tickets.ts';
import { messages } from '../i18n/list-messages.ts';
import { messages as ticketMessages } from '../i18n/ticket-messages.ts';
import { rememberListPath } from '../list-path.ts';
import { BulkBar } from '../tickets/bulk-bar.tsx';
import { countConditions, encodeFilter, parseFilter, type SortColumn } from '../tickets/filter.ts';
import { FilterBar } from '../tickets/filter-bar.tsx';
import { ShownClock } from '../tickets/shown-clock.tsx';
import { prefetchRows, useTicketRows } from '../tickets/use-ticket-rows.ts';
import { Views } from '../tickets/views.tsx';

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
  const [selection, setSelection] = useState<{ of: string; ids: ReadonlySet<string> }>({
    of: text,
    ids: new Set(),
  });
  // A selection belongs to the list it was made in.
  const selected = selection.of === text ? selection.ids : new Set<string>();
  const rows = useTicketRows(text);
  useEffect(() => rememberListPath(text === '' ? '/tickets' : `/tickets?${text}`), [text]);

  const move = (key: string) => () => list.current?.move(key);
  useHotkeys([
    { keys: 'j', label: `${t('list.title')}: ↓`, run: move('j') },
    { keys: 'k', label: `${t('list.title')}: ↑`, run: move('k') },
    { keys: 'x', label: u('list.select_row'), run: () => list.current?.toggleActive() },
    { keys: 'enter', run: () => list.current?.openActive() },
    { keys: '/', label: t('list.search'), run: () => searchInput.current?.focus() },
    { keys: 'r', label: t('list.refresh'), run: rows.refresh },
  ]);

  const columns = useColumns(narrow, filter.search !== '');
  const open = (row: TicketRow, { newTab }: { newTab: boolean }) => {
    const path = `/tickets/${row.id}`;
    if (newTab) window.open(path, '_blank', 'noopener');
    else void navigate(path);
  };

  return (
    <div className="page page-full list-page">
      <title>{`${t('list.title')} · ${me.tenant_name}`}</title>
      <div className="list-head">
        <h1>{t('list.title')}</h1>
        <span className="muted num" role="status">
          {rows.isPending ? <Skeleton width="5rem" /> : t('list.count', { count: rows.total })}
        </span>
      </div>
      <Views current={text} />
      <FilterBar
        filter={filter}
        searchInput={searchInput}
        onDone={() => list.current?.focus()}
        onChange={(next) => setParams(encodeFilter(next), { replace: true })}
      />
      <BulkBar
        selected={selected}
        rowOf={rows.rowOf}
        onClear={() => setSelection({ of: text, ids: new Set() })}
        selectActive={() => list.current?.toggleActive()}
        onChanged={rows.changedHere}
      />
      {rows.changes > 0 && (
        <div className="list-notice" role="status">
          {t('list.changed', { count: rows.changes })}
          <Button icon="refresh" onPress={rows.refresh}>
            {t('list.refresh')}
          </Button>
        </div>
      )}
      {rows.total > rows.count && (
        <Alert tone="info">
          {t('list.capped', { shown: formats.number(rows.count), total: formats.number(rows.total) })}
        </Alert>
      )}
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
            onSort={(column, order) =>
              setParams(encodeFilter({ ...filter, sort: column as SortColumn, order }), { replace: true })
            }
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
                  action={
                    <Link className="button button-plain" to="/tickets">
                      {t('list.reset')}
                    </Link>
                  }
                >
                  {t('list.empty_hint')}
                </EmptyState>
              )
            }
          />
        )}
      </div>
    </div>
  );
}

function useColumns(narrow: boolean, searching: boolean): ListColumn<TicketRow>[] {
  const t = messages.useT();
  const formats = useFormats();
  const wide = useMediaQuery('(min-width: 100rem)');
  return useMemo(() => {
    const subject = (row: TicketRow) => (
      <Link to={`/tickets/${row.id}`} tabIndex={-1}>
        {row.highlight ? <Marked>{row.highlight.title || row.title}</Marked> : row.title}
      </Link>
    );
    const found = (row: TicketRow) =>
      searching && row.highlight?.body ? (
        <span className="muted found">
          {' '}
          <Marked>{row.highlight.body}</Marked>
        </span>
      ) : null;
    const due = (row: TicketRow) => <ShownClock sla={row.sla} />;
    if (narrow) {
      return [
        {
          id: 'title',
          header: t('list.subject'),
          width: 'minmax(0, 1fr)',
          cell: (row) => (
            <div className="ticket-card">
              <div className="ticket-card-title">
                <span className="muted num">{row.ticket_number}</span> {subject(row)}
              </div>
              <div className="ticket-card-facts">
                <StatusPill status={row.status} />
                <PriorityPill priority={row.priority} compact />
                <span className="ticket-card-customer">{row.customer?.name}</span>
                {due(row)}
              </div>
            </div>
          ),
        },
      ];
    }
    const columns: ListColumn<TicketRow>[] = [
      {
        id: 'ticket_number',
        header: t('list.number'),
        width: '4rem',
        sortable: true,
        cell: (row) => <span className="muted num">{row.ticket_number}</span>,
      },
      {
        id: 'priority',
        header: t('list.priority'),
        width: '4.5rem',
        sortable: true,
        cell: (row) => <PriorityPill priority={row.priority} compact />,
      },
      {
        id: 'title',
        header: t('list.subject'),
        width: 'minmax(10rem, 1fr)',
        sortable: true,
        cell: (row) => (
          <div className="subject">
            <span className="clip">{subject(row)}</span>
            {row.tags?.slice(0, 3).map((tag) => (
              <span key={tag} className="tag">
                {tag}
              </span>
            ))}
            {found(row)}
          </div>
        ),
      },
      {
        id: 'status',
        header: t('list.status'),
        width: '11rem',
        sortable: true,
        cell: (row) => <StatusPill status={row.status} />,
      },
      { id: 'customer', header: t('list.customer'), width: '9rem', cell: (row) => row.customer?.name ?? '–' },
      {
        id: 'assigned_to',
        header: t('list.assignee'),
        width: '8.5rem',
        cell: (row) =>
          row.assignee ? (
            <span className="person">
              <Avatar name={row.assignee.name} />
              <span className="clip">{row.assignee.name}</span>
            </span>
          ) : (
            <span className="muted">–</span>
          ),
      },
      { id: 'sla_due', header: t('list.due'), width: '12.5rem', sortable: true, cell: due },
    ];
    if (wide) {
      columns.push({
        id: 'updated_at',
        header: t('list.updated'),
        width: '8rem',
        sortable: true,
        cell: (row) => (
          <span className="muted" title={row.updated_at && formats.dateTime(row.updated_at)}>
            {row.updated_at ? formats.relative(row.updated_at) : ''}
          </span>
        ),
      });
    }
    return columns;
  }, [t, formats, narrow, wide, searching]);
}
