import { describeError } from '@psa/app/api/error-text';
import type { Ticket } from '@psa/app/api/types';
import { useDraft } from '@psa/app/drafts/use-draft';
import { addComment, attachmentsPath } from '@psa/app/tickets';
import { type Outcome, RequestKey } from '@psa/app/uploads/request-key';
import { useUploads } from '@psa/app/uploads/use-uploads';
import { AttachmentDrop } from '@psa/ui/components/attachment-drop';
import { Button } from '@psa/ui/components/button';
import { Alert } from '@psa/ui/components/states';
import { TextArea } from '@psa/ui/components/text-field';
import { isMac } from '@psa/ui/hooks/use-hotkeys';
import { useFormats } from '@psa/ui/i18n/format';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type RefObject, useState } from 'react';
import { FilesLeft } from '../files/files-left.tsx';
import { UploadMark } from '../files/upload-mark.tsx';
import { messages } from '../i18n/messages.ts';
import { MAX_TEXT } from '../limits.ts';
import { manyLines } from './new-ticket-form.ts';

const EMPTY = { body: '' };

/** A reply with files. The text is kept until it has arrived; files that failed can be sent again by themselves. */
export function ReplyForm({
  ticket,
  field,
}: {
  ticket: Ticket;
  field: RefObject<HTMLTextAreaElement | null>;
}) {
  const t = messages.useT();
  const ui = uiMessages.useT();
  const formats = useFormats();
  const queries = useQueryClient();
  const draft = useDraft(`reply.${ticket.id}`, EMPTY);
  const uploads = useUploads();
  const [key] = useState(() => new RequestKey());
  const [state, setState] = useState<'writing' | 'sending' | 'uploading'>('writing');
  /** The reply that the files belong to, while some are missing. */
  const [sent, setSent] = useState<string | null>(null);
  const [problem, setProblem] = useState<'missing' | 'long' | null>(null);
  const [failure, setFailure] = useState<{ outcome: Outcome; error: unknown } | null>(null);
  const busy = state !== 'writing';
  const body = draft.value.body;

  async function submit(event?: FormEvent): Promise<void> {
    event?.preventDefault();
    if (busy) return;
    const text = manyLines(body);
    const found = text === '' ? 'missing' : [...text].length > MAX_TEXT ? 'long' : null;
    setProblem(found);
    setFailure(null);
    if (found) {
      field.current?.focus();
      return;
    }
    setState('sending');
    try {
      const comment = await addComment(ticket.id, { body: text }, key.value);
      key.succeeded();
      draft.clear();
      await upload(comment.id);
    } catch (error) {
      const outcome = key.failed(error);
      setFailure({ outcome, error });
      setState('writing');
      if (outcome === 'arrived') void refresh();
    }
  }

  async function upload(commentId: string): Promise<void> {
    setState('uploading');
    const whole = await uploads.send(attachmentsPath(ticket.id), { comment_id: commentId });
    setSent(whole ? null : commentId);
    if (whole) uploads.choose([]);
    setState('writing');
    await refresh();
  }

  const refresh = () => queries.invalidateQueries({ queryKey: ['ticket', ticket.id] });

  if (sent !== null) {
    return (
      <FilesLeft
        title={t('files.left_reply')}
        uploads={uploads}
        onRetry={() => void upload(sent)}
        skipLabel={t('files.skip_reply')}
        onSkip={() => {
          uploads.choose([]);
          setSent(null);
        }}
      />
    );
  }
  return (
    <form className="card stack reply" onSubmit={(event) => void submit(event)} noValidate>
      {failure && (
        <Alert tone={failure.outcome === 'refused' ? 'danger' : 'warn'}>
          {failure.outcome === 'arrived'
            ? t('reply.arrived')
            : `${t(failure.outcome === 'unknown' ? 'reply.unknown' : 'reply.failed')} ${describeError(failure.error, ui, formats)}`}
        </Alert>
      )}
      <TextArea
        label={t('reply.title')}
        placeholder={t('reply.placeholder')}
        hint={ticket.status === 'closed' || ticket.status === 'resolved' ? t('reply.reopens') : undefined}
        rows={3}
        inputRef={field}
        isDisabled={busy}
        value={body}
        onChange={(text) => draft.change({ body: text })}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void submit();
        }}
        error={problem && t(`reply.${problem}`)}
      />
      <AttachmentDrop
        label={t('reply.files')}
        files={uploads.files}
        onChange={uploads.choose}
        isDisabled={busy}
        fileState={(file) => <UploadMark item={uploads.items.find((item) => item.file === file)} />}
      />
      <div className="form-foot">
        <span className="hint keyboard-only">
          {t('reply.shortcut', { key: isMac ? '⌘' : t('reply.control') })}
        </span>
        <Button type="submit" kind="primary" isPending={busy}>
          {t(
            state === 'sending' ? 'new.submitting' : state === 'uploading' ? 'new.uploading' : 'reply.submit',
          )}
        </Button>
      </div>
    </form>
  );
}
