import { newIdempotencyKey } from '@psa/ui/api-client';
import { ApiError } from '@psa/ui/api-error';
import { AttachmentDrop } from '@psa/ui/components/attachment-drop';
import { Button } from '@psa/ui/components/button';
import { Kbd } from '@psa/ui/components/kbd';
import { NativeSelect } from '@psa/ui/components/native-select';
import { Alert } from '@psa/ui/components/states';
import { TextArea } from '@psa/ui/components/text-field';
import { useHotkeys } from '@psa/ui/hooks/use-hotkeys';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { may, useMe } from '@psa/ui/session';
import { readSetting, writeSetting } from '@psa/ui/settings';
import { showToast } from '@psa/ui/toast-store';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { addComment } from '../api/tickets.ts';
import type { Ticket, TicketStatus } from '../api/types.ts';
import { useErrorText } from '../components/use-tell-error.ts';
import { messages } from '../i18n/ticket-messages.ts';
import { UploadMark } from './upload-mark.tsx';
import { ticketChanged } from './use-ticket-change.ts';
import { useUploads } from './use-uploads.ts';

type Kind = 'public' | 'internal';
interface Draft {
  kind: Kind;
  text: string;
}

function readDraft(name: `view.draft.${string}`): Draft {
  try {
    const stored = JSON.parse(readSetting(name) ?? 'null') as Partial<Draft> | null;
    return { kind: stored?.kind === 'internal' ? 'internal' : 'public', text: String(stored?.text ?? '') };
  } catch {
    return { kind: 'public', text: '' };
  }
}

/**
 * Answers the customer or notes something for the team, with files and a status in the same step. What is typed
 * stays on this device until it is sent; a repeated try is the same request and cannot double the message.
 */
export function ReplyBox({ ticket }: { ticket: Ticket }) {
  const t = messages.useT();
  const u = uiMessages.useT();
  const me = useMe();
  const queries = useQueryClient();
  const errorText = useErrorText();
  const name = `view.draft.${ticket.id}` as const;
  const [{ kind, text }, setDraft] = useState(() => readDraft(name));
  const [status, setStatus] = useState<TicketStatus | ''>('');
  const [files, setFiles] = useState<readonly File[]>([]);
  const [state, setState] = useState<'writing' | 'sending'>('writing');
  const [empty, setEmpty] = useState(false);
  const [error, setError] = useState<unknown>(null);
  /** The message is there, some of its files are not. */
  const [posted, setPosted] = useState<{ id: string; kind: Kind } | null>(null);
  const input = useRef<HTMLTextAreaElement>(null);
  const key = useRef<{ of: string; key: string } | null>(null);
  const uploads = useUploads();
  const note = may(me, 'ticket:comment:internal');

  useEffect(() => {
    // At once: whoever types and leaves the page in the same moment loses nothing.
    const draft = text === '' ? '' : JSON.stringify({ kind, text });
    if (draft !== (readSetting(name) ?? '')) writeSetting(name, draft);
  }, [name, kind, text]);

  const focus = (next: Kind) => {
    setDraft((draft) => ({ ...draft, kind: next }));
    input.current?.focus();
  };
  useHotkeys([
    { keys: 'r', label: t('reply.public'), run: () => focus('public') },
    { keys: 'n', label: t('reply.internal'), run: () => focus('internal'), enabled: note },
  ]);

  async function send(): Promise<void> {
    if (state === 'sending') return;
    if (posted) return sendFiles(posted);
    if (text.trim() === '') {
      setEmpty(true);
      input.current?.focus();
      return;
    }
    setState('sending');
    setError(null);
    const comment = { body: text.trim(), visibility: kind, ...(status ? { status } : {}) };
    // The same content again is the same request; changed content is a new one.
    const of = JSON.stringify(comment);
    if (key.current?.of !== of) key.current = { of, key: newIdempotencyKey() };
    try {
      const { id } = await addComment(ticket.id, comment, key.current.key);
      key.current = null;
      setDraft({ kind, text: '' });
      writeSetting(name, '');
      setStatus('');
      ticketChanged(queries, ticket.id);
      showToast('ok', t(kind === 'internal' ? 'reply.noted' : 'reply.sent'));
      await sendFiles({ id, kind });
    } catch (thrown) {
      if (thrown instanceof ApiError && !thrown.transient) key.current = null;
      setError(thrown);
    }
    setState('writing');
  }

  async function sendFiles(comment: { id: string; kind: Kind }): Promise<void> {
    if (files.length === 0) return setPosted(null);
    setState('sending');
    const failed = await uploads.upload(ticket.id, files, {
      visibility: comment.kind,
      comment_id: comment.id,
    });
    setFiles(failed);
    setPosted(failed.length > 0 ? comment : null);
    if (failed.length === 0) uploads.forget();
    ticketChanged(queries, ticket.id);
    setState('writing');
  }

  function onKeyDown(event: KeyboardEvent): void {
    if ((event.ctrlKey || event.metaKey) && event.key === 'Enter') {
      event.preventDefault();
      void send();
    }
    // Back to the page's own keys, without tabbing through the rest of the form.
    if (event.key === 'Escape' && event.target === input.current) input.current?.blur();
  }

  const internal = kind === 'internal';
  const choices = (ticket.allowed_transitions ?? []).filter((next) => next !== ticket.status);
  return (
    <form
      className={internal ? 'reply reply-internal' : 'reply'}
      aria-label={t(internal ? 'reply.internal' : 'reply.public')}
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        void send();
      }}
      onKeyDown={onKeyDown}
    >
      <fieldset className="segments">
        <legend className="visually-hidden">{t('reply.kind')}</legend>
        {(note ? (['public', 'internal'] as const) : (['public'] as const)).map((value) => (
          <label key={value} className="segment">
            <input
              type="radio"
              name="kind"
              checked={kind === value}
              onChange={() => setDraft({ kind: value, text })}
            />
            {t(`reply.${value}`)}
          </label>
        ))}
      </fieldset>
      <TextArea
        label={t(internal ? 'reply.note' : 'reply.text')}
        hideLabel
        placeholder={t(internal ? 'reply.note_placeholder' : 'reply.placeholder')}
        inputRef={input}
        value={text}
        maxLength={50_000}
        isDisabled={state === 'sending' && !posted}
        onChange={(value) => {
          setDraft({ kind, text: value });
          setEmpty(false);
        }}
        error={empty ? t('reply.empty') : null}
      />
      <AttachmentDrop
        label={t('files.title')}
        files={files}
        onChange={(next) => setFiles(next)}
        isDisabled={state === 'sending'}
        fileState={(file) => <UploadMark state={uploads.states.get(file)} />}
      />
      {posted && <Alert tone="warn">{t('reply.files_failed')}</Alert>}
      {error !== null && (
        <Alert tone="danger">
          {error instanceof ApiError && error.unreachable ? t('reply.unknown') : errorText(error)}
        </Alert>
      )}
      <div className="reply-foot">
        <NativeSelect
          label={t('reply.status')}
          hideLabel
          value={status}
          onChange={setStatus}
          options={[
            { value: '', label: t('reply.status_keep') },
            ...choices.map((value) => ({ value, label: u(`status.${value}`) })),
          ]}
        />
        <span className="spacer" />
        <span className="wide-only">
          <Kbd keys="mod+enter" />
        </span>
        <Button type="submit" kind="primary" isPending={state === 'sending'}>
          {posted
            ? t('reply.retry_files')
            : error instanceof ApiError && error.transient
              ? u('action.retry')
              : t(internal ? 'reply.save_note' : 'reply.send')}
        </Button>
      </div>
    </form>
  );
}
