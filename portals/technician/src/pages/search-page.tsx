import type { SearchHit } from '@psa/app/api/types';
import { QueryFailure } from '@psa/app/components/error-state';
import type { PageModule } from '@psa/app/pages';
import { Link, useSearchParams } from '@psa/app/router';
import { useMe } from '@psa/app/session/session';
import { Icon } from '@psa/ui/components/icon';
import { Marked } from '@psa/ui/components/marked';
import { PriorityPill, StatusPill } from '@psa/ui/components/pill';
import { EmptyState, Skeleton } from '@psa/ui/components/states';
import { useHotkeys } from '@psa/ui/hooks/use-hotkeys';
import { useFormats } from '@psa/ui/i18n/format';
import { PRIORITY_LOOK, type Priority, STATUS_LOOK, type TicketStatus } from '@psa/ui/look';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { hitPath, SEARCH_PAGE, searchQuery } from '../api/search.ts';
import { Pager } from '../components/pager.tsx';
import { askedBy, filtersOf, type SearchFilters } from '../components/search-asked.ts';
import { SearchFilterBar } from '../components/search-filters.tsx';
import { messages } from '../i18n/customer-messages.ts';
import { messages as appMessages } from '../i18n/messages.ts';
import { messages as searchMessages } from '../i18n/search-messages.ts';

const KINDS = [
  { types: '', text: 'search.all' },
  { types: 'ticket', text: 'search.tickets' },
  { types: 'customer', text: 'search.customers' },
  { types: 'contact', text: 'search.contacts' },
] as const;

/** What an address asks for. */
function searchOf(params: URLSearchParams) {
  const q = (params.get('q') ?? '').trim().slice(0, 200);
  const types = KINDS.find((kind) => kind.types === params.get('types'))?.types ?? '';
  const filters = filtersOf(params);
  const asked = { ...(types && { types }), ...askedBy(filters, Date.now()) };
  const page = Math.min(400, Math.max(1, Number(params.get('page')) || 1));
  return { q, types, page, filters, query: searchQuery(q, asked, (page - 1) * SEARCH_PAGE) };
}

type Asked = Partial<SearchFilters> & { q?: string; types?: string; page?: string };
type Changes = (filters: SearchFilters) => Asked;

/** The query of the page's address. */
const addressOf = (asked: Asked) =>
  new URLSearchParams(Object.entries(asked).filter(([, value]) => value !== ''));

export const prefetch: PageModule['prefetch'] = (queries, { url }) => {
  const { q, query } = searchOf(url.searchParams);
  return q === '' ? null : queries.prefetchQuery(query);
};

