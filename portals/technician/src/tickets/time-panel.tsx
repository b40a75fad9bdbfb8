import { newIdempotencyKey } from '@psa/app/api/client';
import { ApiError } from '@psa/app/api/error';
import type { Ticket } from '@psa/app/api/types';
import { DraftNote } from '@psa/app/components/draft-note';
import { ErrorText } from '@psa/app/components/error-state';
import { useDraft } from '@psa/app/drafts/use-draft';
import { may, useMe } from '@psa/app/session/session';
import { Button } from '@psa/ui/components/button';
import { Checkbox } from '@psa/ui/components/checkbox';
import { Dialog } from '@psa/ui/components/dialog';
import { NativeSelect } from '@psa/ui/components/native-select';
import { Alert } from '@psa/ui/components/states';
import { TextField } from '@psa/ui/components/text-field';
import { useFormats } from '@psa/ui/i18n/format';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { showToast } from '@psa/ui/toast-store';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { addTime, timeEntriesQuery } from '../api/tickets.ts';
import { Panel } from '../components/panel.tsx';
import { messages } from '../i18n/ticket-messages.ts';
import { fromLocalMinute, startProblem } from '../timer/moment.ts';
import { bookableMinutes, clockText, elapsed, pauseTimer, resumeTimer, startTimer } from '../timer/timer.ts';
import { parseMinutes } from '../timer/typed-minutes.ts';
import { setTimer, useSeconds, useTimer } from '../timer/use-timer.ts';
import { useColleagues } from './choices.ts';
import { TimeEntries } from './time-entries.tsx';
import { ticketChanged } from './use-ticket-change.ts';

/** Working time: a timer that outlives a reload, entries by hand, what has been booked. */
export function TimePanel({ ticket }: { ticket: Ticket }) {
  const t = messages.useT();
  const me = useMe();
  const formats = useFormats();
  const entries = useQuery({ ...timeEntriesQuery(ticket.id), enabled: may(me, 'time:view') });
  const [booking, setBooking] = useState<'timer' | 'manual' | null>(null);
  const create = may(me, 'time:create');
  const time = (minutes: number) => formats.duration(minutes * 60_000);
  return (
    <Panel
      title={t('time.title')}
      end={<span className="muted num">{t('time.total', { time: time(ticket.minutes_spent) })}</span>}
    >
      {create && (
        <TimerControls
          ticket={ticket}
          onBook={() => setBooking('timer')}
          onManual={() => setBooking('manual')}
        />
      )}
      {entries.data?.length === 0 && <p className="muted">{t('time.none')}</p>}
      {entries.data && <TimeEntries ticket={ticket} entries={entries.data} />}
      {booking && <BookTime ticket={ticket} from={booking} onClose={() => setBooking(null)} />}
    </Panel>
  );
}

function TimerControls(props: { ticket: Ticket; onBook: () => void; onManual: () => void }) {
  const t = messages.useT();
  const { ticket } = props;
  const timer = useTimer();
  const mine = timer?.ticketId === ticket.id;
  const running = mine && timer.runningSince !== null;
  const now = useSeconds(running);
  if (timer && !mine) {
    return (
      <div className="stack">
        <p className="muted">{t('time.elsewhere', { number: timer.ticketNumber })}</p>
        <div>
          <Button onPress={props.onManual}>{t('time.manual')}</Button>
        </div>
      </div>
    );
  }
  return (
    <div className="row row-wrap">
      {mine ? (
        <>
          <span className="timer-clock num" role="timer" aria-label={t('time.running')}>
            {clockText(elapsed(timer, now))}
          </span>
          {running ? (
            <Button icon="pause" onPress={() => setTimer(pauseTimer(timer, Date.now()))}>
              {t('time.pause')}
            </Button>
          ) : (
            <Button icon="play" onPress={() => setTimer(resumeTimer(timer, Date.now()))}>
              {t('time.resume')}
            </Button>
          )}
          <Button
            icon="stop"
            kind="primary"
            onPress={() => {
              setTimer(pauseTimer(timer, Date.now()));
              props.onBook();
            }}
          >
            {t('time.stop')}
          </Button>
        </>
      ) : (
        <>
          <Button icon="play" onPress={() => setTimer(startTimer(ticket, Date.now()))}>
            {t('time.start')}
          </Button>
          <Button onPress={props.onManual}>{t('time.manual')}</Button>
        </>
      )}
    </div>
  );
}

