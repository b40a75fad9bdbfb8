import { saveStatusOf } from '@psa/app/api/save-status';
import type { Tagged, Ticket } from '@psa/app/api/types';
import { Link, useNavigate } from '@psa/app/router';
import { may, useMe } from '@psa/app/session/session';
import { useTellError } from '@psa/app/use-tell-error';
import { Button, IconButton } from '@psa/ui/components/button';
import { ConfirmDialog } from '@psa/ui/components/dialog';
import { Icon } from '@psa/ui/components/icon';
import { PriorityPill, StatusPill } from '@psa/ui/components/pill';
import { SaveState } from '@psa/ui/components/states';
import { TextField } from '@psa/ui/components/text-field';
import { useHotkeys } from '@psa/ui/hooks/use-hotkeys';
import { useNarrow } from '@psa/ui/hooks/use-media-query';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { showToast } from '@psa/ui/toast-store';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import { deleteTicket } from '../api/tickets.ts';
import { messages as dailyMessages } from '../i18n/daily-messages.ts';
import { messages } from '../i18n/ticket-messages.ts';
import { lastListPath } from '../list-path.ts';
import { useTextEditor } from './use-text-editor.ts';
import type { TicketChange } from './use-ticket-change.ts';

export interface TicketHeadProps {
  tagged: Tagged<Ticket>;
  save: TicketChange;
  onPrint: () => void;
  onDetails: () => void;
  /** What is done with the ticket: buttons beside its title. */
  actions: ReactNode;
}

/** Which ticket it is and how it stands. */
export function TicketHead({ tagged, save, onPrint, onDetails, actions }: TicketHeadProps) {
  const t = messages.useT();
  const d = dailyMessages.useT();
  const u = uiMessages.useT();
  const me = useMe();
  const ticket = tagged.data;
  const editor = useTextEditor('title', tagged, save);
  const [deleting, setDeleting] = useState(false);
  const narrow = useNarrow();
  const update = may(me, 'ticket:update');
  useHotkeys([{ keys: 'e', label: t('ticket.title_edit'), run: editor.start, enabled: update }]);
  const shown = save.pending?.title ?? ticket.title;
  function submit(event: FormEvent): void {
    event.preventDefault();
    if (editor.text.trim().length >= 3) editor.submit();
  }
  return (
    <header className="ticket-head">
      <div className="row row-wrap head-row">
        <Link className="muted back-link" to={lastListPath()} aria-label={t('ticket.back')}>
          <span className="wide-only">{t('ticket.back')}</span>
          <span className="narrow-only">
            <Icon name="chevronLeft" />
          </span>
        </Link>
        <span className="muted num">#{ticket.ticket_number}</span>
        <StatusPill status={save.pending?.status ?? ticket.status} />
        <PriorityPill priority={save.pending?.priority ?? ticket.priority} compact={narrow} />
        <Link className="clip head-customer" to={`/customers/${ticket.customer_id}`}>
          {ticket.customer?.name}
        </Link>
        <span className="spacer" />
        <SaveState status={saveStatusOf(save.mutation)} />
        {/* On a phone the browser and the palette have both. */}
        {!narrow && (
          <>
            <IconButton
              icon="link"
              label={t('ticket.copy_link')}
              onPress={() => {
                void navigator.clipboard?.writeText(window.location.href).then(() => {
                  showToast('ok', t('ticket.link_copied'));
                });
              }}
            />
            <IconButton icon="print" label={d('action.print')} onPress={onPrint} />
          </>
        )}
        {may(me, 'ticket:delete') && (
          <IconButton icon="trash" label={t('ticket.delete')} onPress={() => setDeleting(true)} />
        )}
        <span className="rail-hidden-only">
          <IconButton icon="info" label={d('action.details')} onPress={onDetails} />
        </span>
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
          <span className="spacer" />
          {actions}
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
