import { api } from '@psa/app/api/browser';
import type { HistoryEntry, Ticket } from '@psa/app/api/types';
import { DeleteFile } from '@psa/app/components/delete-file';
import { QueryFailure } from '@psa/app/components/error-state';
import { may, useMe } from '@psa/app/session/session';
import { attachmentsPath, attachmentsQuery, historyQuery } from '@psa/app/tickets';
import { useUploads } from '@psa/app/uploads/use-uploads';
import { useOpener } from '@psa/app/use-opener';
import { useTellError } from '@psa/app/use-tell-error';
import { AttachmentDrop } from '@psa/ui/components/attachment-drop';
import { Button } from '@psa/ui/components/button';
import { Checkbox } from '@psa/ui/components/checkbox';
import { Icon } from '@psa/ui/components/icon';
import { Badge } from '@psa/ui/components/pill';
import { Skeleton } from '@psa/ui/components/states';
import { useFormats } from '@psa/ui/i18n/format';
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { watchersQuery } from '../api/tickets.ts';
import { Panel } from '../components/panel.tsx';
import { messages } from '../i18n/ticket-messages.ts';
import { AttachmentLink } from './attachment-list.tsx';
import { UploadMark } from './upload-mark.tsx';
import { useFieldText } from './use-field-text.tsx';
import { ticketChanged } from './use-ticket-change.ts';

export function FilesPanel({ ticket }: { ticket: Ticket }) {
  const t = messages.useT();
  const me = useMe();
  const queries = useQueryClient();
  const attachments = useQuery(attachmentsQuery(ticket.id));
  const [internal, setInternal] = useState(false);
  const uploads = useUploads();

  async function send(): Promise<void> {
    await uploads.send(attachmentsPath(ticket.id), { visibility: internal ? 'internal' : 'public' });
    uploads.forgetSent();
    ticketChanged(queries, ticket.id);
  }

  return (
    <Panel title={t('files.title')}>
      {attachments.isPending && <Skeleton lines={2} />}
      <QueryFailure query={attachments} />
      {attachments.data?.length === 0 && <p className="muted">{t('files.none')}</p>}
      {(attachments.data?.length ?? 0) > 0 && (
        <ul className="file-list" tabIndex={-1} aria-label={t('files.title')}>
          {attachments.data?.map((file) => (
            <li key={file.id} className="file-item">
              <Icon name="paperclip" />
              <AttachmentLink file={file} />
              {file.visibility === 'internal' && (
                <Badge tone="warn" icon="lock">
                  {t('files.internal')}
                </Badge>
              )}
              <span className="spacer" />
              <DeleteFile file={file} />
            </li>
          ))}
        </ul>
      )}
      {may(me, 'ticket:comment') && (
        <details className="disclosure">
          <summary>{t('files.add')}</summary>
          <div className="stack">
            <AttachmentDrop
              label={t('files.add')}
              files={uploads.files}
              onChange={uploads.choose}
              isDisabled={uploads.isSending}
              fileState={(file) => <UploadMark item={uploads.itemOf(file)} />}
            />
            {uploads.files.length > 0 && (
              <div className="row row-wrap">
                {may(me, 'ticket:comment:internal') && (
                  <Checkbox isSelected={internal} onChange={setInternal}>
                    {t('files.visibility')}
                  </Checkbox>
                )}
                <span className="spacer" />
                <Button kind="primary" isPending={uploads.isSending} onPress={() => void send()}>
                  {t('files.upload')}
                </Button>
              </div>
            )}
          </div>
        </details>
      )}
    </Panel>
  );
}

export function WatchersPanel({ ticket }: { ticket: Ticket }) {
  const t = messages.useT();
  const me = useMe();
  const queries = useQueryClient();
  const tellError = useTellError();
  const watchers = useQuery(watchersQuery(ticket.id));
  const watching = watchers.data?.some(({ user_id }) => user_id === me.id) ?? false;
  const toggle = useMutation({
    mutationFn: async () => {
      if (watching) await api.delete('/tickets/{id}/watchers', { path: { id: ticket.id } });
      else await api.post('/tickets/{id}/watchers', {}, { path: { id: ticket.id } });
    },
    onSettled: () => queries.invalidateQueries({ queryKey: watchersQuery(ticket.id).queryKey }),
    onError: tellError,
  });
  const names = (watchers.data ?? []).map(({ user_id, name }) =>
    user_id === me.id ? t('watch.you', { name }) : name,
  );
  return (
    <Panel
      title={t('watch.title')}
      end={
        <Button kind="quiet" isPending={toggle.isPending} onPress={() => toggle.mutate()}>
          {t(watching ? 'watch.off' : 'watch.on')}
        </Button>
      }
    >
      <p className={names.length === 0 ? 'muted' : undefined}>
        {names.length === 0 ? t('watch.none') : names.join(', ')}
      </p>
    </Panel>
  );
}

export function HistoryPanel({ ticket }: { ticket: Ticket }) {
  const t = messages.useT();
  const [open, setOpen] = useState(false);
  const history = useInfiniteQuery({ ...historyQuery(ticket.id), enabled: open });
  return (
    <section className="panel">
      <details className="disclosure" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <h2>{t('history.title')}</h2>
        </summary>
        {history.isPending && open && <Skeleton lines={4} />}
        <QueryFailure query={history} />
        <ol className="timeline">
          {history.data?.pages
            .flatMap((page) => page.data)
            .map((entry) => (
              <Entry key={entry.id} entry={entry} ticket={ticket} />
            ))}
        </ol>
        {history.hasNextPage && (
          <Button isPending={history.isFetchingNextPage} onPress={() => void history.fetchNextPage()}>
            {t('history.more')}
          </Button>
        )}
      </details>
    </section>
  );
}

const KINDS = [
  'created',
  'changed',
  'commented',
  'assigned',
  'escalated',
  'attached',
  'time_logged',
  'time_changed',
  'time_deleted',
  'sla_breached',
  'imported',
  'restored',
] as const;
type Kind = (typeof KINDS)[number];

/** What was done; a file that went is a change whose new value is nothing. */
function kindOf({ kind, changes }: HistoryEntry): Kind | 'file_deleted' | 'other' {
  if (
    kind === 'changed' &&
    changes.length > 0 &&
    changes.every(({ field, to }) => field === 'file' && to === null)
  )
    return 'file_deleted';
  return KINDS.find((name) => name === kind) ?? 'other';
}

function Entry({ entry, ticket }: { entry: HistoryEntry; ticket: Ticket }) {
  const t = messages.useT();
  const formats = useFormats();
  const text = useFieldText();
  const kind = kindOf(entry);
  const { beneficiary } = useOpener(ticket);
  return (
    <li>
      <strong>{entry.actor.name ?? t('history.system')}</strong>{' '}
      {kind === 'created' && beneficiary
        ? t('history.created_for', { name: beneficiary.name })
        : t(`history.kind.${kind}`)}{' '}
      <time className="muted" dateTime={entry.occurred_at}>
        {formats.dateTime(entry.occurred_at)}
      </time>
      {entry.changes.map((change) => (
        <div key={change.field} className="muted">
          {text.name(change.field)}:{' '}
          {kind === 'file_deleted' ? (
            text.value(change.field, change.from)
          ) : (
            <>
              {/* What was not there before needs no "empty" to come from. */}
              {(change.from ?? null) !== null && <>{text.value(change.field, change.from)} → </>}
              {text.value(change.field, change.to)}
            </>
          )}
        </div>
      ))}
      {entry.reason && <div className="muted">{entry.reason}</div>}
    </li>
  );
}
