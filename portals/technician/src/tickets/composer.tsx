import { newIdempotencyKey } from '@psa/app/api/client';
import { ApiError } from '@psa/app/api/error';
import type { NewComment, Tagged, Ticket, TicketStatus } from '@psa/app/api/types';
import { ErrorText } from '@psa/app/components/error-state';
import { useDraft } from '@psa/app/drafts/use-draft';
import { may, useMe } from '@psa/app/session/session';
import { attachmentsPath } from '@psa/app/tickets';
import { useUploads } from '@psa/app/uploads/use-uploads';
import { AttachmentDrop } from '@psa/ui/components/attachment-drop';
import { IconButton } from '@psa/ui/components/button';
import { Alert } from '@psa/ui/components/states';
import { TextArea, TextField } from '@psa/ui/components/text-field';
import { useHotkeys } from '@psa/ui/hooks/use-hotkeys';
import { useFormats } from '@psa/ui/i18n/format';
import { showToast } from '@psa/ui/toast-store';
import { useQueryClient } from '@tanstack/react-query';
import {
  type FormEvent,
  type KeyboardEvent,
  type Ref,
  useEffect,
  useImperativeHandle,
  useRef,
  useState,
} from 'react';
import { addTime } from '../api/tickets.ts';
import { messages as dailyMessages } from '../i18n/daily-messages.ts';
import { messages } from '../i18n/ticket-messages.ts';
import { parseMinutes } from '../timer/typed-minutes.ts';
import { SendButton } from './send-button.tsx';
import { sendComment } from './send-comment.ts';
import { UploadMark } from './upload-mark.tsx';
import { ticketChanged } from './use-ticket-change.ts';

type Kind = 'public' | 'internal';
interface Draft {
  kind: Kind;
  text: string;
  time: string;
}

const NOTHING: Draft = { kind: 'public', text: '', time: '' };
const hasText = ({ text, time }: Draft) => text !== '' || time !== '';

/** What the rest of the page asks of the composer. */
export interface ComposerHandle {
  reply(): void;
  /** Has the solution written, which resolves the ticket. */
  solve(): void;
}

export interface ComposerProps {
  tagged: Tagged<Ticket>;
  handle: Ref<ComposerHandle>;
  onSent: () => void;
  /** Folded away where there is little room, until somebody writes. */
  isOpen: boolean;
  onOpen: (open: boolean) => void;
}

/**
 * Answers the customer or notes something for the team, with files, working time and a status in the same step. What is
 * typed stays on this device until it is sent; a repeated try is the same request and cannot double the message.
 */
