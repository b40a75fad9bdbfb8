import { ApiError } from '@psa/app/api/error';
import { describeError } from '@psa/app/api/error-text';
import { saveStatusOf } from '@psa/app/api/save-status';
import type { Tagged, Ticket } from '@psa/app/api/types';
import { changeTicket } from '@psa/app/tickets';
import { Button } from '@psa/ui/components/button';
import { Alert, SaveState } from '@psa/ui/components/states';
import { useFormats } from '@psa/ui/i18n/format';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { showToast } from '@psa/ui/toast-store';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { ticketQuery } from '../api/tickets.ts';
import { messages } from '../i18n/messages.ts';
import { actionsOf, type TicketAction } from './actions.ts';
import { StatusMark } from './status-mark.tsx';

/** Where the ticket stands, what happens next, and what the customer may do about it. */
export function StatusPanel(props: { ticket: Ticket; etag: string | null; onAnswer: () => void }) {
  const { ticket, etag } = props;
  const t = messages.useT();
  const ui = uiMessages.useT();
  const formats = useFormats();
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: (action: TicketAction) => changeTicket(ticket.id, { status: action.status }, etag),
    onSuccess(saved, action) {
      // The answer has no names beside the ids; those of before still hold.
      queries.setQueryData(ticketQuery(ticket.id).queryKey, (before: Tagged<Ticket> | undefined) => ({
        etag: saved.etag,
        data: { ...before?.data, ...saved.data },
      }));
      showToast('ok', t(action.status === 'closed' ? 'action.closed' : 'action.reopened'));
      if (action.status !== 'closed') props.onAnswer();
    },
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ['ticket', ticket.id] }),
        queries.invalidateQueries({ queryKey: ['ticket', 'list'] }),
      ]),
  });
  const { error } = change;
  // 412: somebody was faster. 409: the status it had allowed this, the present one does not.
  const isStale = error instanceof ApiError && (error.status === 412 || error.status === 409);
  return (
    <section className="card status-panel" data-status={ticket.status}>
      <div className="row row-wrap">
        <StatusMark status={ticket.status} />
        <p className="status-hint">{t(`hint.${ticket.status}`)}</p>
      </div>
      {isStale && <Alert tone="warn">{t('action.changed')}</Alert>}
      {error && !isStale && (
        <Alert tone="danger">{t('action.failed', { why: describeError(error, ui, formats) })}</Alert>
      )}
      <div className="row row-wrap">
        {ticket.status === 'waiting_customer' && (
          <Button kind="primary" onPress={props.onAnswer}>
            {t('action.answer')}
          </Button>
        )}
        {actionsOf(ticket).map((action) => (
          <Button
            key={action.name}
            kind={action.name === 'confirm' ? 'primary' : 'plain'}
            icon={action.status === 'closed' ? 'check' : 'refresh'}
            isPending={change.isPending && change.variables.name === action.name}
            isDisabled={change.isPending && change.variables.name !== action.name}
            onPress={() => change.mutate(action)}
          >
            {t(`action.${action.name}`)}
          </Button>
        ))}
        {change.isPending && <SaveState status={saveStatusOf(change)} />}
      </div>
    </section>
  );
}
