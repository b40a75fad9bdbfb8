import { mustNameTicket } from '@psa/app/address';
import { ApiError } from '@psa/app/api/error';
import type { Ticket } from '@psa/app/api/types';
import { QueryFailure } from '@psa/app/components/error-state';
import { RouteError } from '@psa/app/components/route-error';
import type { PageModule } from '@psa/app/pages';
import { Link, useLocation, useParams, useRouteError } from '@psa/app/router';
import { useMe } from '@psa/app/session/session';
import { attachmentsQuery, commentsQuery } from '@psa/app/tickets';
import { useLoaded } from '@psa/app/use-loaded';
import { Icon } from '@psa/ui/components/icon';
import { EmptyState } from '@psa/ui/components/states';
import { useFormats } from '@psa/ui/i18n/format';
import { useRef } from 'react';
import { historyQuery, ticketQuery } from '../api/tickets.ts';
import { messages } from '../i18n/messages.ts';
import { Conversation } from '../tickets/conversation.tsx';
import { ReplyForm } from '../tickets/reply-form.tsx';
import { PriorityMark } from '../tickets/status-mark.tsx';
import { StatusPanel } from '../tickets/status-panel.tsx';
import { Timeline } from '../tickets/timeline-view.tsx';

/** One ticket: where it stands, the conversation, the reply. */
export function Component() {
  const { id = '' } = useParams();
  // Another ticket is another page: drafts, files and errors of the one before stay with it.
  return <TicketPage key={id} id={id} />;
}

export const prefetch: PageModule['prefetch'] = async (queries, { params: { id = '' } }) => {
  await mustNameTicket(id);
  await queries.ensureQueryData(ticketQuery(id));
  void queries.prefetchInfiniteQuery(commentsQuery(id));
  void queries.prefetchQuery(attachmentsQuery(id));
  void queries.prefetchQuery(historyQuery(id));
};

/** No such ticket, or one of somebody else's: which of the two is nobody's business. */
export function ErrorBoundary() {
  const t = messages.useT();
  const me = useMe();
  const error = useRouteError();
  const missing = error instanceof ApiError && error.status === 404;
  if (!missing) return <RouteError />;
  return (
    <div className="page ticket-page">
      <BackLink />
      <title>{`${t('ticket.missing_title')} · ${me.tenant_name}`}</title>
      <EmptyState icon="ticket" heading="h1" title={t('ticket.missing_title')}>
        {t('ticket.missing')}
      </EmptyState>
    </div>
  );
}

/** Back to the list as it was left. */
function BackLink() {
  const t = messages.useT();
  const { state } = useLocation() as { state: { from?: string } | null };
  return (
    <Link className="back-link" to={state?.from ?? '/'}>
      <Icon name="chevronDown" />
      {t('ticket.back')}
    </Link>
  );
}

function TicketPage({ id }: { id: string }) {
  const t = messages.useT();
  const me = useMe();
  const query = useLoaded(ticketQuery(id));
  const { data: ticket, etag } = query.data;
  const reply = useRef<HTMLTextAreaElement>(null);

  function answer(): void {
    reply.current?.focus();
    reply.current?.scrollIntoView({ block: 'center' });
  }

  return (
    <div className="page ticket-page">
      <title>{`${ticket.title} · ${t('number', { number: ticket.ticket_number })} · ${me.tenant_name}`}</title>
      <div className="stack-tight">
        <BackLink />
        <h1 className="ticket-heading">{ticket.title}</h1>
        <p className="muted">{t('number', { number: ticket.ticket_number })}</p>
      </div>
      <QueryFailure query={query} />
      <div className="ticket-columns">
        <div className="stack-wide">
          <StatusPanel ticket={ticket} etag={etag} onAnswer={answer} />
          <Conversation ticket={ticket} />
          <ReplyForm ticket={ticket} field={reply} />
        </div>
        <aside className="stack-wide">
          <Details ticket={ticket} />
          <Timeline ticket={ticket} />
        </aside>
      </div>
    </div>
  );
}

function Details({ ticket }: { ticket: Ticket }) {
  const t = messages.useT();
  const formats = useFormats();
  return (
    <section className="stack-tight" aria-labelledby="details-title">
      <h2 id="details-title">{t('ticket.details')}</h2>
      <dl className="facts">
        <dt>{t('ticket.priority')}</dt>
        <dd>
          <PriorityMark priority={ticket.priority} />
        </dd>
        {ticket.category && (
          <>
            <dt>{t('ticket.category')}</dt>
            <dd>{ticket.category}</dd>
          </>
        )}
        {ticket.requester && (
          <>
            <dt>{t('ticket.requester')}</dt>
            <dd>{ticket.requester.name}</dd>
          </>
        )}
        {ticket.assignee && (
          <>
            <dt>{t('ticket.assignee')}</dt>
            <dd>{ticket.assignee.name}</dd>
          </>
        )}
        <dt>{t('ticket.created')}</dt>
        <dd className="num">{formats.dateTime(ticket.created_at)}</dd>
      </dl>
    </section>
  );
}
