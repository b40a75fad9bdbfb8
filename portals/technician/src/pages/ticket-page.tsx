import { mustNameTicket } from '@psa/app/address';
import { saveStatusOf } from '@psa/app/api/save-status';
import type { Priority, Tagged, Ticket, TicketStatus } from '@psa/app/api/types';
import { QueryFailure } from '@psa/app/components/error-state';
import type { PageModule } from '@psa/app/pages';
import { Link, useNavigate, useParams } from '@psa/app/router';
import { may, useMe } from '@psa/app/session/session';
import { attachmentsQuery, commentsQuery } from '@psa/app/tickets';
import { useLoaded } from '@psa/app/use-loaded';
import { useOpener } from '@psa/app/use-opener';
import { useTellError } from '@psa/app/use-tell-error';
import { Avatar } from '@psa/ui/components/avatar';
import { Button, IconButton } from '@psa/ui/components/button';
import { ConfirmDialog } from '@psa/ui/components/dialog';
import { PriorityPill, StatusPill } from '@psa/ui/components/pill';
import { PlainText } from '@psa/ui/components/plain-text';
import { SaveState } from '@psa/ui/components/states';
import { TextArea, TextField } from '@psa/ui/components/text-field';
import { useHotkeys } from '@psa/ui/hooks/use-hotkeys';
import { useFormats } from '@psa/ui/i18n/format';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { showToast } from '@psa/ui/toast-store';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { deleteTicket, ticketQuery } from '../api/tickets.ts';
import { useCommands } from '../commands.ts';
import { Picker } from '../components/picker.tsx';
import { messages as listMessages } from '../i18n/list-messages.ts';
import { messages as appMessages } from '../i18n/messages.ts';
import { messages } from '../i18n/ticket-messages.ts';
import { lastListPath } from '../list-path.ts';
import { AttachmentList } from '../tickets/attachment-list.tsx';
import { NOBODY, useAssigneeOptions, usePriorityOptions, useStatusOptions } from '../tickets/choices.ts';
import { ConflictDialog } from '../tickets/conflict-dialog.tsx';
import { Properties } from '../tickets/properties.tsx';
import { ReplyBox } from '../tickets/reply-box.tsx';
import { FilesPanel, HistoryPanel, WatchersPanel } from '../tickets/side-panels.tsx';
import { SlaPanel } from '../tickets/sla-panel.tsx';
import { Thread } from '../tickets/thread.tsx';
import { TimePanel } from '../tickets/time-panel.tsx';
import { useTextEditor } from '../tickets/use-text-editor.ts';
import { type TicketChange, useTicketChange } from '../tickets/use-ticket-change.ts';

export function Component() {
  const { id = '' } = useParams();
  // Another ticket is another page: no field may carry over.
  return <TicketPage key={id} id={id} />;
}

export const prefetch: PageModule['prefetch'] = async (queries, { params: { id = '' } }) => {
  await mustNameTicket(id);
  await queries.ensureQueryData(ticketQuery(id));
  void queries.prefetchInfiniteQuery(commentsQuery(id));
  void queries.prefetchQuery(attachmentsQuery(id));
};

function TicketPage({ id }: { id: string }) {
  const t = messages.useT();
  const me = useMe();
  const { data: tagged, ...query } = useLoaded(ticketQuery(id));
  const ticket = tagged.data;
  const save = useTicketChange(ticket.id);
  return (
    <div className="page ticket-page">
      <title>
        {`${t('ticket.doc_title', { number: ticket.ticket_number, title: ticket.title })} · ${me.tenant_name}`}
      </title>
      <QueryFailure query={{ ...query, data: tagged }} />
      <Head tagged={tagged} save={save} />
      <div className="ticket-grid">
        <div className="stack ticket-main">
          <Conversation tagged={tagged} save={save} />
          {may(me, 'ticket:comment') && <ReplyBox ticket={ticket} />}
        </div>
        <div className="ticket-side">
          <Properties tagged={tagged} save={save} />
          <SlaPanel ticket={ticket} />
          <TimePanel ticket={ticket} />
          <FilesPanel ticket={ticket} />
          <WatchersPanel ticket={ticket} />
          <HistoryPanel ticket={ticket} />
        </div>
      </div>
      <QuickChoices tagged={tagged} save={save} />
      <ConflictDialog ticket={save} />
    </div>
  );
}