export function Composer({ tagged, handle, onSent, isOpen, onOpen }: ComposerProps) {
  const t = messages.useT();
  const d = dailyMessages.useT();
  const me = useMe();
  const formats = useFormats();
  const queries = useQueryClient();
  const ticket = tagged.data;
  const draft = useDraft(`reply.${ticket.id}`, NOTHING, { place: 'device', worth: hasText });
  const { kind, text, time } = draft.value;
  const [solving, setSolving] = useState(false);
  const [state, setState] = useState<'writing' | 'sending'>('writing');
  const [wrong, setWrong] = useState<{ text?: string; time?: string }>({});
  const [error, setError] = useState<unknown>(null);
  /** The message is there, some of its files are not. */
  const [posted, setPosted] = useState<{ id: string; kind: Kind } | null>(null);
  const input = useRef<HTMLTextAreaElement>(null);
  const timeInput = useRef<HTMLInputElement>(null);
  const key = useRef<{ of: string; key: string } | null>(null);
  const uploads = useUploads();
  const note = may(me, 'ticket:comment:internal');
  const book = may(me, 'time:create');
  const internal = kind === 'internal';
  const next = (ticket.allowed_transitions ?? []).filter((status) => status !== ticket.status);
  const solves = solving && !internal && next.includes('resolved');

  /** What is asked to be written is looked at once it is drawn. */
  const [wanted, setWanted] = useState<'text' | 'time' | null>(null);
  useEffect(() => {
    if (wanted === null) return;
    (wanted === 'text' ? input : timeInput).current?.focus();
    setWanted(null);
  }, [wanted]);
  const write = (what: Kind | 'solution' | 'time') => {
    onOpen(true);
    if (what === 'time') return setWanted('time');
    draft.change({ kind: what === 'internal' ? 'internal' : 'public' });
    setSolving(what === 'solution');
    setWanted('text');
  };
  useImperativeHandle(handle, () => ({ reply: () => write('public'), solve: () => write('solution') }));
  useHotkeys([
    { keys: 'r', label: t('reply.public'), run: () => write('public') },
    { keys: 'n', label: t('reply.internal'), run: () => write('internal'), enabled: note },
    { keys: 'l', label: d('time.log'), run: () => write('time'), enabled: book },
    { keys: 'd', label: d('action.solve'), run: () => write('solution'), enabled: next.includes('resolved') },
  ]);

  /** The minutes that are typed; null where nothing is, undefined where that is no time. */
  const minutesOf = (): number | null | undefined =>
    !book || time.trim() === '' ? null : (parseMinutes(time) ?? undefined);

  /** Runs one request; the same content again is the same request. */
  async function request<T>(content: object, run: (key: string) => Promise<T>): Promise<T | null> {
    setState('sending');
    setError(null);
    const of = JSON.stringify(content);
    if (key.current?.of !== of) key.current = { of, key: newIdempotencyKey() };
    try {
      const done = await run(key.current.key);
      key.current = null;
      return done;
    } catch (thrown) {
      if (thrown instanceof ApiError && !thrown.transient) key.current = null;
      setError(thrown);
      // The field was closed while it was sent, and lost the focus: the second try is a key away.
      setWanted('text');
      return null;
    } finally {
      setState('writing');
    }
  }

  async function send(then: TicketStatus | null): Promise<void> {
    if (state === 'sending') return;
    if (posted) return sendFiles(posted);
    const minutes = minutesOf();
    if (text.trim() === '' && typeof minutes === 'number' && then === null) return bookTime();
    const missing = text.trim() === '';
    if (missing || minutes === undefined) {
      setWrong({
        ...(missing ? { text: then === 'resolved' ? d('solution.empty') : t('reply.empty') } : {}),
        ...(minutes === undefined ? { time: d('time.bad') } : {}),
      });
      (missing ? input : timeInput).current?.focus();
      return;
    }
    const comment: NewComment = {
      body: text.trim(),
      visibility: kind,
      ...(then ? { status: then } : {}),
      ...(minutes === null ? {} : { time: { minutes } }),
    };
    const done = await request(comment, (once) => sendComment(queries, tagged, comment, once));
    if (!done) return;
    draft.change({ text: '', time: '' });
    setSolving(false);
    ticketChanged(queries, ticket.id);
    showToast('ok', t(internal ? 'reply.noted' : 'reply.sent'));
    onSent();
    await sendFiles({ id: done.id, kind });
    if (uploads.missing().length === 0) onOpen(false);
  }

  /** Books the time alone; a reply that was begun stays as it is. */
  async function bookTime(): Promise<void> {
    if (state === 'sending') return;
    const minutes = minutesOf();
    if (typeof minutes !== 'number') return setWrong({ time: d('time.bad') });
    const done = await request({ minutes }, (once) => addTime(ticket.id, { minutes }, once));
    if (!done) return;
    draft.change({ time: '' });
    ticketChanged(queries, ticket.id);
    showToast('ok', t('time.booked', { time: formats.duration(minutes * 60_000) }));
  }

  async function sendFiles(comment: { id: string; kind: Kind }): Promise<void> {
    if (uploads.files.length === 0) return setPosted(null);
    setState('sending');
    const all = await uploads.send(attachmentsPath(ticket.id), {
      visibility: comment.kind,
      comment_id: comment.id,
    });
    uploads.forgetSent();
    setPosted(all ? null : comment);
    ticketChanged(queries, ticket.id);
    setState('writing');
  }

  function onKeyDown(event: KeyboardEvent): void {
    if ((event.ctrlKey || event.metaKey) && event.key === 'Enter') {
      event.preventDefault();
      const waits = event.shiftKey && next.includes('waiting_customer');
      void send(waits ? 'waiting_customer' : solves ? 'resolved' : null);
    }
    // Back to the page's own keys, without tabbing through the rest of the form.
    if (event.key === 'Escape' && (event.target === input.current || event.target === timeInput.current))
      (event.target as HTMLElement).blur();
  }

  const overtaken = error instanceof ApiError && error.status === 412;
  return (
    <form
      noValidate
      className={internal ? 'composer composer-internal' : 'composer'}
      data-open={isOpen || undefined}
      aria-label={t(internal ? 'reply.internal' : 'reply.public')}
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        void send(solves ? 'resolved' : null);
      }}
      onKeyDown={onKeyDown}
    >
      <div className="row">
        <fieldset className="segments">
          <legend className="visually-hidden">{t('reply.kind')}</legend>
          {(note ? (['public', 'internal'] as const) : (['public'] as const)).map((value) => (
            <label key={value} className="segment">
              <input
                type="radio"
                name="kind"
                checked={kind === value}
                onChange={() => draft.change({ kind: value })}
              />
              {t(`reply.${value}`)}
            </label>
          ))}
        </fieldset>
        <span className="spacer" />
        {solves && (
          <span className="pill tone-ok">
            {d('solution')}
            <IconButton icon="close" label={d('solution.cancel')} onPress={() => setSolving(false)} />
          </span>
        )}
        <span className="phone-only">
          <IconButton icon="chevronDown" label={d('action.reply_close')} onPress={() => onOpen(false)} />
        </span>
      </div>
      <TextArea
        label={t(internal ? 'reply.note' : 'reply.text')}
        hideLabel
        rows={2}
        placeholder={
          solves ? d('solution.placeholder') : t(internal ? 'reply.note_placeholder' : 'reply.placeholder')
        }
        inputRef={input}
        value={text}
        maxLength={50_000}
        isDisabled={state === 'sending' && !posted}
        onChange={(value) => {
          draft.change({ text: value });
          setWrong(({ text: _, ...rest }) => rest);
        }}
        error={wrong.text}
      />
      {posted && <Alert tone="warn">{t('reply.files_failed')}</Alert>}
      {error !== null && (
        <Alert tone="danger">
          {overtaken ? (
            d('send.overtaken')
          ) : error instanceof ApiError && error.unreachable ? (
            t('reply.unknown')
          ) : (
            <ErrorText error={error} />
          )}
        </Alert>
      )}
      <div className="composer-foot">
        <AttachmentDrop
          label={t('files.title')}
          compact
          files={uploads.files}
          onChange={uploads.choose}
          isDisabled={state === 'sending'}
          fileState={(file) => <UploadMark item={uploads.itemOf(file)} />}
        />
        {book && (
          <div className="composer-time" title={d('time.hint')}>
            <TextField
              label={d('time')}
              hideLabel
              inputRef={timeInput}
              placeholder={d('time.placeholder')}
              maxLength={20}
              autoComplete="off"
              value={time}
              onChange={(value) => {
                draft.change({ time: value });
                setWrong(({ time: _, ...rest }) => rest);
              }}
              onKeyDown={(event) => {
                if (event.key !== 'Enter' || event.ctrlKey || event.metaKey) return;
                event.preventDefault();
                void bookTime();
              }}
              error={wrong.time}
            />
          </div>
        )}
        <span className="spacer" />
        <SendButton
          kind={kind}
          solves={solves}
          next={next}
          isPending={state === 'sending'}
          again={posted ? 'files' : error instanceof ApiError && error.transient ? 'retry' : null}
          onSend={(then) => void send(then)}
        />
      </div>
    </form>
  );
}
