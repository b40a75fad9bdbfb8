import { ApiError } from '@psa/app/api/error';
import { fieldTexts } from '@psa/app/api/field-text';
import type { Tagged, Ticket, TicketChanges, TicketStatus } from '@psa/app/api/types';
import { changeTicket } from '@psa/app/tickets';
import { useErrorText } from '@psa/app/use-tell-error';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { showToast } from '@psa/ui/toast-store';
import { type QueryClient, useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { type TicketRow, ticketQuery } from '../api/tickets.ts';
import { messages } from '../i18n/ticket-messages.ts';
import { type Difference, differences } from './conflict.ts';

export interface Conflict {
  changes: TicketChanges;
  differences: Difference[];
  newest: Tagged<Ticket>;
}

/** Puts a changed ticket wherever it is shown, and has the rest read anew. */
export function ticketChanged(queries: QueryClient, id: string, tagged?: Tagged<Ticket>): void {
  if (tagged) {
    const { queryKey } = ticketQuery(id);
    queries.setQueryData(queryKey, (old) =>
      old ? { ...tagged, data: { ...old.data, ...tagged.data } } : tagged,
    );
    queries.setQueriesData<TicketRow[]>({ queryKey: ['ticket-rows'] }, (rows) =>
      Array.isArray(rows) ? rows.map((row) => (row.id === id ? { ...row, ...tagged.data } : row)) : rows,
    );
  }
  void queries.invalidateQueries({ queryKey: ['ticket', id] });
  void queries.invalidateQueries({ queryKey: ['ticket', 'stats'] });
  void queries.invalidateQueries({ queryKey: ['ticket', 'list'] });
}

/**
 * Changes of one ticket, each naming the state it was made on (If-Match). When somebody else was faster, the
 * newest state is read: if nothing that people set has changed the change goes through on it, otherwise a
 * `conflict` waits for a decision.
 */
export function useTicketChange(id: string) {
  const t = messages.useT();
  const u = uiMessages.useT();
  const queries = useQueryClient();
  const errorText = useErrorText();
  const [conflict, setConflict] = useState<Conflict | null>(null);

  const mutation = useMutation({
    scope: { id: `ticket-${id}` },
    mutationFn: async ({ changes, base }: { changes: TicketChanges; base: Tagged<Ticket> }) => {
      try {
        return await changeTicket(id, changes, base.etag);
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 412) throw error;
        const newest = await queries.fetchQuery({ ...ticketQuery(id), staleTime: 0 });
        const found = differences(base.data, newest.data);
        if (found.length === 0) return await changeTicket(id, changes, newest.etag);
        setConflict({ changes, differences: found, newest });
        throw error;
      }
    },
    onSuccess: (tagged) => ticketChanged(queries, id, tagged),
    onError: (error) => {
      if (error instanceof ApiError && error.status === 412) return;
      if (error instanceof ApiError && error.code === 'TRANSITION_FORBIDDEN' && error.allowed.length > 0) {
        const allowed = error.allowed.map((status) => u(`status.${status as TicketStatus}`)).join(', ');
        showToast('danger', t('error.not_allowed', { allowed }));
      } else {
        // What was refused says more than that something was: nothing on the page is marked.
        const [refused] = Object.values(fieldTexts(error));
        showToast('danger', t('error.save', { reason: refused ?? errorText(error) }));
      }
      // Show what really is.
      void queries.invalidateQueries({ queryKey: ['ticket', id, 'page'] });
    },
  });

  /** Makes a change on the state that was shown when it was made; default the newest known. Tells whether it was made. */
  async function change(changes: TicketChanges, base?: Tagged<Ticket>): Promise<boolean> {
    const on = base ?? queries.getQueryData(ticketQuery(id).queryKey);
    if (!on) return false;
    return mutation.mutateAsync({ changes, base: on }).then(
      () => true,
      () => false,
    );
  }

  return {
    change,
    mutation,
    /** What is being saved right now, to be shown already. */
    pending: mutation.isPending ? (mutation.variables?.changes ?? null) : null,
    conflict,
    dropConflict: () => {
      setConflict(null);
      mutation.reset();
    },
    reapply: () => {
      if (!conflict) return;
      setConflict(null);
      mutation.mutate({ changes: conflict.changes, base: conflict.newest });
    },
  };
}
export type TicketChange = ReturnType<typeof useTicketChange>;
