import { type ReactNode, useLayoutEffect, useRef, useState } from 'react';
import { uiMessages } from '../i18n/ui-messages.ts';
import { Icon } from './icon.tsx';

export type SortDirection = 'asc' | 'desc';

export interface TableColumn<T> {
  id: string;
  header: string;
  cell: (row: T) => ReactNode;
  align?: 'end';
  /** The row is named by this column (a row header). */
  rowHeader?: boolean;
  sortable?: boolean;
}

export interface TableProps<T> {
  /** Said by screen readers before the table. */
  caption: string;
  columns: readonly TableColumn<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  sort?: { column: string; direction: SortDirection };
  onSort?: (column: string, direction: SortDirection) => void;
}

/** A native table for up to some hundreds of rows; VirtualList is for more. */
export function Table<T>({ caption, columns, rows, rowKey, sort, onSort }: TableProps<T>) {
  const { ref, isWider } = useWider();
  return (
    // Scrolled by keys too, once there is something to scroll.
    <div
      ref={ref}
      className="table-scroll"
      {...(isWider && { tabIndex: 0, role: 'group', 'aria-label': caption })}
    >
      <table className="table">
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => {
              const direction = sort?.column === column.id ? sort.direction : undefined;
              return (
                <th
                  key={column.id}
                  scope="col"
                  className={column.align === 'end' ? 'align-end' : undefined}
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
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column) => {
                const className = column.align === 'end' ? 'align-end' : undefined;
                return column.rowHeader ? (
                  <th key={column.id} scope="row" className={className}>
                    {column.cell(row)}
                  </th>
                ) : (
                  <td key={column.id} className={className}>
                    {column.cell(row)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Whether what an element holds is wider than itself. */
function useWider() {
  const ref = useRef<HTMLDivElement>(null);
  const [isWider, setWider] = useState(false);
  useLayoutEffect(() => {
    const element = ref.current!;
    const look = () => setWider(element.scrollWidth > element.clientWidth);
    const observer = new ResizeObserver(look);
    observer.observe(element);
    observer.observe(element.firstElementChild!);
    return () => observer.disconnect();
  }, []);
  return { ref, isWider };
}

/** Column header that sorts; the order itself is told by `aria-sort` on the cell around it. */
export function SortButton(props: {
  label: string;
  direction: SortDirection | undefined;
  onSort: (direction: SortDirection) => void;
  tabIndex?: number;
}) {
  const t = uiMessages.useT();
  return (
    <button
      type="button"
      className="sort-button"
      tabIndex={props.tabIndex}
      title={t('list.sort_by', { column: props.label })}
      onClick={() => props.onSort(props.direction === 'asc' ? 'desc' : 'asc')}
    >
      {props.label}
      {props.direction && <Icon name={props.direction === 'asc' ? 'arrowUp' : 'arrowDown'} />}
    </button>
  );
}
