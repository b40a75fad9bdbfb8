import { ApiError } from '@psa/app/api/error';
import type { Ticket, TimeEntry } from '@psa/app/api/types';
import { DeleteAction } from '@psa/app/components/delete-action';
import { may, useMe } from '@psa/app/session/session';
import { IconButton } from '@psa/ui/components/button';
import { useFormats } from '@psa/ui/i18n/format';
import { showToast } from '@psa/ui/toast-store';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { changeTime, deleteTime } from '../api/tickets.ts';
import { EditDialog, type EditField, orNull, type Values } from '../components/edit-dialog.tsx';
import { messages } from '../i18n/ticket-messages.ts';
import { fromLocalMinute, startProblem, toLocalMinute } from '../timer/moment.ts';
import { parseMinutes } from '../timer/typed-minutes.ts';
import { useColleagues } from './choices.ts';
import { ticketChanged } from './use-ticket-change.ts';

/** What has been booked on a ticket; one's own can be corrected, a colleague's with `time:manage`. */
export function TimeEntries({ ticket, entries }: { ticket: Ticket; entries: readonly TimeEntry[] }) {
  const t = messages.useT();
  const me = useMe();
  const formats = useFormats();
  const [editing, setEditing] = useState<TimeEntry | null>(null);
  const mayCorrect = (entry: TimeEntry) =>
    may(me, 'time:create') && (entry.user.id === me.id || may(me, 'time:manage'));
  const newest = entries.find(({ id }) => id === editing?.id) ?? editing;
  return (
    <>
      <ul className="entry-list">
        {entries.map((entry) => {
          const time = formats.duration(entry.minutes * 60_000);
          return (
            <li key={entry.id}>
              <div className="row">
                <strong className="num">{time}</strong>
                <span>{entry.user.name}</span>
                <span className="spacer" />
                {mayCorrect(entry) && (
                  <IconButton
                    icon="write"
                    label={t('time.edit_of', { time, name: entry.user.name })}
                    onPress={() => setEditing(entry)}
                  />
                )}
              </div>
              <div className="muted">
                <time dateTime={entry.started_at}>{formats.dateTime(entry.started_at)}</time>
                {[
                  '',
                  entry.note || null,
                  entry.billable ? null : t('time.not_billable'),
                  entry.entered_by.id === entry.user.id
                    ? null
                    : t('time.entered_by', { name: entry.entered_by.name }),
                ]
                  .filter((part) => part !== null)
                  .join(' · ')}
              </div>
            </li>
          );
        })}
      </ul>
      {editing && newest && (
        <CorrectTime
          key={editing.id}
          ticket={ticket}
          shown={editing}
          newest={newest}
          onClose={() => setEditing(null)}
        />
      )}
    </>
  );
}

/** Corrects an entry. Only what was changed since it was opened (`shown`) is sent, on the `newest` version. */
function CorrectTime(props: { ticket: Ticket; shown: TimeEntry; newest: TimeEntry; onClose: () => void }) {
  const { ticket, shown, newest, onClose } = props;
  const t = messages.useT();
  const me = useMe();
  const formats = useFormats();
  const queries = useQueryClient();
  const colleagues = useColleagues(shown.user);
  const [base] = useState<Values>(() => ({
    duration: String(shown.minutes),
    started_at: toLocalMinute(shown.started_at),
    user_id: shown.user.id,
    note: shown.note ?? '',
    billable: shown.billable ? 'on' : '',
  }));
  const fields: EditField[] = [
    { name: 'duration', label: t('time.duration'), hint: t('time.duration_hint'), required: true },
    { name: 'started_at', label: t('time.begin'), kind: 'moment', required: true },
    ...(may(me, 'time:manage')
      ? [{ name: 'user_id', label: t('time.worker'), kind: 'select' as const, options: colleagues }]
      : []),
    { name: 'note', label: t('time.note'), maxLength: 2000 },
    { name: 'billable', label: t('time.billable'), kind: 'boolean' },
  ];
  const isChanged = (values: Values, name: string) => values[name] !== base[name];

  function check(values: Values): Values {
    const wrong: Record<string, string> = {};
    if (parseMinutes(values.duration ?? '') === null) wrong.duration = t('time.duration_bad');
    const start = fromLocalMinute(values.started_at ?? '');
    if (start === null) wrong.started_at = t('time.begin_bad');
    else if (isChanged(values, 'started_at')) {
      const problem = startProblem(start, ticket.created_at, Date.now());
      if (problem) wrong.started_at = t(`time.${problem}`);
    }
    return wrong;
  }

  /** Whoever was overtaken sees the newest state, and the next try is made on it. */
  async function refreshAfter412<T>(done: Promise<T>): Promise<T> {
    try {
      return await done;
    } catch (error) {
      if (error instanceof ApiError && (error.status === 412 || error.status === 404)) {
        await queries.invalidateQueries({ queryKey: ['ticket', ticket.id, 'time-entries'] });
      }
      throw error;
    }
  }

  async function save(values: Values): Promise<void> {
    const start = fromLocalMinute(values.started_at ?? '');
    const changes = {
      ...(isChanged(values, 'duration') ? { minutes: parseMinutes(values.duration ?? '') ?? 0 } : {}),
      ...(isChanged(values, 'started_at') && start ? { started_at: start } : {}),
      ...(isChanged(values, 'user_id') ? { user_id: values.user_id ?? '' } : {}),
      ...(isChanged(values, 'note') ? { note: orNull(values.note) } : {}),
      ...(isChanged(values, 'billable') ? { billable: values.billable === 'on' } : {}),
    };
    if (Object.keys(changes).length === 0) return;
    await refreshAfter412(changeTime(newest, changes));
    showToast('ok', t('time.corrected'));
    ticketChanged(queries, ticket.id);
  }

  async function remove(): Promise<void> {
    await refreshAfter412(deleteTime(newest));
    showToast('ok', t('time.deleted'));
    ticketChanged(queries, ticket.id);
    onClose();
  }

  const time = formats.duration(newest.minutes * 60_000);
  const now = [time, newest.user.name, formats.dateTime(newest.started_at), newest.note]
    .filter(Boolean)
    .join(' · ');
  return (
    <EditDialog
      draft={`time.${shown.id}`}
      title={t('time.edit')}
      fields={fields}
      values={base}
      missing={t('time.missing')}
      conflict={t('time.conflict', { now })}
      check={check}
      onSave={save}
      onClose={onClose}
      extra={
        <DeleteAction question={t('time.delete_sure', { time, name: newest.user.name })} onDelete={remove} />
      }
    />
  );
}
