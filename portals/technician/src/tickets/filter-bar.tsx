import type { Priority, TicketStatus } from '@psa/app/api/types';
import { useMe } from '@psa/app/session/session';
import { categoriesQuery } from '@psa/app/tickets';
import { useTypingPause } from '@psa/app/use-typing-pause';
import { Button } from '@psa/ui/components/button';
import { Checkbox } from '@psa/ui/components/checkbox';
import { ComboBox, type ComboOption } from '@psa/ui/components/combo-box';
import { NativeSelect } from '@psa/ui/components/native-select';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { useQuery } from '@tanstack/react-query';
import { type RefObject, useRef, useState } from 'react';
import { customerQuery, findCustomers } from '../api/customers.ts';
import { teamsQuery, techniciansQuery } from '../api/desk.ts';
import { ticketTagsQuery } from '../api/tickets.ts';
import { messages } from '../i18n/list-messages.ts';
import { countConditions, NO_FILTER, PRIORITIES, STATUSES, type TicketFilter } from './filter.ts';

const TYPING_PAUSE = 300;

export interface FilterBarProps {
  filter: TicketFilter;
  onChange: (filter: TicketFilter) => void;
  searchInput: RefObject<HTMLInputElement | null>;
  /** Enter in the search field goes on to the list. */
  onDone: () => void;
}

/** Conditions of the ticket list; the URL holds them, this only shows and changes them. */
export function FilterBar({ filter, onChange, searchInput, onDone }: FilterBarProps) {
  const t = messages.useT();
  const u = uiMessages.useT();
  const [open, setOpen] = useState(false);
  const rare = [filter.team_id, filter.tag, filter.category, filter.watching || null].filter(
    (value) => value !== null,
  ).length;
  const [more, setMore] = useState(rare > 0);
  const active = countConditions({ ...filter, search: '' });
  const set = (changes: Partial<TicketFilter>) => onChange({ ...filter, ...changes });
  const any = { value: '', label: t('list.any') };

  const statusValue = filter.status.length > 1 ? 'some' : (filter.status[0] ?? '');
  const priorityValue = filter.priority.length > 1 ? 'some' : (filter.priority[0] ?? '');
  const some = { value: 'some', label: t('list.status_some'), disabled: true };

  return (
    <search className="filter-bar" aria-label={t('list.filters')}>
      <SearchField
        filter={filter}
        input={searchInput}
        onDone={onDone}
        onSearch={(search) => {
          if (search !== filter.search) set({ search });
        }}
      />
      <span className="narrow-only">
        <Button icon="filter" aria-expanded={open} onPress={() => setOpen(!open)}>
          {active > 0 ? t('list.filters_active', { count: active }) : t('list.filters')}
        </Button>
      </span>
      <div className="filter-fields" data-open={open || undefined}>
        <NativeSelect
          label={t('list.status')}
          value={statusValue}
          onChange={(value) => set({ status: value === '' ? [] : [value as TicketStatus | 'open'] })}
          options={[
            any,
            { value: 'open', label: t('list.status_open') },
            ...STATUSES.map((value) => ({ value, label: u(`status.${value}`) })),
            ...(statusValue === 'some' ? [some] : []),
          ]}
        />
        <NativeSelect
          label={t('list.priority')}
          value={priorityValue}
          onChange={(value) => set({ priority: value === '' ? [] : [value as Priority] })}
          options={[
            any,
            ...PRIORITIES.map((value) => ({ value, label: u(`priority.${value}`) })),
            ...(priorityValue === 'some' ? [some] : []),
          ]}
        />
        <AssigneeFilter filter={filter} set={set} />
        <CustomerFilter filter={filter} set={set} />
        <NativeSelect
          label={t('list.sla')}
          value={filter.sla ?? ''}
          onChange={(value) => set({ sla: value === 'at_risk' || value === 'breached' ? value : null })}
          options={[
            any,
            { value: 'at_risk', label: t('list.sla_at_risk') },
            { value: 'breached', label: t('list.sla_breached') },
          ]}
        />
        <Button kind="quiet" icon="filter" aria-expanded={more} onPress={() => setMore(!more)}>
          {rare > 0 && !more ? t('list.more_active', { count: rare }) : t('list.more')}
        </Button>
        {more && (
          <>
            <TeamFilter filter={filter} set={set} />
            <WordFilter name="tag" filter={filter} set={set} />
            <WordFilter name="category" filter={filter} set={set} />
            <Checkbox isSelected={filter.watching} onChange={(watching) => set({ watching })}>
              {t('list.watching')}
            </Checkbox>
          </>
        )}
        {active > 0 && (
          <Button
            kind="quiet"
            icon="close"
            onPress={() => onChange({ ...NO_FILTER, sort: filter.sort, order: filter.order })}
          >
            {t('list.reset')}
          </Button>
        )}
      </div>
    </search>
  );
}

