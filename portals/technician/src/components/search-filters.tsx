import type { QueryOf } from '@psa/app/api/typed';
import { TICKET_STATUSES } from '@psa/domain/ticket-status';
import { Button } from '@psa/ui/components/button';
import { ComboBox, type ComboOption } from '@psa/ui/components/combo-box';
import { NativeSelect } from '@psa/ui/components/native-select';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { customerQuery, findCustomers } from '../api/customers.ts';
import { messages } from '../i18n/search-messages.ts';

const STATUSES = ['', 'open', 'done', ...TICKET_STATUSES] as const;
const SINCE = ['', '7', '30', '90', '365'] as const;
const SORTS = ['', 'newest', 'due'] as const;
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const DAY = 86_400_000;

/** What narrows and sorts a search, as it stands in the address; empty is any. */
export interface SearchFilters {
  readonly status: (typeof STATUSES)[number];
  readonly customer: string;
  readonly since: (typeof SINCE)[number];
  readonly sort: (typeof SORTS)[number];
}

const oneOf = <const T extends readonly string[]>(values: T, given: string | null): T[number] =>
  values.find((value) => value === given) ?? '';

/** What an address asks for; what it cannot ask for counts as nothing. */
export const filtersOf = (params: URLSearchParams): SearchFilters => ({
  status: oneOf(STATUSES, params.get('status')),
  customer: ID.test(params.get('customer') ?? '') ? params.get('customer')! : '',
  since: oneOf(SINCE, params.get('since')),
  sort: oneOf(SORTS, params.get('sort')),
});

/** The same as the search takes it. Days begin at midnight UTC, so that the question stays the same all day. */
export function askedBy(filters: SearchFilters, now: number): Omit<QueryOf<'GET /search'>, 'q'> {
  const { status, customer, since, sort } = filters;
  const after = (Math.floor(now / DAY) - Number(since)) * DAY;
  return {
    ...(status && { status: status === 'done' ? 'resolved,closed' : status }),
    ...(customer && { customer_id: customer }),
    ...(since && { updated_after: new Date(after).toISOString() }),
    ...(sort && { sort }),
  };
}

/** Choices beside each other; `set` puts them into the address. */
export function SearchFilterBar({
  filters,
  set,
}: {
  filters: SearchFilters;
  set: (changes: Partial<SearchFilters>) => void;
}) {
  const t = messages.useT();
  const u = uiMessages.useT();
  const { status, since, sort } = filters;
  const isNarrowed = Object.values(filters).some((value) => value !== '');
  return (
    <fieldset className="search-filters">
      <legend className="visually-hidden">{t('filters')}</legend>
      <NativeSelect
        label={t('status')}
        value={status}
        onChange={(next) => set({ status: next })}
        options={STATUSES.map((value) => ({
          value,
          label:
            value === ''
              ? t('status.any')
              : value === 'open' || value === 'done'
                ? t(`status.${value}`)
                : u(`status.${value}`),
        }))}
      />
      <CustomerChoice id={filters.customer} set={(customer) => set({ customer })} />
      <NativeSelect
        label={t('since')}
        value={since}
        onChange={(next) => set({ since: next })}
        options={SINCE.map((value) => ({ value, label: t(`since.${value === '' ? 'any' : value}`) }))}
      />
      <NativeSelect
        label={t('sort')}
        value={sort}
        onChange={(next) => set({ sort: next })}
        options={SORTS.map((value) => ({ value, label: t(`sort.${value === '' ? 'relevance' : value}`) }))}
      />
      {isNarrowed && (
        <Button kind="quiet" onPress={() => set({ status: '', customer: '', since: '', sort: '' })}>
          {t('reset')}
        </Button>
      )}
    </fieldset>
  );
}

function CustomerChoice({ id, set }: { id: string; set: (id: string) => void }) {
  const t = messages.useT();
  const [chosen, setChosen] = useState<ComboOption | null>(null);
  const { data } = useQuery({ ...customerQuery(id), enabled: id !== '' });
  const value = id === '' ? null : chosen?.id === id ? chosen : { id, label: data?.data.name ?? '…' };
  return (
    <ComboBox
      label={t('customer')}
      placeholder={t('customer.any')}
      value={value}
      load={findCustomers}
      onChange={(option) => {
        setChosen(option);
        set(option?.id ?? '');
      }}
    />
  );
}
