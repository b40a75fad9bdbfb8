import { ApiError } from '@psa/ui/api-error';
import { Icon } from '@psa/ui/components/icon';
import { EmptyState, ErrorState } from '@psa/ui/components/states';
import { useFormats } from '@psa/ui/i18n/format';
import { useMe } from '@psa/ui/session';
import { useQuery } from '@tanstack/react-query';
import { useRef } from 'react';
import { Link, useLocation, useParams } from 'react-router';
import { ticketQuery } from '../api/tickets.ts';
import type { Ticket } from '../api/types.ts';
import { messages } from '../i18n/messages.ts';
import { Conversation } from '../tickets/conversation.tsx';
import { ReplyForm } from '../tickets/reply-form.tsx';
import { PriorityMark } from '../tickets/status-mark.tsx';
import { StatusPanel } from '../tickets/status-panel.tsx';
import { Timeline } from '../tickets/timeline-view.tsx';
import { Loading } from './loading.tsx';

/** One ticket: where it stands, the conversation, the reply. */
export function Component() {
  const { id = '' } = useParams();
  // Another ticket is another page: drafts, files and errors of the one before stay with it.
  return <TicketPage key={id} id={id} />;
}

function TicketPage({ id }: { id: string }) {
  const t = messages.useT();
  const me = useMe();
  const { state } = useLocation() as { state: { from?: string } | null };
  const { data, error, isPending, refetch } = useQuery(ticketQuery(id));
  const reply = useRef<HTMLTextAreaElement>(null);

  function answer(): void {
    reply.current?.focus();
    reply.current?.scrollIntoView({ block: 'center' });
  }

  const back = (
    <Link className="back-link" to={state?.from ?? '/'}>
      <Icon name="chevronDown" />
      {t('ticket.back')}
    </Link>
  );
  if (!data) {
    // What is no id of a ticket is refused as bad input, and is as little a ticket.
    const missing = error instanceof ApiError && (error.status === 404 || error.status === 400);
    return (
      <div className="page ticket-page" aria-busy={isPending || undefined}>
        {back}
        {missing && <title>{`${t('ticket.missing_title')} · ${me.tenant_name}`}</title>}
        {missing ? (
          <EmptyState icon="ticket" heading="h1" title={t('ticket.missing_title')}>
            {t('ticket.missing')}
          </EmptyState>
        ) : error ? (
          <ErrorState error={error} onRetry={() => void refetch()} />
        ) : (
          <Loading lines={6} />
        )}
      </div>
    );
  }
  const { data: ticket, etag } = data;
  return (
    <div className="page ticket-page">
      <title>{`${ticket.title} · ${t('number', { number: ticket.ticket_number })} · ${me.tenant_name}`}</title>
      <div className="stack-tight">
        {back}
        <h1 className="ticket-heading">{ticket.title}</h1>
        <p className="muted">{t('number', { number: ticket.ticket_number })}</p>
      </div>
      <div className="ticket-columns">
        <div className="stack-wide">
          <StatusPanel ticket={ticket} etag={etag} onAnswer={answer} />
          <Conversation ticket={ticket} />
          <ReplyForm ticket={ticket} field={reply} />
        </div>
        <aside className="stack-wide">
          <Details ticket={ticket} />
          <Timeline ticketId={ticket.id} />
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
