import { Link } from '@psa/app/router';
import { Avatar } from '@psa/ui/components/avatar';
import { Marked } from '@psa/ui/components/marked';
import { PriorityPill, StatusPill } from '@psa/ui/components/pill';
import type { ListColumn } from '@psa/ui/components/virtual-list';
import { type Formats, useFormats } from '@psa/ui/i18n/format';
import { readSetting, writeSetting } from '@psa/ui/settings';
import { useMemo, useState } from 'react';
import type { TicketRow } from '../api/tickets.ts';
import { messages } from '../i18n/list-messages.ts';
import { ShownClock } from './shown-clock.tsx';

/** Columns that may be left out, in their order; number and subject say which ticket a row is, and stay. */
export const OPTIONAL = [
  'priority',
  'status',
  'customer',
  'assigned_to',
  'sla_due',
  'category',
  'team',
  'created_at',
  'updated_at',
] as const;
export type OptionalColumn = (typeof OPTIONAL)[number];
const USUAL: readonly OptionalColumn[] = ['priority', 'status', 'customer', 'assigned_to', 'sla_due'];
const SETTING = 'view.ticket-columns';

/** What was chosen, in order; what is no column any more is left out. */
export function readColumns(text: string | null): readonly OptionalColumn[] {
  if (text === null) return USUAL;
  const chosen = new Set(text.split(','));
  return OPTIONAL.filter((name) => chosen.has(name));
}

/** The columns that the reader has chosen on this device. */
export function useChosenColumns() {
  const [chosen, setChosen] = useState(() => readColumns(readSetting(SETTING)));
  return {
    chosen,
    toggle(name: OptionalColumn): void {
      const next = OPTIONAL.filter((one) => chosen.includes(one) !== (one === name));
      setChosen(next);
      writeSetting(SETTING, next.join(','));
    },
  };
}

type Words = ReturnType<(typeof messages)['useT']>;

const named = (name: string | undefined) => name ?? <span className="muted">–</span>;
const moment = (at: string | undefined, formats: Formats) => (
  <span className="muted num" title={at && formats.relative(at)}>
    {at ? formats.moment(at) : ''}
  </span>
);

const COLUMNS: Record<OptionalColumn, (t: Words, formats: Formats) => ListColumn<TicketRow>> = {
  priority: (t) => ({
    id: 'priority',
    header: t('list.priority_short'),
    width: '3rem',
    sortable: true,
    cell: (row) => <PriorityPill priority={row.priority} compact />,
  }),
  status: (t) => ({
    id: 'status',
    header: t('list.status'),
    width: '9.5rem',
    sortable: true,
    cell: (row) => <StatusPill status={row.status} />,
  }),
  customer: (t) => ({
    id: 'customer',
    header: t('list.customer'),
    width: 'minmax(8rem, 2fr)',
    cell: (row) => <span title={row.customer?.name}>{named(row.customer?.name)}</span>,
  }),
  assigned_to: (t) => ({
    id: 'assigned_to',
    header: t('list.assignee'),
    width: 'minmax(8.5rem, 1fr)',
    cell: (row) =>
      row.assignee ? (
        <span className="person">
          <Avatar name={row.assignee.name} />
          <span className="clip">{row.assignee.name}</span>
        </span>
      ) : (
        <span className="muted">–</span>
      ),
  }),
  sla_due: (t) => ({
    id: 'sla_due',
    header: t('list.due'),
    width: '11rem',
    sortable: true,
    cell: (row) => <ShownClock sla={row.sla} />,
  }),
  category: (t) => ({
    id: 'category',
    header: t('list.category'),
    width: 'minmax(6rem, 1fr)',
    cell: (row) => named(row.category ?? undefined),
  }),
  team: (t) => ({
    id: 'team',
    header: t('list.team'),
    width: 'minmax(6rem, 1fr)',
    cell: (row) => named(row.team?.name),
  }),
  created_at: (t, formats) => ({
    id: 'created_at',
    header: t('list.created'),
    width: '7rem',
    sortable: true,
    cell: (row) => moment(row.created_at, formats),
  }),
  updated_at: (t, formats) => ({
    id: 'updated_at',
    header: t('list.updated'),
    width: '7rem',
    sortable: true,
    cell: (row) => moment(row.updated_at, formats),
  }),
};

const subject = (row: TicketRow) => (
  <Link to={`/tickets/${row.id}`} tabIndex={-1}>
    {row.highlight ? <Marked>{row.highlight.title || row.title}</Marked> : row.title}
  </Link>
);

/** The columns of the list; on a phone one, which has the facts below the subject. */
export function useTicketColumns(
  chosen: readonly OptionalColumn[],
  { narrow, searching }: { narrow: boolean; searching: boolean },
): ListColumn<TicketRow>[] {
  const t = messages.useT();
  const formats = useFormats();
  return useMemo(() => {
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
                <ShownClock sla={row.sla} />
              </div>
            </div>
          ),
        },
      ];
    }
    const of = (name: OptionalColumn) => COLUMNS[name](t, formats);
    return [
      {
        id: 'ticket_number',
        header: t('list.number'),
        width: '3.5rem',
        sortable: true,
        cell: (row) => <span className="muted num">{row.ticket_number}</span>,
      },
      ...chosen.filter((name) => name === 'priority').map(of),
      {
        id: 'title',
        header: t('list.subject'),
        width: 'minmax(12rem, 3fr)',
        sortable: true,
        cell: (row) => (
          <div className="subject">
            <span className="clip">{subject(row)}</span>
            {row.tags?.slice(0, 3).map((tag) => (
              <span key={tag} className="tag">
                {tag}
              </span>
            ))}
            {searching && row.highlight?.body && (
              <span className="muted found">
                {' '}
                <Marked>{row.highlight.body}</Marked>
              </span>
            )}
          </div>
        ),
      },
      ...chosen.filter((name) => name !== 'priority').map(of),
    ];
  }, [t, formats, chosen, narrow, searching]);
}
