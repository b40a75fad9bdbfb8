import { TICKET_WORDS } from '@psa/contracts/ticket-words';
import type { ExportTicketsQuery, Ticket } from '@psa/contracts/tickets';
import type { Static } from 'typebox';

type Language = NonNullable<Static<typeof ExportTicketsQuery>['language']>;

/** A column of the file: its heading, and its cell by the words and times of the reader. */
interface Column {
  readonly heading: Readonly<Record<Language, string>>;
  readonly cell: (ticket: Ticket, write: Writing) => string;
  /** Not in files for portal users, who see nothing of it. */
  readonly staffOnly?: boolean;
}

interface Writing {
  readonly words: (typeof TICKET_WORDS)[Language];
  readonly yes: string;
  readonly no: string;
  time(at: string | null): string;
}

const column = (
  de: string,
  en: string,
  cell: Column['cell'],
  more: Pick<Column, 'staffOnly'> = {},
): Column => ({
  heading: { de, en },
  cell,
  ...more,
});

/** The columns in their order. */
export const COLUMNS: readonly Column[] = [
  column('Nummer', 'Number', (ticket) => String(ticket.ticket_number)),
  column('Betreff', 'Subject', (ticket) => ticket.title),
  column('Status', 'Status', (ticket, { words }) => words.status[ticket.status]),
  column('Priorität', 'Priority', (ticket, { words }) => words.priority[ticket.priority]),
  column('Kunde', 'Customer', (ticket) => ticket.customer?.name ?? ''),
  column('Ansprechpartner', 'Contact', (ticket) => (ticket.contact ?? ticket.requester)?.name ?? ''),
  column('Zuständig', 'Assignee', (ticket) => ticket.assignee?.name ?? ''),
  column('Team', 'Team', (ticket) => ticket.team?.name ?? ''),
  column('Kategorie', 'Category', (ticket) => ticket.category ?? ''),
  column('Schlagwörter', 'Tags', (ticket) => ticket.tags.join(', ')),
  column('Eröffnet', 'Opened', (ticket, { time }) => time(ticket.created_at)),
  column('Geändert', 'Changed', (ticket, { time }) => time(ticket.updated_at)),
  column('Reaktion fällig', 'Response due', (ticket, { time }) => time(ticket.sla_response_due)),
  column('Erste Reaktion', 'First response', (ticket, { time }) => time(ticket.first_response_at)),
  column('Lösung fällig', 'Resolution due', (ticket, { time }) => time(ticket.sla_resolution_due)),
  column('Gelöst', 'Resolved', (ticket, { time }) => time(ticket.resolved_at)),
  column('Geschlossen', 'Closed', (ticket, { time }) => time(ticket.closed_at)),
  column('SLA verletzt', 'SLA breached', (ticket, { yes, no }) => (ticket.sla_breached ? yes : no)),
  column('Minuten', 'Minutes', (ticket) => String(ticket.minutes_spent), { staffOnly: true }),
];

/** How a file is written in a language and a time zone; `2026-03-02 10:00`, which spreadsheets of both read as a time. */
export function writing(language: Language, timeZone: string): Writing {
  const format = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short', timeZone });
  return {
    words: TICKET_WORDS[language],
    yes: language === 'de' ? 'ja' : 'yes',
    no: language === 'de' ? 'nein' : 'no',
    time: (at) => (at === null ? '' : format.format(new Date(at))),
  };
}
