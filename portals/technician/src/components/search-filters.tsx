import { Button } from '@psa/ui/components/button';
import { ComboBox, type ComboOption } from '@psa/ui/components/combo-box';
import { NativeSelect } from '@psa/ui/components/native-select';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { customerQuery, findCustomers } from '../api/customers.ts';
import { messages } from '../i18n/search-messages.ts';
import { type SearchFilters, SINCE, SORTS, STATUSES } from './search-asked.ts';

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
