import { useNavigate } from '@psa/app/router';
import { useMe } from '@psa/app/session/session';
import { showToast } from '@psa/ui/toast-store';
import { useQueryClient } from '@tanstack/react-query';
import { teamsQuery } from '../api/desk.ts';
import { ticketQuery } from '../api/tickets.ts';
import { messages } from '../i18n/daily-messages.ts';
import { useLiveMessages } from '../live/live-store.ts';

const own = new Set<string>();
/** The next call for help with this ticket comes from here: nobody is told what they did themselves. Gives a way back. */
export function noteOwnEscalation(ticketId: string): () => void {
  own.add(ticketId);
  return () => void own.delete(ticketId);
}

/**
 * Tells a technician that a colleague calls for help with a ticket that is theirs or, where nobody has it, their team's:
 * wherever they are in the portal. Who is not there finds it among their own tickets, with the reason as a note.
 */
export function EscalationNotice() {
  const t = messages.useT();
  const me = useMe();
  const queries = useQueryClient();
  const navigate = useNavigate();
  async function tell(id: string): Promise<void> {
    const { data: ticket } = await queries.fetchQuery({ ...ticketQuery(id), staleTime: 0 });
    const isMine = ticket.assigned_to === me.id;
    if (!isMine && ticket.assigned_to !== null) return;
    if (!isMine) {
      const teams = await queries.ensureQueryData(teamsQuery);
      if (!teams.find((team) => team.id === ticket.team_id)?.member_ids.includes(me.id)) return;
    }
    showToast('warn', t('escalated.told', { number: ticket.ticket_number, title: ticket.title }), {
      label: t('escalated.open'),
      run: () => void navigate(`/tickets/${id}`),
    });
  }
  useLiveMessages(({ type, aggregate }) => {
    if (type !== 'ticket.escalated.v1' || own.delete(aggregate.id)) return;
    // Who may not see the ticket is not told of it.
    tell(aggregate.id).catch(() => undefined);
  });
  return null;
}
