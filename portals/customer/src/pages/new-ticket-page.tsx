import { ApiError } from '@psa/app/api/error';
import { describeError } from '@psa/app/api/error-text';
import { fieldTexts } from '@psa/app/api/field-text';
import type { Ticket } from '@psa/app/api/types';
import { DraftNote } from '@psa/app/components/draft-note';
import { useDraft } from '@psa/app/drafts/use-draft';
import { Link, useNavigate } from '@psa/app/router';
import { useMe } from '@psa/app/session/session';
import { attachmentsPath, categoriesQuery, createTicket } from '@psa/app/tickets';
import { type Outcome, RequestKey } from '@psa/app/uploads/request-key';
import { useUploads } from '@psa/app/uploads/use-uploads';
import { AttachmentDrop } from '@psa/ui/components/attachment-drop';
import { Button } from '@psa/ui/components/button';
import { NativeSelect } from '@psa/ui/components/native-select';
import { Alert } from '@psa/ui/components/states';
import { TextArea, TextField } from '@psa/ui/components/text-field';
import { useFormats } from '@psa/ui/i18n/format';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { showToast } from '@psa/ui/toast-store';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { FilesLeft } from '../files/files-left.tsx';
import { UploadMark } from '../files/upload-mark.tsx';
import { messages } from '../i18n/messages.ts';
import { type DraftProblems, draftProblems, EMPTY_DRAFT, toRequest } from '../tickets/new-ticket-form.ts';
import { PriorityChoice } from '../tickets/priority-choice.tsx';

type Phase = 'writing' | 'sending' | 'uploading' | 'files_left';

/** Writes a ticket: first the text, once; then its files, which can be sent again without a second ticket. */
export function Component() {
  const t = messages.useT();
  const ui = uiMessages.useT();
  const formats = useFormats();
  const me = useMe();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const draft = useDraft('new-ticket', EMPTY_DRAFT);
  const uploads = useUploads();
  const categories = useQuery(categoriesQuery);
  const [key] = useState(() => new RequestKey());
  const [phase, setPhase] = useState<Phase>('writing');
  const [ticket, setTicket] = useState<Ticket | null>(null);
  const [problems, setProblems] = useState<DraftProblems | null>(null);
  const [refused, setRefused] = useState<Record<string, string>>({});
  const [failure, setFailure] = useState<{ outcome: Outcome; error: unknown } | null>(null);
  const title = useRef<HTMLInputElement>(null);
  const description = useRef<HTMLTextAreaElement>(null);

  const { value, change } = draft;
  const busy = phase !== 'writing';

  async function submit(event?: FormEvent): Promise<void> {
    event?.preventDefault();
    if (busy) return;
    const found = draftProblems(value);
    setProblems(found);
    setRefused({});
    setFailure(null);
    if (found) {
      (found.title ? title : description).current?.focus();
      return;
    }
    setPhase('sending');
    let created: Ticket;
    try {
      created = await createTicket(toRequest(value), key.value);
    } catch (error) {
      setFailure({ outcome: key.failed(error), error });
      if (error instanceof ApiError && error.status === 400) setRefused(fieldTexts(error));
      setPhase('writing');
      return;
    }
    key.succeeded();
    draft.clear();
    setTicket(created);
    void queries.invalidateQueries({ queryKey: ['ticket', 'list'] });
    await upload(created);
  }

  async function upload(to: Ticket): Promise<void> {
    setPhase('uploading');
    if (await uploads.send(attachmentsPath(to.id))) finish(to);
    else setPhase('files_left');
  }

  function finish(done: Ticket): void {
    showToast('ok', t('new.created', { number: done.ticket_number }));
    void navigate(`/tickets/${done.id}`, { replace: true });
  }

  const told = (field: 'title' | 'description') => {
    const problem = problems?.[field];
    return problem ? t(`new.${problem}`) : (refused[field] ?? null);
  };

  return (
    <div className="page narrow">
      <title>{`${t('new.title')} · ${me.tenant_name}`}</title>
      {ticket &&
      (phase === 'files_left' ||
        (phase === 'uploading' && uploads.items.some((i) => i.status === 'failed'))) ? (
        <FilesLeft
          title={t('files.left_ticket', { number: ticket.ticket_number })}
          uploads={uploads}
          onRetry={() => void upload(ticket)}
          skipLabel={t('files.skip_ticket')}
          onSkip={() => finish(ticket)}
        />
      ) : (
        <>
          <div className="stack-tight">
            <h1>{t('new.title')}</h1>
            <p className="muted">{t('new.intro')}</p>
          </div>
          {!busy && <DraftNote draft={draft} />}
          {failure && (
            <Alert tone={failure.outcome === 'refused' ? 'danger' : 'warn'}>
              {failure.outcome === 'arrived' ? (
                <>
                  {t('new.arrived')} <Link to="/">{t('new.to_list')}</Link>
                </>
              ) : failure.outcome === 'unknown' ? (
                `${describeError(failure.error, ui, formats)} ${t('new.unknown')}`
              ) : (
                describeError(failure.error, ui, formats)
              )}
            </Alert>
          )}
          <form className="card stack ticket-form" onSubmit={(event) => void submit(event)} noValidate>
            <TextField
              label={t('new.subject')}
              hint={t('new.subject_hint')}
              name="title"
              autoComplete="off"
              isRequired
              isDisabled={busy}
              inputRef={title}
              value={value.title}
              onChange={(text) => change({ title: text })}
              error={told('title')}
            />
            <TextArea
              label={t('new.description')}
              hint={t('new.description_hint')}
              name="description"
              rows={6}
              isRequired
              isDisabled={busy}
              inputRef={description}
              value={value.description}
              onChange={(text) => change({ description: text })}
              error={told('description')}
            />
            <PriorityChoice value={value.priority} onChange={(priority) => change({ priority })} />
            {value.priority === 'critical' && <Alert tone="warn">{t('new.emergency')}</Alert>}
            {(categories.data?.length ?? 0) > 0 && (
              <NativeSelect
                label={t('new.category')}
                name="category"
                isDisabled={busy}
                value={value.category}
                onChange={(category) => change({ category })}
                options={[
                  { value: '', label: t('new.category_none') },
                  ...categories.data!.map((name) => ({ value: name, label: name })),
                ]}
              />
            )}
            <div className="field">
              <span className="label">{t('new.files')}</span>
              <AttachmentDrop
                label={t('new.files')}
                files={uploads.files}
                onChange={uploads.choose}
                isDisabled={busy}
                fileState={(file) => <UploadMark item={uploads.items.find((item) => item.file === file)} />}
              />
            </div>
            <div className="form-foot">
              <Button type="submit" kind="primary" isPending={busy}>
                {t(
                  phase === 'sending'
                    ? 'new.submitting'
                    : phase === 'uploading'
                      ? 'new.uploading'
                      : 'new.submit',
                )}
              </Button>
            </div>
          </form>
        </>
      )}
    </div>
  );
}
