// biome-ignore-all lint/a11y/useSemanticElements: native tables cannot be positioned row by row
// biome-ignore-all lint/a11y/useFocusableInteractive: one tab stop; rows are reached through aria-activedescendant
// biome-ignore-all lint/a11y/useKeyWithClickEvents: the grid around handles the keys
// biome-ignore-all lint/a11y/noStaticElementInteractions: the roles are the grid's
import { useVirtualizer } from '@tanstack/react-virtual';
import {
  type CSSProperties,
  type KeyboardEvent,
  type MouseEvent,
  memo,
  type ReactNode,
  type Ref,
  useEffect,
  useId,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import { uiMessages } from '../i18n/ui-messages.ts';
import { findNear, type ListPlace, moveActive, readPlace, writePlace } from '../list-place.ts';
import { Skeleton } from './states.tsx';
import { SortButton, type SortDirection } from './table.tsx';

export interface ListColumn<T> {
  id: string;
  header: string;
  /** A CSS grid track: `6rem`, `minmax(12rem, 1fr)`. */
  width: string;
  cell: (item: T) => ReactNode;
  align?: 'end';
  sortable?: boolean;
}

export interface VirtualListHandle {
  focus(): void;
  /** Moves as the key would (`j`, `k`, `Home` …); for shortcuts that work outside the list too. */
  move(key: string): void;
  openActive(): void;
  toggleActive(): void;
}

export interface VirtualListProps<T> {
  label: string;
  columns: readonly ListColumn<T>[];
  /** Number of rows, loaded or not. */
  count: number;
  /** The row at an index; undefined while it is not loaded (a skeleton stands there). */
  itemAt: (index: number) => T | undefined;
  itemKey: (item: T) => string;
  /** Enter or click; `newTab` for Ctrl/⌘ or the middle button. */
  onOpen: (item: T, options: { newTab: boolean }) => void;
  /** Rows on the screen and a few around them: load what is missing. */
  onRange?: (first: number, last: number) => void;
  /** Height of a row in px (default 36; 44 for touch). Fixed, so that 100,000 rows cost nothing. */
  rowHeight?: number;
  selected?: ReadonlySet<string>;
  onSelect?: (selected: ReadonlySet<string>) => void;
  sort?: { column: string; direction: SortDirection };
  onSort?: (column: string, direction: SortDirection) => void;
  /** Remembers the place under this name while the tab lives. */
  placeKey?: string;
  /** Instead of rows when count is 0. */
  empty?: ReactNode;
  isBusy?: boolean;
  ref?: Ref<VirtualListHandle>;
}

/**
 * A list of any length as an ARIA grid with one tab stop: arrows, j/k, Home/End, PageUp/PageDown move the
 * active row, Enter opens it, x or Space selects it, Shift extends. Rows that come or go above keep the
 * visible ones where they are.
 */
export function VirtualList<T>(props: VirtualListProps<T>) {
  const { columns, count, itemAt, itemKey, rowHeight = 36, selected, onSelect, placeKey } = props;
  const t = uiMessages.useT();
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const [start] = useState(() => (placeKey ? readPlace(placeKey) : null));
  const place = useRef<ListPlace>(
    start ?? { topKey: null, topIndex: 0, offset: 0, activeKey: null, activeIndex: -1 },
  );
  const [active, setActive] = useState(start?.activeIndex ?? -1);
  const anchor = useRef(-1);
  const keyAt = (index: number) => {
    const item = index >= 0 && index < count ? itemAt(index) : undefined;
    return item === undefined ? undefined : itemKey(item);
  };

  const virtual = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    initialOffset: () => (start ? start.topIndex * rowHeight + start.offset : 0),
    // The sticky head covers the first line when a row is scrolled to.
    scrollPaddingStart: 32,
  });
  const rows = virtual.getVirtualItems();
  const first = rows[0]?.index ?? 0;
  const last = rows.at(-1)?.index ?? -1;

  const { onRange } = props;
  useEffect(() => {
    if (last >= first) onRange?.(first, last);
  }, [first, last, onRange]);

  // After the data changed: find the former top and active rows again and put the scroll position there.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only new data may move the list
  useLayoutEffect(() => {
    const element = scroller.current;
    const { topKey, topIndex, offset, activeKey, activeIndex } = place.current;
    if (element && topKey !== null && element.scrollTop > 0) {
      const found = findNear(keyAt, count, topKey, topIndex);
      if (found >= 0 && found !== topIndex) {
        place.current.topIndex = found;
        element.scrollTop = found * rowHeight + offset;
      }
    }
    if (activeKey !== null) {
      const found = findNear(keyAt, count, activeKey, activeIndex);
      const next = found >= 0 ? found : Math.min(activeIndex, count - 1);
      place.current.activeIndex = next;
      setActive(next);
    }
  }, [count, itemAt]);

  useEffect(() => {
    if (!placeKey) return;
    const keep = () => writePlace(placeKey, place.current);
    window.addEventListener('pagehide', keep);
    return () => {
      keep();
      window.removeEventListener('pagehide', keep);
    };
  }, [placeKey]);

  function remember(): void {
    const top = scroller.current?.scrollTop ?? 0;
    const topIndex = Math.floor(top / rowHeight);
    Object.assign(place.current, {
      topIndex,
      offset: top - topIndex * rowHeight,
      topKey: keyAt(topIndex) ?? null,
    });
  }

  function activate(index: number): void {
    setActive(index);
    place.current.activeIndex = index;
    place.current.activeKey = keyAt(index) ?? null;
  }

  function toggle(index: number, extend: boolean): void {
    if (!onSelect) return;
    const key = keyAt(index);
    if (key === undefined) return;
    const next = new Set(selected);
    const from = extend && anchor.current >= 0 ? anchor.current : index;
    if (from === index) next.has(key) ? next.delete(key) : next.add(key);
    else {
      for (let i = Math.min(from, index); i <= Math.max(from, index); i += 1) {
        const other = keyAt(i);
        if (other !== undefined) next.add(other);
      }
    }
    anchor.current = index;
    onSelect(next);
  }

  function open(index: number, newTab: boolean): void {
    const item = itemAt(index);
    if (item !== undefined) props.onOpen(item, { newTab });
  }

  function move(key: string, extend = false): boolean {
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 2);
    const next = moveActive(key, active, count, page);
    if (next === null) return false;
    if (extend && onSelect) {
      if (anchor.current < 0) anchor.current = active;
      toggle(next, true);
    }
    activate(next);
    virtual.scrollToIndex(next, { align: 'auto' });
    return true;
  }

  function onKeyDown(event: KeyboardEvent<HTMLDivElement>): void {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      if ((event.ctrlKey || event.metaKey) && event.key === 'Enter' && active >= 0) {
        event.preventDefault();
        open(active, true);
      }
      return;
    }
    // A control inside a row keeps its own keys.
    if (
      event.target !== event.currentTarget &&
      /^(A|BUTTON|INPUT|SELECT)$/.test((event.target as Element).tagName)
    ) {
      if (!event.key.startsWith('Arrow') && event.key !== 'j' && event.key !== 'k') return;
    }
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key === 'Enter' && active >= 0) open(active, false);
    else if ((key === 'x' || key === ' ') && active >= 0 && onSelect) toggle(active, event.shiftKey);
    else if (!move(key, event.shiftKey)) return;
    event.preventDefault();
  }

  function onRowClick(event: MouseEvent, index: number): void {
    activate(index);
    if ((event.target as Element).closest('a, button, input, label')) return;
    if (event.shiftKey && onSelect) toggle(index, true);
    else open(index, event.ctrlKey || event.metaKey || event.button === 1);
  }

  useImperativeHandle(props.ref, () => ({
    focus: () => scroller.current?.focus(),
    move: (key) => {
      move(key);
      scroller.current?.focus();
    },
    openActive: () => open(active, false),
    toggleActive: () => toggle(active, false),
  }));

  const latest = useRef({ onRowClick, toggle });
  useLayoutEffect(() => {
    latest.current = { onRowClick, toggle };
  });
  const [does] = useState<RowDoes>(() => ({
    click: (event, index) => latest.current.onRowClick(event, index),
    toggle: (index) => latest.current.toggle(index, false),
  }));

  const tracks = (onSelect ? '1.25rem ' : '') + columns.map((column) => column.width).join(' ');
  const grid: CSSProperties = { gridTemplateColumns: tracks };
  const allSelected = !!selected && count > 0 && selected.size >= count;

  if (count === 0 && props.empty) return <div className="vlist">{props.empty}</div>;
  return (
    <div className="vlist">
      <div
        ref={scroller}
        className="vlist-scroll"
        role="grid"
        tabIndex={0}
        aria-label={props.label}
        aria-rowcount={count + 1}
        aria-colcount={columns.length + (onSelect ? 1 : 0)}
        aria-busy={props.isBusy || undefined}
        aria-multiselectable={onSelect ? true : undefined}
        aria-activedescendant={active >= first && active <= last ? `${id}-${active}` : undefined}
        onKeyDown={onKeyDown}
        onScroll={remember}
        onFocus={(event) => {
          if (event.target === event.currentTarget && active < 0 && count > 0) activate(first);
        }}
      >
        <div role="rowgroup" className="vlist-head">
          <div role="row" aria-rowindex={1} className="vlist-line" style={{ ...grid, minHeight: 32 }}>
            {onSelect && (
              <div role="columnheader">
                <RowCheckbox
                  label={t('list.select_all')}
                  checked={allSelected}
                  mixed={!allSelected && !!selected && selected.size > 0}
                  onChange={(on) => {
                    const keys = new Set<string>();
                    for (let i = 0; on && i < count; i += 1) {
                      const key = keyAt(i);
                      if (key !== undefined) keys.add(key);
                    }
                    onSelect(keys);
                  }}
                />
              </div>
            )}
            {columns.map((column) => {
              const direction = props.sort?.column === column.id ? props.sort.direction : undefined;
              const { onSort } = props;
              return (
                <div
                  key={column.id}
                  role="columnheader"
                  className={`vlist-cell${column.align === 'end' ? ' align-end' : ''}`}
                  aria-sort={direction && (direction === 'asc' ? 'ascending' : 'descending')}
                >
                  {column.sortable && onSort ? (
                    <SortButton
                      label={column.header}
                      direction={direction}
                      onSort={(d) => onSort(column.id, d)}
                    />
                  ) : (
                    column.header
                  )}
                </div>
              );
            })}
          </div>
        </div>
        <div role="rowgroup" className="vlist-rows" style={{ height: virtual.getTotalSize() }}>
          {rows.map(({ index, start: top }) => {
            const item = itemAt(index);
            const key = item === undefined ? undefined : itemKey(item);
            return (
              <Row<T>
                key={key ?? `row-${index}`}
                id={`${id}-${index}`}
                index={index}
                top={top}
                height={rowHeight}
                tracks={tracks}
                columns={columns}
                item={item}
                isActive={index === active}
                isSelected={onSelect ? key !== undefined && !!selected?.has(key) : undefined}
                does={does}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

/** What a row can be asked for; the same object for the life of the list. */
interface RowDoes {
  click: (event: MouseEvent, index: number) => void;
  toggle: (index: number) => void;
}

interface RowProps<T> {
  id: string;
  index: number;
  top: number;
  height: number;
  tracks: string;
  columns: readonly ListColumn<T>[];
  item: T | undefined;
  isActive: boolean;
  /** undefined: rows of this list are not selected. */
  isSelected: boolean | undefined;
  does: RowDoes;
}

function PlainRow<T>({ index, item, isSelected, does, ...props }: RowProps<T>) {
  const t = uiMessages.useT();
  return (
    <div
      id={props.id}
      role="row"
      className="vlist-line vlist-row"
      style={{
        gridTemplateColumns: props.tracks,
        height: props.height,
        transform: `translateY(${props.top}px)`,
      }}
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      aria-busy={item === undefined || undefined}
      data-active={props.isActive || undefined}
      onClick={(event) => does.click(event, index)}
      onAuxClick={(event) => event.button === 1 && does.click(event, index)}
    >
      {isSelected !== undefined && (
        <div role="gridcell">
          <RowCheckbox
            label={t('list.select_row')}
            checked={isSelected}
            disabled={item === undefined}
            onChange={() => does.toggle(index)}
          />
        </div>
      )}
      {props.columns.map((column) => (
        <div
          key={column.id}
          role="gridcell"
          className={`vlist-cell${column.align === 'end' ? ' align-end' : ''}`}
        >
          {item === undefined ? <Skeleton width="70%" /> : column.cell(item)}
        </div>
      ))}
    </div>
  );
}

/** Drawn again when something of it changes: while one scrolls, that is only the rows that come into sight. */
const Row = memo(PlainRow) as typeof PlainRow;

/** A native checkbox: dozens pass by per frame while scrolling, and the grid has the keys. */
function RowCheckbox(props: {
  label: string;
  checked: boolean;
  mixed?: boolean;
  disabled?: boolean;
  onChange: (checked: boolean) => void;
}) {
  return (
    <input
      type="checkbox"
      className="row-check"
      tabIndex={-1}
      aria-label={props.label}
      checked={props.checked}
      disabled={props.disabled}
      ref={(element) => {
        if (element) element.indeterminate = props.mixed ?? false;
      }}
      onChange={(event) => props.onChange(event.target.checked)}
    />
  );
}