function BookTime({
  ticket,
  from,
  onClose,
}: {
  ticket: Ticket;
  from: 'timer' | 'manual';
  onClose: () => void;
}) {
  const t = messages.useT();
  const u = uiMessages.useT();
  const me = useMe();
  const formats = useFormats();
  const queries = useQueryClient();
  const timer = useTimer();
  const measured = from === 'timer' && timer?.ticketId === ticket.id ? timer : null;
  const [start] = useState(() => ({
    duration: measured ? String(bookableMinutes(measured, Date.now())) : '',
    note: '',
    billable: true,
    began: '',
    worker: me.id,
  }));
  const draft = useDraft(`time.${ticket.id}.${from}`, start);
  const { duration, note, billable, began, worker } = draft.value;
  const colleagues = useColleagues(me);
  const [tried, setTried] = useState(false);
  const [sending, setSending] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const key = useRef<{ of: string; key: string } | null>(null);
  const minutes = parseMinutes(duration);
  const startedAt = measured ? new Date(measured.beganAt).toISOString() : fromLocalMinute(began);
  const late = !measured && startedAt ? startProblem(startedAt, ticket.created_at, Date.now()) : null;
  const giveUp = () => {
    draft.clear();
    onClose();
  };

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    setTried(true);
    if (minutes === null || late || sending) return;
    setSending(true);
    setError(null);
    const entry = {
      minutes,
      note: note.trim() || null,
      billable,
      ...(startedAt ? { started_at: startedAt } : {}),
      ...(worker === me.id ? {} : { user_id: worker }),
    };
    const of = JSON.stringify(entry);
    if (key.current?.of !== of) key.current = { of, key: newIdempotencyKey() };
    try {
      await addTime(ticket.id, entry, key.current.key);
      draft.clear();
      if (measured) setTimer(null);
      showToast('ok', t('time.booked', { time: formats.duration(minutes * 60_000) }));
      ticketChanged(queries, ticket.id);
      onClose();
    } catch (thrown) {
      if (thrown instanceof ApiError && !thrown.transient) key.current = null;
      setError(thrown);
      setSending(false);
    }
  }

  return (
    <Dialog
      title={t('time.manual')}
      isOpen
      onClose={onClose}
      footer={
        <>
          {measured && (
            <Button
              kind="quiet"
              icon="trash"
              onPress={() => {
                setTimer(null);
                giveUp();
              }}
            >
              {t('time.discard')}
            </Button>
          )}
          <span className="spacer" />
          <Button onPress={giveUp}>{u('action.cancel')}</Button>
          <Button type="submit" form="book-time" kind="primary" isPending={sending}>
            {t('time.book')}
          </Button>
        </>
      }
    >
      <form id="book-time" className="stack" onSubmit={submit} noValidate>
        <DraftNote draft={draft} />
        {error !== null && (
          <Alert tone="danger">
            <ErrorText error={error} />
          </Alert>
        )}
        <TextField
          autoFocus
          isRequired
          label={t('time.duration')}
          hint={t('time.duration_hint')}
          value={duration}
          onChange={(text) => draft.change({ duration: text })}
          error={tried && minutes === null ? t('time.duration_bad') : null}
        />
        {!measured && (
          <TextField
            type="datetime-local"
            label={t('time.begin')}
            hint={t('time.begin_hint')}
            value={began}
            onChange={(text) => draft.change({ began: text })}
            error={tried && late ? t(`time.${late}`) : null}
          />
        )}
        {may(me, 'time:manage') && (
          <NativeSelect
            label={t('time.worker')}
            value={worker}
            onChange={(id) => draft.change({ worker: id })}
            options={colleagues}
          />
        )}
        <TextField
          label={t('time.note')}
          maxLength={2000}
          value={note}
          onChange={(text) => draft.change({ note: text })}
        />
        <Checkbox isSelected={billable} onChange={(on) => draft.change({ billable: on })}>
          {t('time.billable')}
        </Checkbox>
      </form>
    </Dialog>
  );
}