/** One search over tickets, customers and contacts. */
export function Component() {
  const t = messages.useT();
  const s = searchMessages.useT();
  const me = useMe();
  const formats = useFormats();
  const [params, setParams] = useSearchParams();
  const { q, types, page, filters, query } = searchOf(params);
  const [text, setText] = useState(q);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => setText(q), [q]);
  useHotkeys([{ keys: '/', label: t('search.field'), run: () => input.current?.focus() }]);
  const result = useQuery(query);
  /** The search that was asked for last, from its first page, with something changed. */
  const change = (changes: Changes) =>
    setParams((before) => {
      const asked = searchOf(before);
      return addressOf({ q: asked.q, types: asked.types, ...asked.filters, ...changes(asked.filters) });
    });
  const data = result.data;
  const corrected = Object.values(data?.meta.corrected ?? {}).flat();
  return (
    <div className="page narrow-page">
      <title>{`${t('search.title')} · ${me.tenant_name}`}</title>
      <h1>{t('search.title')}</h1>
      <search>
        <form
          noValidate
          onSubmit={(event: FormEvent) => {
            event.preventDefault();
            change(() => ({ q: text.trim() }));
          }}
        >
          <input
            ref={input}
            // biome-ignore lint/a11y/noAutofocus: a page opened to type in
            autoFocus
            type="search"
            className="input"
            aria-label={t('search.field')}
            placeholder={t('search.placeholder')}
            maxLength={200}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </form>
      </search>
      {q === '' ? (
        <EmptyState icon="search" title={t('search.start')}>
          {t('search.start_hint')}
        </EmptyState>
      ) : (
        <>
          <nav className="kinds" aria-label={t('search.kind')}>
            {KINDS.map((kind) => (
              <Link
                key={kind.types}
                className="kind-link"
                to={`/search?${addressOf({ q, ...filters, ...ofKind(kind.types, filters) })}`}
                aria-current={kind.types === types ? 'page' : undefined}
              >
                {t(kind.text)}
              </Link>
            ))}
          </nav>
          <SearchFilterBar
            filters={filters}
            set={(changes) =>
              change((asked) => {
                const next = { ...asked, ...changes };
                // These are of tickets alone.
                return next.status !== '' || next.sort === 'due' ? { ...next, types: 'ticket' } : next;
              })
            }
          />
          <div className="muted" role="status">
            {data &&
              (data.meta.total_relation === 'gte'
                ? t('search.count_many', { count: formats.number(data.meta.total) })
                : t('search.count', { count: data.meta.total }))}
            {corrected.length > 0 && ` · ${t('search.corrected', { words: corrected.join(', ') })}`}
          </div>
          {result.isPending && <Skeleton lines={6} />}
          <QueryFailure query={result} />
          {data?.hits.length === 0 && (
            <EmptyState icon="search" title={t('search.none')}>
              {Object.values(filters).some((value) => value !== '') ? s('none_here') : t('search.none_hint')}
            </EmptyState>
          )}
          {data && data.hits.length > 0 && (
            <ul className="hits" aria-label={t('search.results')}>
              {data.hits.map((hit) => (
                <Hit key={`${hit.type}${hit.id}`} hit={hit} />
              ))}
            </ul>
          )}
          {data && (
            <Pager
              page={page}
              pages={
                data.meta.total_relation === 'gte' ? undefined : Math.ceil(data.meta.total / SEARCH_PAGE)
              }
              hasMore={page * SEARCH_PAGE < data.meta.total}
              onPage={(next) => change(() => ({ page: String(next) }))}
            />
          )}
        </>
      )}
    </div>
  );
}

/** Other kinds than tickets have neither a status nor a deadline. */
const ofKind = (types: string, { sort }: SearchFilters): Partial<SearchFilters> & { types: string } =>
  types === 'ticket' ? { types } : { types, status: '', sort: sort === 'due' ? '' : sort };

function Hit({ hit }: { hit: SearchHit }) {
  const app = appMessages.useT();
  const formats = useFormats();
  const { status, priority, ticket_number: number, customer_name: customer } = hit.summary;
  return (
    <li className="hit">
      <div className="row">
        <Icon name={hit.type === 'ticket' ? 'ticket' : hit.type === 'customer' ? 'building' : 'user'} />
        <span className="muted hit-kind">
          {app(`type.${hit.type}`)}
          {typeof number === 'number' && ` ${number}`}
        </span>
        <Link className="clip" to={hitPath(hit)}>
          <Marked>{hit.highlights.title || hit.title}</Marked>
        </Link>
        {typeof status === 'string' && hit.type === 'ticket' && status in STATUS_LOOK && (
          <StatusPill status={status as TicketStatus} />
        )}
        {typeof priority === 'string' && priority in PRIORITY_LOOK && (
          <PriorityPill priority={priority as Priority} compact />
        )}
        <span className="spacer" />
        <time className="muted hit-time" dateTime={hit.updated_at}>
          {formats.relative(hit.updated_at)}
        </time>
      </div>
      {typeof customer === 'string' && <div className="muted">{customer}</div>}
      {hit.highlights.body && (
        <p className="muted">
          <Marked>{hit.highlights.body}</Marked>
        </p>
      )}
    </li>
  );
}
