import { newIdempotencyKey } from '@psa/app/api/client';
import type { Tagged, Ticket } from '@psa/app/api/types';
import { useNavigate } from '@psa/app/router';
import { may, useMe } from '@psa/app/session/session';
import { changeTicket } from '@psa/app/tickets';
import { useTellError } from '@psa/app/use-tell-error';
import { Button } from '@psa/ui/components/button';
import { useHotkeys } from '@psa/ui/hooks/use-hotkeys';
import { dismissToast, showToast, toasts } from '@psa/ui/toast-store';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { takeNextTicket } from '../api/tickets.ts';
import { useCommands } from '../commands.ts';
import { messages } from '../i18n/daily-messages.ts';
import { messages as appMessages } from '../i18n/messages.ts';

/** Takes the ticket that waits first and opens it, from wherever one is; says so where none waits. */
export function TakeNext() {
  const t = messages.useT();
  const app = appMessages.useT();
  const me = useMe();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const tellError = useTellError();
  const enabled = may(me, 'ticket:assign');
  // Not `ticketChanged`: its module would come with the first load, which has no room for it.
  const changed = () => {
    void queries.invalidateQueries({ queryKey: ['ticket', 'stats'] });
    void queries.invalidateQueries({ queryKey: ['ticket', 'list'] });
    void queries.invalidateQueries({ queryKey: ['ticket-rows'] });
  };
  const next = useMutation({
    mutationFn: () => takeNextTicket(newIdempotencyKey()),
    onSuccess: ({ data, etag }) => {
      if (!data) return showToast('info', t('next.none'));
      changed();
      void navigate(`/tickets/${data.id}`);
      const offer = showToast('ok', t('next.taken', { number: data.ticket_number }), {
        label: t('next.undo'),
        run: () => void giveBack(data, etag),
      });
      // Once it has moved on there is nothing to be taken back.
      const stop = queries.getQueryCache().subscribe(() => {
        if (toasts().every(({ id }) => id !== offer)) return stop();
        const read = queries.getQueryData<Tagged<Ticket>>(['ticket', data.id, 'page']);
        if (!read || read.data.version <= data.version) return;
        dismissToast(offer);
        stop();
      });
    },
    onError: tellError,
  });
  async function giveBack({ id, ticket_number: number }: Ticket, etag: string | null): Promise<void> {
    try {
      await changeTicket(id, { assigned_to: null }, etag);
      showToast('ok', t('next.undone', { number }));
    } catch (error) {
      // Whoever changed it meanwhile knows why; it is not taken from them.
      tellError(error);
    }
    changed();
    void queries.invalidateQueries({ queryKey: ['ticket', id] });
  }
  const take = () => {
    if (!next.isPending) next.mutate();
  };
  useHotkeys([{ keys: 'w', label: t('next.take'), run: take, enabled }]);
  useCommands(
    enabled
      ? [
          {
            id: 'next',
            title: t('next.take'),
            detail: t('next.title'),
            section: app('section.go'),
            icon: 'inbox',
            keys: 'w',
            run: take,
          },
        ]
      : [],
  );
  if (!enabled) return null;
  return (
    <Button icon="inbox" title={t('next.title')} isPending={next.isPending} onPress={take}>
      <span className="wide-only">{t('next.take')}</span>
      <span className="narrow-only visually-hidden">{t('next.take')}</span>
    </Button>
  );
}
