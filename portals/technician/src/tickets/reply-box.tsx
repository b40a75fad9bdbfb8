import { newIdempotencyKey } from '@psa/app/api/client';
import { ApiError } from '@psa/app/api/error';
import type { Ticket, TicketStatus } from '@psa/app/api/types';
import { ErrorText } from '@psa/app/components/error-state';
import { useDraft } from '@psa/app/drafts/use-draft';
import { may, useMe } from '@psa/app/session/session';
import { addComment, attachmentsPath } from '@psa/app/tickets';
import { useUploads } from '@psa/app/uploads/use-uploads';
import { AttachmentDrop } from '@psa/ui/components/attachment-drop';
import { Button } from '@psa/ui/components/button';
import { Kbd } from '@psa/ui/components/kbd';
import { NativeSelect } from '@psa/ui/components/native-select';
import { Alert } from '@psa/ui/components/states';
import { TextArea } from '@psa/ui/components/text-field';
import { useHotkeys } from '@psa/ui/hooks/use-hotkeys';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { showToast } from '@psa/ui/toast-store';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type KeyboardEvent, useRef, useState } from 'react';
import { messages } from '../i18n/ticket-messages.ts';
import { UploadMark } from './upload-mark.tsx';
import { ticketChanged } from './use-ticket-change.ts';

type Kind = 'public' | 'internal';
interface Draft {
  kind: Kind;
  text: string;
}

const NOTHING: Draft = { kind: 'public', text: '' };
const hasText = ({ text }: Draft) => text !== '';

/**
 * Answers the customer or notes something for the team, with files and a status in the same step. What is typed
 * stays on this device until it is sent; a repeated try is the same request and cannot double the message.
 */
export function ReplyBox({ ticket }: { ticket: Ticket }) {
  const t = messages.useT();
  const u = uiMessages.useT();
  const me = useMe();
  const queries = useQueryClient();
  const draft = useDraft(`reply.${ticket.id}`, NOTHING, {
    place: 'device',
    worth: hasText,
  });
  const { kind, text } = draft.value;
  const [status, setStatus] = useState<TicketStatus | ''>('');
  const [state, setState] = useState<'writing' | 'sending'>('writing');
  const [empty, setEmpty] = useState(false);
  const [error, setError] = useState<unknown>(null);
  /** The message is there, some of its files are not. */
  const [posted, setPosted] = useState<{ id: string; kind: Kind } | null>(null);
  const input = useRef<HTMLTextAreaElement>(null);
  const key = useRef<{ of: string; key: string } | null>(null);
  const uploads = useUploads();
  const note = may(me, 'ticket:comment:internal');

  const focus = (next: Kind) => {
    draft.change({ kind: next });
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
      draft.change({ text: '' });
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
      void send();
    }
    // Back to the page's own keys, without tabbing through the rest of the form.
    if (event.key === 'Escape' && event.target === input.current) input.current?.blur();
  }

  const internal = kind === 'internal';
  const choices = (ticket.allowed_transitions ?? []).filter((next) => next !== ticket.status);
  return (
    <form
      noValidate
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
              onChange={() => draft.change({ kind: value })}
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
          draft.change({ text: value });
          setEmpty(false);
        }}
        error={empty ? t('reply.empty') : null}
      />
      <AttachmentDrop
        label={t('files.title')}
        files={uploads.files}
        onChange={uploads.choose}
        isDisabled={state === 'sending'}
        fileState={(file) => <UploadMark item={uploads.itemOf(file)} />}
      />
      {posted && <Alert tone="warn">{t('reply.files_failed')}</Alert>}
      {error !== null && (
        <Alert tone="danger">
          {error instanceof ApiError && error.unreachable ? t('reply.unknown') : <ErrorText error={error} />}
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
