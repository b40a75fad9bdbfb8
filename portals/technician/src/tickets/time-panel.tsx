import { newIdempotencyKey } from '@psa/ui/api-client';
import { ApiError } from '@psa/ui/api-error';
import { Button } from '@psa/ui/components/button';
import { Checkbox } from '@psa/ui/components/checkbox';
import { Dialog } from '@psa/ui/components/dialog';
import { Alert } from '@psa/ui/components/states';
import { TextField } from '@psa/ui/components/text-field';
import { useFormats } from '@psa/ui/i18n/format';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { may, useMe } from '@psa/ui/session';
import { showToast } from '@psa/ui/toast-store';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { addTime, timeEntriesQuery } from '../api/tickets.ts';
import type { Ticket } from '../api/types.ts';
import { Panel } from '../components/panel.tsx';
import { useErrorText } from '../components/use-tell-error.ts';
import { messages } from '../i18n/ticket-messages.ts';
import {
  bookableMinutes,
  clockText,
  elapsed,
  parseMinutes,
  pauseTimer,
  resumeTimer,
  startTimer,
} from '../timer/timer.ts';
import { setTimer, useSeconds, useTimer } from '../timer/use-timer.ts';
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
      <ul className="entry-list">
        {entries.data?.map((entry) => (
          <li key={entry.id}>
            <div className="row row-wrap">
              <strong className="num">{time(entry.minutes)}</strong>
              <span>{entry.user.name}</span>
              <span className="spacer" />
              <time className="muted" dateTime={entry.started_at}>
                {formats.dateTime(entry.started_at)}
              </time>
            </div>
            <div className="muted">
              {[entry.note, entry.billable ? null : t('time.not_billable')].filter(Boolean).join(' · ')}
            </div>
          </li>
        ))}
      </ul>
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
  const formats = useFormats();
  const queries = useQueryClient();
  const errorText = useErrorText();
  const timer = useTimer();
  const measured = from === 'timer' && timer?.ticketId === ticket.id ? timer : null;
  const [duration, setDuration] = useState(() =>
    measured ? String(bookableMinutes(measured, Date.now())) : '',
  );
  const [note, setNote] = useState('');
  const [billable, setBillable] = useState(true);
  const [tried, setTried] = useState(false);
  const [sending, setSending] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const key = useRef<{ of: string; key: string } | null>(null);
  const minutes = parseMinutes(duration);

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    setTried(true);
    if (minutes === null || sending) return;
    setSending(true);
    setError(null);
    const entry = {
      minutes,
      note: note.trim() || null,
      billable,
      ...(measured ? { started_at: new Date(measured.beganAt).toISOString() } : {}),
    };
    const of = JSON.stringify(entry);
    if (key.current?.of !== of) key.current = { of, key: newIdempotencyKey() };
    try {
      await addTime(ticket.id, entry, key.current.key);
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
                onClose();
              }}
            >
              {t('time.discard')}
            </Button>
          )}
          <span className="spacer" />
          <Button onPress={onClose}>{u('action.cancel')}</Button>
          <Button type="submit" form="book-time" kind="primary" isPending={sending}>
            {t('time.book')}
          </Button>
        </>
      }
    >
      <form id="book-time" className="stack" onSubmit={submit} noValidate>
        {error !== null && <Alert tone="danger">{errorText(error)}</Alert>}
        <TextField
          autoFocus
          isRequired
          label={t('time.duration')}
          hint={t('time.duration_hint')}
          value={duration}
          onChange={setDuration}
          error={tried && minutes === null ? t('time.duration_bad') : null}
        />
        <TextField label={t('time.note')} maxLength={2000} value={note} onChange={setNote} />
        <Checkbox isSelected={billable} onChange={setBillable}>
          {t('time.billable')}
        </Checkbox>
      </form>
    </Dialog>
  );
}
