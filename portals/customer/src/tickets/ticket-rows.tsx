import { Link } from '@psa/app/router';
import { useMe } from '@psa/app/session/session';
import { Marked } from '@psa/ui/components/marked';
import { useNow } from '@psa/ui/hooks/use-now';
import { useFormats } from '@psa/ui/i18n/format';
import type { TicketRow } from '../api/tickets.ts';
import { messages } from '../i18n/messages.ts';
import { PriorityMark, StatusMark } from './status-mark.tsx';

/** Tickets as a list of links; names the reporter where it is somebody else. */
export function TicketRows({ rows, from }: { rows: readonly TicketRow[]; from: string }) {
  const t = messages.useT();
  const formats = useFormats();
  const me = useMe();
  const now = useNow();
  return (
    <ul className="ticket-list">
      {rows.map((ticket) => {
        const facts = [t('number', { number: ticket.ticket_number })];
        if (ticket.requester && ticket.requester.id !== me.id)
          facts.push(t('list.from', { name: ticket.requester.name }));
        if (ticket.comment_count > 0) facts.push(t('list.replies', { count: ticket.comment_count }));
        const hit = ticket.highlight?.body;
        const done = ticket.status === 'resolved' || ticket.status === 'closed';
        const at = (done && ticket.resolved_at) || ticket.updated_at;
        return (
          <li key={ticket.id}>
            <Link
              className="ticket-row"
              to={`/tickets/${ticket.id}`}
              state={{ from }}
              data-waiting={ticket.status === 'waiting_customer' || undefined}
            >
              <span className="ticket-main">
                <span className="ticket-title">
                  {ticket.highlight ? <Marked>{ticket.highlight.title}</Marked> : ticket.title}
                </span>
                {hit?.includes('\uE000') && (
                  <span className="ticket-hit muted">
                    <Marked>{hit}</Marked>
                  </span>
                )}
                <span className="ticket-facts muted">{facts.join(' · ')}</span>
              </span>
              <span className="ticket-state">
                <span className="row row-wrap">
                  {ticket.priority === 'critical' && <PriorityMark priority="critical" />}
                  <StatusMark status={ticket.status} />
                </span>
                <time className="muted num" dateTime={at} title={formats.dateTime(at)}>
                  {t(at === ticket.resolved_at ? 'list.solved' : 'list.updated', {
                    when: formats.relative(at, now),
                  })}
                </time>
              </span>
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
