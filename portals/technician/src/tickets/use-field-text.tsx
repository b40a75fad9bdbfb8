import { contactNameQuery } from '@psa/app/tickets';
import { useFormats } from '@psa/ui/i18n/format';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { teamsQuery, techniciansQuery } from '../api/desk.ts';
import { messages } from '../i18n/ticket-messages.ts';
import { CHANGEABLE, type Changeable } from './conflict.ts';

const LONGEST = 140;

/** What else a history names: of attachments and working time, and what an import brings along. */
const IN_HISTORY = [
  'customer_id',
  'customer',
  'contact',
  'team',
  'file',
  'minutes',
  'started_at',
  'billable',
  'note',
  'user',
  'impact',
  'urgency',
] as const;
type Named = Changeable | (typeof IN_HISTORY)[number];
const NAMED: readonly string[] = [...CHANGEABLE, ...IN_HISTORY];

/** Names fields of a ticket and writes their values for people: words for codes, names for ids. */
export function useFieldText() {
  const t = messages.useT();
  const u = uiMessages.useT();
  const formats = useFormats();
  const { data: technicians = [] } = useQuery(techniciansQuery);
  const { data: teams = [] } = useQuery(teamsQuery);
  return {
    name: (field: string): string =>
      // An import's own fields are unknown here: then their name is what there is to say.
      NAMED.includes(field) ? t(`field.${field as Named}`) : field,
    value: (field: string, value: unknown): ReactNode => {
      if (value === null || value === undefined || value === '') return t('history.nothing');
      if (Array.isArray(value)) return value.length === 0 ? t('history.nothing') : value.join(', ');
      if (typeof value === 'boolean') return t(value ? 'history.yes' : 'history.no');
      const text = String(value);
      if (field === 'started_at') return formats.dateTime(text);
      // Codes from an import may be unknown here: then the code itself is what there is to say.
      if (field === 'status') return u(`status.${text}` as 'status.new');
      if (field === 'priority') return u(`priority.${text}` as 'priority.low');
      if (field === 'assigned_to') return technicians.find(({ id }) => id === text)?.name ?? text;
      if (field === 'contact_id') return <ContactName id={text} />;
      if (field === 'team_id') return teams.find(({ id }) => id === text)?.name ?? text;
      return text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text;
    },
  };
}

function ContactName({ id }: { id: string }) {
  const { data: name, isPending } = useQuery(contactNameQuery(id));
  return isPending ? '…' : (name ?? id);
}