function Head({ tagged, save }: { tagged: Tagged<Ticket>; save: TicketChange }) {
  const t = messages.useT();
  const u = uiMessages.useT();
  const me = useMe();
  const ticket = tagged.data;
  const editor = useTextEditor('title', tagged);
  const [deleting, setDeleting] = useState(false);
  const update = may(me, 'ticket:update');
  useHotkeys([{ keys: 'e', label: t('ticket.title_edit'), run: editor.start, enabled: update }]);
  const shown = save.pending?.title ?? ticket.title;
  function submit(event: FormEvent): void {
    event.preventDefault();
    if (!editor.base) return;
    const title = editor.text.trim();
    if (title.length < 3) return;
    if (title !== editor.base.data.title) save.change({ title }, editor.base);
    editor.end();
  }
  return (
    <header className="ticket-head">
      <div className="row row-wrap">
        <Link className="muted back-link" to={lastListPath()}>
          {t('ticket.back')}
        </Link>
        <span className="muted num">#{ticket.ticket_number}</span>
        <StatusPill status={save.pending?.status ?? ticket.status} />
        <PriorityPill priority={save.pending?.priority ?? ticket.priority} />
        <Link to={`/customers/${ticket.customer_id}`}>{ticket.customer?.name}</Link>
        <span className="spacer" />
        <SaveState status={saveStatusOf(save.mutation)} />
        <IconButton
          icon="link"
          label={t('ticket.copy_link')}
          onPress={() => {
            void navigator.clipboard?.writeText(window.location.href).then(() => {
              showToast('ok', t('ticket.link_copied'));
            });
          }}
        />
        {may(me, 'ticket:delete') && (
          <IconButton icon="trash" label={t('ticket.delete')} onPress={() => setDeleting(true)} />
        )}
      </div>
      {editor.base ? (
        <form className="row title-form" onSubmit={submit} noValidate>
          <TextField
            autoFocus
            label={t('ticket.title')}
            hideLabel
            maxLength={200}
            value={editor.text}
            onChange={editor.change}
            onKeyDown={(event) => event.key === 'Escape' && editor.end()}
          />
          <Button type="submit" kind="primary" isDisabled={editor.text.trim().length < 3}>
            {u('action.save')}
          </Button>
          <Button onPress={editor.end}>{u('action.cancel')}</Button>
        </form>
      ) : (
        <div className="row title-row">
          <h1>{shown}</h1>
          {update && <IconButton icon="write" label={t('ticket.title_edit')} onPress={editor.start} />}
        </div>
      )}
      {deleting && <DeleteTicket tagged={tagged} onClose={() => setDeleting(false)} />}
    </header>
  );
}

function DeleteTicket({ tagged, onClose }: { tagged: Tagged<Ticket>; onClose: () => void }) {
  const t = messages.useT();
  const u = uiMessages.useT();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const tellError = useTellError();
  const { id, ticket_number } = tagged.data;
  const gone = useMutation({
    mutationFn: () => deleteTicket(id, tagged.etag),
    onSuccess: () => {
      showToast('ok', t('ticket.deleted', { number: ticket_number }));
      void navigate(lastListPath());
      queries.removeQueries({ queryKey: ['ticket', id] });
      void queries.invalidateQueries({ queryKey: ['ticket-rows'] });
      void queries.invalidateQueries({ queryKey: ['ticket', 'stats'] });
    },
    onError: (error) => {
      tellError(error);
      onClose();
      void queries.invalidateQueries({ queryKey: ['ticket', id, 'page'] });
    },
  });
  return (
    <ConfirmDialog
      title={t('ticket.delete')}
      isOpen
      danger
      confirmLabel={u('action.delete')}
      isPending={gone.isPending}
      onConfirm={() => gone.mutate()}
      onClose={onClose}
    >
      {t('ticket.delete_sure', { number: ticket_number })}
    </ConfirmDialog>
  );
}

