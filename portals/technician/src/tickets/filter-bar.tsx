import { useTypingPause } from '@psa/app/use-typing-pause';
import { Button } from '@psa/ui/components/button';
import { Icon } from '@psa/ui/components/icon';
import { useHotkeys } from '@psa/ui/hooks/use-hotkeys';
import { type Formats, useFormats } from '@psa/ui/i18n/format';
import { type KeyboardEvent, lazy, type RefObject, Suspense, useEffect, useRef, useState } from 'react';
import { messages } from '../i18n/list-messages.ts';
import { CONDITIONS, type Condition, type TicketFilter } from './filter.ts';
import { useConditions } from './filter-conditions.ts';

const TYPING_PAUSE = 300;
/** Values that a chip names; more are counted. */
const MOST_NAMED = 2;

const FilterPicker = lazy(loadPicker);
function loadPicker() {
  return import('./filter-picker.tsx');
}

export interface FilterBarProps {
  filter: TicketFilter;
  /** Gets the filter that was asked for last, which need not be drawn yet. */
  onChange: (change: (filter: TicketFilter) => TicketFilter) => void;
  searchInput: RefObject<HTMLInputElement | null>;
  /** Enter in the search field goes on to the list. */
  onDone: () => void;
  /** Leads back to the view; null where there is nothing to lead back from. */
  onReset: (() => void) | null;
}

/** Conditions of the ticket list as chips; the URL holds them, this only shows and changes them. */
export function FilterBar({ filter, onChange, searchInput, onDone, onReset }: FilterBarProps) {
  const t = messages.useT();
  const formats = useFormats();
  const bar = useRef<HTMLElement>(null);
  const add = useRef<HTMLButtonElement>(null);
  const trigger = useRef<HTMLElement>(null);
  const removed = useRef<number>(null);
  const [open, setOpen] = useState<{ at: Condition | null } | null>(null);
  const conditions = useConditions(filter, false);
  const chips = CONDITIONS.filter((name) => filter[name].length > 0).map((name) => conditions[name]);

  function show(at: Condition | null, from: HTMLElement | null): void {
    trigger.current = from;
    setOpen({ at });
  }
  /** The focus goes on to the next chip, or to where one is added. */
  function without(changes: Partial<TicketFilter>, index: number): void {
    removed.current = index;
    onChange((asked) => ({ ...asked, ...changes }));
  }
  // The address changes a moment after the press: the chip is gone when the filter is another one.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another filter
  useEffect(() => {
    const index = removed.current;
    if (index === null) return;
    removed.current = null;
    const left = bar.current?.querySelectorAll<HTMLElement>('.chip-text');
    (left?.[Math.min(index, left.length - 1)] ?? add.current)?.focus();
  }, [filter]);
  useHotkeys([{ keys: 'f', label: t('list.filter_add'), run: () => show(null, add.current) }]);

  return (
    <search ref={bar} className="filter-bar" aria-label={t('list.filters')}>
      <SearchField
        filter={filter}
        input={searchInput}
        onDone={onDone}
        onSearch={(search) => {
          if (search !== filter.search) onChange((asked) => ({ ...asked, search }));
        }}
      />
      <ul className="chips">
        {chips.map(({ name, label, values }, index) => (
          <Chip
            key={name}
            label={label}
            values={values}
            onOpen={(from) => show(name, from)}
            onRemove={() => without({ [name]: [] }, index)}
          />
        ))}
        {(filter.created_after || filter.created_before) && (
          <Chip
            label={t('list.created')}
            values={[openedText(filter, formats)]}
            onRemove={() => without({ created_after: null, created_before: null }, chips.length)}
          />
        )}
        {filter.watching && (
          <Chip
            label={t('list.watching')}
            values={[]}
            onOpen={(from) => show(null, from)}
            onRemove={() => without({ watching: false }, chips.length)}
          />
        )}
      </ul>
      <Button
        ref={add}
        kind="quiet"
        icon="plus"
        aria-expanded={open !== null && open.at === null}
        onPress={() => show(null, add.current)}
      >
        {t('list.filter')}
      </Button>
      {onReset && (
        <span className="filter-reset">
          <Button kind="quiet" onPress={onReset}>
            {t('list.reset')}
          </Button>
        </span>
      )}
      {open && (
        <Suspense>
          <FilterPicker
            trigger={trigger}
            filter={filter}
            begin={open.at}
            onChange={onChange}
            onClose={() => setOpen(null)}
          />
        </Suspense>
      )}
    </search>
  );
}

/** The day, or from when until when. */
function openedText({ created_after, created_before }: TicketFilter, formats: Formats): string {
  // Days of the dashboard are those of UTC; before midnight is the day before.
  const day = (at: number) => formats.date(new Date(at).toISOString().slice(0, 10));
  const first = created_after && day(Date.parse(created_after));
  const last = created_before && day(Date.parse(created_before) - 1);
  return first === last ? (first ?? '') : `${first ?? '…'} – ${last ?? '…'}`;
}

/** A condition: its text opens the choice, its cross or Delete takes it away. */
function Chip(props: {
  label: string;
  values: readonly string[];
  /** Left out: it can be taken away only. */
  onOpen?: (from: HTMLElement) => void;
  onRemove: () => void;
}) {
  const t = messages.useT();
  const { label, values } = props;
  const named = values.slice(0, MOST_NAMED).join(', ');
  const more = values.length > MOST_NAMED ? ` +${values.length - MOST_NAMED}` : '';
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Delete' && event.key !== 'Backspace') return;
    event.preventDefault();
    props.onRemove();
  };
  return (
    <li className="chip">
      <button
        type="button"
        className="chip-text"
        title={values.length > MOST_NAMED ? values.join(', ') : undefined}
        onPointerEnter={() => void loadPicker()}
        onClick={(event) => props.onOpen?.(event.currentTarget)}
        onKeyDown={onKeyDown}
      >
        {values.length > 0 ? (
          <>
            <span className="muted">{label}: </span>
            {named}
            {more}
          </>
        ) : (
          label
        )}
      </button>
      <button
        type="button"
        className="chip-remove"
        aria-label={t('list.filter_remove', { name: label })}
        onClick={props.onRemove}
      >
        <Icon name="close" />
      </button>
    </li>
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
