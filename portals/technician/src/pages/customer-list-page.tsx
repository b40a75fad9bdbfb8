import { api } from '@psa/app/api/browser';
import type { Customer } from '@psa/app/api/types';
import { QueryFailure } from '@psa/app/components/error-state';
import type { PageModule } from '@psa/app/pages';
import { Link, useNavigate, useSearchParams } from '@psa/app/router';
import { may, useMe } from '@psa/app/session/session';
import { useTypingPause } from '@psa/app/use-typing-pause';
import { Button } from '@psa/ui/components/button';
import { NativeSelect } from '@psa/ui/components/native-select';
import { Badge } from '@psa/ui/components/pill';
import { EmptyState } from '@psa/ui/components/states';
import { Table } from '@psa/ui/components/table';
import { useHotkeys } from '@psa/ui/hooks/use-hotkeys';
import { useNarrow } from '@psa/ui/hooks/use-media-query';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { customerListQuery } from '../api/customers.ts';
import { Pager } from '../components/pager.tsx';
import { CustomerDialog } from '../customers/dialogs.tsx';
import { CUSTOMER_TONE } from '../customers/look.ts';
import { messages } from '../i18n/customer-messages.ts';

const LIMIT = 50;
const STATUSES = ['active', 'prospect', 'inactive'] as const satisfies readonly Customer['status'][];

/** What an address asks for. */
function listOf(params: URLSearchParams) {
  const search = params.get('search') ?? '';
  const status = STATUSES.find((known) => known === params.get('status')) ?? '';
  const page = Math.max(1, Number(params.get('page')) || 1);
  const query = customerListQuery({
    search: search || undefined,
    status: status || undefined,
    page,
    limit: LIMIT,
    sort: search ? undefined : 'name',
  });
  return { search, status, page, query };
}

export const prefetch: PageModule['prefetch'] = (queries, { url }) =>
  queries.prefetchQuery(listOf(url.searchParams).query);

/** Customers by name, with search and status in the URL. */
export function Component() {
  const t = messages.useT();
  const me = useMe();
  const navigate = useNavigate();
  const narrow = useNarrow();
  const [params, setParams] = useSearchParams();
  const { search, status, page, query } = listOf(params);
  const input = useRef<HTMLInputElement>(null);
  useHotkeys([{ keys: '/', label: t('search'), run: () => input.current?.focus() }]);
  const list = useQuery(query);
  const set = (changes: Record<string, string>) => {
    setParams(
      (next) => {
        for (const [name, value] of Object.entries({ page: '', ...changes })) {
          if (value === '') next.delete(name);
          else next.set(name, value);
        }
        return next;
      },
      { replace: true },
    );
  };
  const rows = list.data?.rows ?? [];
  const meta = list.data?.meta;
  const hasMore = meta?.next_cursor != null || (meta?.total_pages !== undefined && page < meta.total_pages);

  return (
    <div className="page">
      <title>{`${t('title')} · ${me.tenant_name}`}</title>
      <div className="page-head">
        <h1>{t('title')}</h1>
        {meta?.total !== undefined && (
          <span className="muted num" role="status">
            {meta.total_relation === 'gte'
              ? t('count_many', { count: meta.total })
              : t('count', { count: meta.total })}
          </span>
        )}
        <span className="spacer" />
        {may(me, 'customer:export') && (
          <a className="button" href={api.url('/customers/export.csv')} download>
            {t('export')}
          </a>
        )}
        {may(me, 'customer:import') && (
          <Link className="button" to="/customers/import">
            {t('import')}
          </Link>
        )}
        {may(me, 'customer:create') && (
          <Button icon="plus" onPress={() => set({ new: '1' })}>
            {t('new')}
          </Button>
        )}
      </div>
      <search className="filter-bar" aria-label={t('search')}>
        <SearchInput
          input={input}
          value={search}
          label={t('search')}
          placeholder={t('search_placeholder')}
          onSearch={(text) => set({ search: text })}
        />
        <NativeSelect
          label={t('status')}
          hideLabel
          value={status}
          onChange={(value) => set({ status: value })}
          options={[
            { value: '', label: `${t('status')}: ${t('any')}` },
            ...STATUSES.map((value) => ({
              value,
              label: t(`status.${value}`),
            })),
          ]}
        />
      </search>
      <QueryFailure query={list} />
      {list.isSuccess && rows.length === 0 && (
        <EmptyState icon="building" title={t(search || status ? 'empty' : 'none_yet')}>
          {search || status ? null : t('none_yet_text')}
        </EmptyState>
      )}
      {rows.length > 0 && (
        <div className="panel">
          <Table<Customer>
            caption={t('title')}
            rows={rows}
            rowKey={(row) => row.id}
            columns={[
              {
                id: 'number',
                header: t('number'),
                cell: (row) => <span className="muted num">K{row.customer_number}</span>,
              },
              {
                id: 'name',
                header: t('name'),
                rowHeader: true,
                cell: (row) => <Link to={`/customers/${row.id}`}>{row.name}</Link>,
              },
              {
                id: 'status',
                header: t('status'),
                cell: (row) => <Badge tone={CUSTOMER_TONE[row.status]}>{t(`status.${row.status}`)}</Badge>,
              },
              ...(narrow
                ? []
                : [
                    { id: 'email', header: t('email'), cell: (row: Customer) => row.email ?? '–' },
                    { id: 'phone', header: t('phone'), cell: (row: Customer) => row.phone ?? '–' },
                    { id: 'tags', header: t('tags'), cell: (row: Customer) => row.tags.join(', ') },
                  ]),
            ]}
          />
          <Pager
            page={page}
            pages={meta?.total_relation === 'gte' ? undefined : meta?.total_pages}
            hasMore={hasMore}
            onPage={(next) => set({ page: String(next) })}
          />
        </div>
      )}
      {params.get('new') === '1' && may(me, 'customer:create') && (
        <CustomerDialog
          customer={null}
          onClose={() => set({ new: '' })}
          onSaved={(customer) => void navigate(`/customers/${customer.id}`)}
        />
      )}
    </div>
  );
}

function SearchInput(props: {
  input: React.RefObject<HTMLInputElement | null>;
  value: string;
  label: string;
  placeholder: string;
  onSearch: (text: string) => void;
}) {
  const [text, setText] = useState(props.value);
  useEffect(() => setText(props.value), [props.value]);
  useTypingPause(text.trim(), 300, (typed) => {
    if (typed !== props.value) props.onSearch(typed);
  });
  return (
    <input
      ref={props.input}
      type="search"
      className="input filter-search"
      aria-label={props.label}
      placeholder={props.placeholder}
      maxLength={200}
      value={text}
      onChange={(event) => setText(event.target.value)}
    />
  );
}