function Conversation({ tagged, save }: { tagged: Tagged<Ticket>; save: TicketChange }) {
  const t = messages.useT();
  const u = uiMessages.useT();
  const me = useMe();
  const formats = useFormats();
  const ticket = tagged.data;
  const { data: attachments = [] } = useQuery(attachmentsQuery(ticket.id));
  const editor = useTextEditor('description', tagged);
  const { entrant, beneficiary } = useOpener(ticket);
  const files = attachments.filter((file) => file.comment_id === null);
  return (
    <Thread
      id={ticket.id}
      attachments={attachments}
      opening={
        <article className="message" aria-label={t('ticket.description')}>
          <header className="message-head">
            <Avatar name={(entrant ?? beneficiary)?.name ?? '?'} />
            <strong>
              {entrant && beneficiary
                ? t('ticket.entered_for', { by: entrant.name, name: beneficiary.name })
                : entrant
                  ? t('ticket.opened_by', { name: entrant.name })
                  : beneficiary
                    ? t('ticket.opened_for', { name: beneficiary.name })
                    : t('ticket.opened')}
            </strong>
            <span className="spacer" />
            <time className="muted" dateTime={ticket.created_at}>
              {formats.dateTime(ticket.created_at)}
            </time>
            {may(me, 'ticket:update') && !editor.base && (
              <IconButton icon="write" label={t('ticket.description_edit')} onPress={editor.start} />
            )}
          </header>
          {editor.base ? (
            <div className="stack">
              <TextArea
                autoFocus
                label={t('ticket.description')}
                hideLabel
                maxLength={50_000}
                value={editor.text}
                onChange={editor.change}
              />
              <div className="row">
                <Button
                  kind="primary"
                  isDisabled={editor.text.trim() === ''}
                  onPress={() => {
                    if (editor.base) save.change({ description: editor.text.trim() }, editor.base);
                    editor.end();
                  }}
                >
                  {u('action.save')}
                </Button>
                <Button onPress={editor.end}>{u('action.cancel')}</Button>
              </div>
            </div>
          ) : (
            <PlainText>{save.pending?.description ?? ticket.description}</PlainText>
          )}
          <AttachmentList files={files} />
        </article>
      }
    />
  );
}

/** Status, priority and assignee by one key each, and the same in the palette. */
function QuickChoices({ tagged, save }: { tagged: Tagged<Ticket>; save: TicketChange }) {
  const t = messages.useT();
  const l = listMessages.useT();
  const app = appMessages.useT();
  const me = useMe();
  const navigate = useNavigate();
  const ticket = tagged.data;
  const [asking, setAsking] = useState<'status' | 'priority' | 'assign' | null>(null);
  const statuses = useStatusOptions((ticket.allowed_transitions ?? []).filter((s) => s !== ticket.status));
  const priorities = usePriorityOptions();
  const people = useAssigneeOptions();
  const update = may(me, 'ticket:update');
  const assign = update && may(me, 'ticket:assign');
  const take = () => save.change({ assigned_to: me.id }, tagged);
  const actions = [
    { id: 'status', keys: 's', title: l('bulk.status'), run: () => setAsking('status'), enabled: update },
    {
      id: 'priority',
      keys: 'p',
      title: l('bulk.priority'),
      run: () => setAsking('priority'),
      enabled: update,
    },
    { id: 'assign', keys: 'a', title: l('bulk.assign'), run: () => setAsking('assign'), enabled: assign },
    { id: 'take', keys: 'i', title: l('bulk.take'), run: take, enabled: assign },
    {
      id: 'back',
      keys: 'u',
      title: t('ticket.back'),
      run: () => void navigate(lastListPath()),
      enabled: true,
    },
  ].filter(({ enabled }) => enabled);
  useHotkeys(actions.map(({ keys, title, run }) => ({ keys, label: title, run })));
  useCommands(
    actions.map(({ id, keys, title, run }) => ({
      id: `ticket-${id}`,
      title,
      keys,
      run,
      section: app('section.page'),
    })),
  );
  const close = () => setAsking(null);
  if (asking === 'status') {
    return (
      <Picker
        title={l('bulk.status')}
        options={statuses}
        onClose={close}
        onPick={(status) => save.change({ status: status as TicketStatus }, tagged)}
      />
    );
  }
  if (asking === 'priority') {
    return (
      <Picker
        title={l('bulk.priority')}
        options={priorities}
        onClose={close}
        onPick={(priority) => save.change({ priority: priority as Priority }, tagged)}
      />
    );
  }
  if (asking === 'assign') {
    return (
      <Picker
        title={l('bulk.assign')}
        options={people}
        onClose={close}
        onPick={(id) => save.change({ assigned_to: id === NOBODY ? null : id }, tagged)}
      />
    );
  }
  return null;
}