function SearchField(props: {
  filter: TicketFilter;
  input: RefObject<HTMLInputElement | null>;
  onSearch: (text: string) => void;
  onDone: () => void;
}) {
  const t = messages.useT();
  const [text, setText] = useState(props.filter.search);
  const sent = useRef(props.filter.search);
  // Back, forward or a view: the field follows the URL, unless the URL follows the field.
  if (sent.current !== props.filter.search) {
    sent.current = props.filter.search;
    if (text.trim() !== props.filter.search) setText(props.filter.search);
  }
  function send(value: string): void {
    sent.current = value.trim();
    props.onSearch(value.trim());
  }
  useTypingPause(text, TYPING_PAUSE, (typed) => {
    if (typed.trim() !== sent.current) send(typed);
  });
  return (
    <input
      ref={props.input}
      type="search"
      className="input filter-search"
      aria-label={t('list.search')}
      placeholder={t('list.search_placeholder')}
      maxLength={200}
      value={text}
      onChange={(event) => setText(event.target.value)}
      onKeyDown={(event) => {
        if (event.nativeEvent.isComposing) return;
        if (event.key === 'Enter') {
          send(text);
          props.onDone();
        } else if (event.key === 'Escape' && text === '') props.onDone();
      }}
    />
  );
}

interface PartProps {
  filter: TicketFilter;
  set: (changes: Partial<TicketFilter>) => void;
}

function AssigneeFilter({ filter, set }: PartProps) {
  const t = messages.useT();
  const me = useMe();
  const { data = [] } = useQuery(techniciansQuery);
  const value = filter.assigned_to === me.id ? 'me' : (filter.assigned_to ?? '');
  const people = data
    .filter((person) => person.id !== me.id)
    .sort((a, b) => a.name.localeCompare(b.name))
    .map((person) => ({ value: person.id, label: person.name }));
  const known = ['', 'me', 'none'].includes(value) || people.some((person) => person.value === value);
  return (
    <NativeSelect
      label={t('list.assignee')}
      value={value}
      onChange={(next) => set({ assigned_to: next === '' ? null : next })}
      options={[
        { value: '', label: t('list.any') },
        { value: 'me', label: t('list.me') },
        { value: 'none', label: t('list.nobody') },
        ...people,
        ...(known ? [] : [{ value, label: '…' }]),
      ]}
    />
  );
}

function TeamFilter({ filter, set }: PartProps) {
  const t = messages.useT();
  const { data = [] } = useQuery(teamsQuery);
  if (data.length === 0 && !filter.team_id) return null;
  return (
    <NativeSelect
      label={t('list.team')}
      value={filter.team_id ?? ''}
      onChange={(value) => set({ team_id: value === '' ? null : value })}
      options={[
        { value: '', label: t('list.any') },
        ...data.map(({ id, name }) => ({ value: id, label: name })),
      ]}
    />
  );
}

function WordFilter({ name, filter, set }: PartProps & { name: 'tag' | 'category' }) {
  const t = messages.useT();
  const { data = [] } = useQuery(name === 'tag' ? ticketTagsQuery : categoriesQuery);
  const value = filter[name] ?? '';
  const words = value !== '' && !data.includes(value) ? [...data, value] : data;
  if (words.length === 0) return null;
  return (
    <NativeSelect
      label={t(`list.${name}`)}
      value={value}
      onChange={(next) => set({ [name]: next === '' ? null : next })}
      options={[{ value: '', label: t('list.any') }, ...words.map((word) => ({ value: word, label: word }))]}
    />
  );
}

function CustomerFilter({ filter, set }: PartProps) {
  const t = messages.useT();
  const [chosen, setChosen] = useState<ComboOption | null>(null);
  const { data } = useQuery({
    ...customerQuery(filter.customer_id ?? ''),
    enabled: filter.customer_id !== null,
  });
  const value =
    filter.customer_id === null
      ? null
      : chosen?.id === filter.customer_id
        ? chosen
        : { id: filter.customer_id, label: data?.data.name ?? '…' };
  return (
    <ComboBox
      label={t('list.customer')}
      placeholder={t('list.any')}
      value={value}
      load={findCustomers}
      onChange={(option) => {
        setChosen(option);
        set({ customer_id: option?.id ?? null });
      }}
    />
  );
}
