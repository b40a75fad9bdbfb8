import { mustNameTicket } from '@psa/app/address';
import { isUnknownAddress } from '@psa/app/api/error';
import { QueryFailure } from '@psa/app/components/error-state';
import { RouteError } from '@psa/app/components/route-error';
import type { PageModule } from '@psa/app/pages';
import { Link, useParams, useRouteError } from '@psa/app/router';
import { may, useMe } from '@psa/app/session/session';
import { attachmentsQuery, commentsQuery } from '@psa/app/tickets';
import { useLoaded } from '@psa/app/use-loaded';
import { Button, IconButton } from '@psa/ui/components/button';
import { EmptyState } from '@psa/ui/components/states';
import { useRef, useState } from 'react';
import { ticketQuery } from '../api/tickets.ts';
import { messages as dailyMessages } from '../i18n/daily-messages.ts';
import { messages } from '../i18n/ticket-messages.ts';
import { lastListPath } from '../list-path.ts';
import { CallerCard } from '../tickets/caller-card.tsx';
import { Composer, type ComposerHandle } from '../tickets/composer.tsx';
import { ConflictDialog } from '../tickets/conflict-dialog.tsx';
import { Conversation } from '../tickets/conversation.tsx';
import { EscalateDialog } from '../tickets/escalate-dialog.tsx';
import { PrintDialog } from '../tickets/print-dialog.tsx';
import { Properties } from '../tickets/properties.tsx';
import { type Asking, QuickChoices } from '../tickets/quick-choices.tsx';
import { FilesPanel, HistoryPanel, WatchersPanel } from '../tickets/side-panels.tsx';
import { SlaPanel } from '../tickets/sla-panel.tsx';
import { changesTo, mayStart } from '../tickets/status-moves.ts';
import { TicketHead } from '../tickets/ticket-head.tsx';
import { type Booking, BookTime, TimePanel } from '../tickets/time-panel.tsx';
import { useTicketChange } from '../tickets/use-ticket-change.ts';

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

/** A ticket that is not there leads back to those that are. */
export function ErrorBoundary() {
  const error = useRouteError();
  const d = dailyMessages.useT();
  if (!isUnknownAddress(error)) return <RouteError />;
  return (
    <EmptyState
      icon="search"
      heading="h1"
      title={d('missing.title')}
      action={
        <Link className="button button-primary" to={lastListPath()}>
          {d('missing.list')}
        </Link>
      }
    >
      {d('missing.text')}
    </EmptyState>
  );
}

function TicketPage({ id }: { id: string }) {
  const t = messages.useT();
  const d = dailyMessages.useT();
  const me = useMe();
  const { data: tagged, ...query } = useLoaded(ticketQuery(id));
  const ticket = tagged.data;
  const save = useTicketChange(ticket.id);
  const scroller = useRef<HTMLElement>(null);
  const composer = useRef<ComposerHandle>(null);
  const [asking, setAsking] = useState<Asking>(null);
  const [dialog, setDialog] = useState<'escalate' | 'print' | null>(null);
  const [booking, setBooking] = useState<Booking>(null);
  /** Only where the rail lies over the conversation. */
  const [details, setDetails] = useState(false);
  /** Only where the composer is folded away. */
  const [writing, setWriting] = useState(false);
  const update = may(me, 'ticket:update');
  const comment = may(me, 'ticket:comment');
  const open = ticket.status !== 'resolved' && ticket.status !== 'closed';
  const escalates = update && open && may(me, 'ticket:comment:internal');
  const closeDialog = () => setDialog(null);
  return (
    <div className="page ticket-page">
      <title>
        {`${t('ticket.doc_title', { number: ticket.ticket_number, title: ticket.title })} · ${me.tenant_name}`}
      </title>
      <div className="ticket-main">
        <QueryFailure query={{ ...query, data: tagged }} />
        <TicketHead
          tagged={tagged}
          save={save}
          onPrint={() => setDialog('print')}
          onDetails={() => setDetails(true)}
          actions={
            <div className="row row-wrap ticket-actions">
              {mayStart(ticket, me) && (
                <Button
                  icon="play"
                  title={d('action.start_title')}
                  onPress={() => save.change(changesTo(ticket, 'in_progress', me), tagged)}
                >
                  <ActionName name={d('action.start')} />
                </Button>
              )}
              {escalates && (
                <Button icon="arrowUp" onPress={() => setDialog('escalate')}>
                  <ActionName name={d('action.escalate')} />
                </Button>
              )}
              {comment && update && ticket.allowed_transitions?.includes('resolved') && (
                <Button icon="circleCheck" onPress={() => composer.current?.solve()}>
                  <ActionName name={d('action.solve')} />
                </Button>
              )}
            </div>
          }
        />
        <Conversation tagged={tagged} save={save} scroller={scroller} />
        {comment && (
          <Composer
            tagged={tagged}
            handle={composer}
            isOpen={writing}
            onOpen={setWriting}
            onSent={() => scroller.current?.scrollTo({ top: 0 })}
          />
        )}
        <nav className="phone-bar" data-hidden={writing || undefined} aria-label={d('action.bar')}>
          {update && (
            <Button icon="circleHalf" onPress={() => setAsking('status')}>
              {d('action.status')}
            </Button>
          )}
          {comment && (
            <Button icon="write" kind="primary" onPress={() => composer.current?.reply()}>
              {d('action.reply')}
            </Button>
          )}
          {may(me, 'time:create') && (
            <Button icon="clock" onPress={() => setBooking('manual')}>
              {d('action.time')}
            </Button>
          )}
        </nav>
      </div>
      <section className="ticket-side" data-open={details || undefined} aria-label={d('action.details')}>
        <span className="rail-hidden-only rail-close">
          <IconButton icon="close" label={d('action.details_close')} onPress={() => setDetails(false)} />
        </span>
        <CallerCard ticket={ticket} />
        <SlaPanel ticket={ticket} />
        <TimePanel ticket={ticket} onBook={setBooking} />
        <Properties tagged={tagged} save={save} />
        <FilesPanel ticket={ticket} />
        <WatchersPanel ticket={ticket} />
        <HistoryPanel ticket={ticket} />
      </section>
      <QuickChoices
        tagged={tagged}
        save={save}
        asking={asking}
        onAsk={setAsking}
        onEscalate={() => setDialog('escalate')}
        onPrint={() => setDialog('print')}
      />
      {booking && <BookTime ticket={ticket} from={booking} onClose={() => setBooking(null)} />}
      {dialog === 'escalate' && <EscalateDialog tagged={tagged} onClose={closeDialog} />}
      {dialog === 'print' && <PrintDialog id={id} onClose={closeDialog} />}
      <ConflictDialog ticket={save} />
    </div>
  );
}

/** What a button does, in words where there is room for them. */
function ActionName({ name }: { name: string }) {
  return (
    <>
      <span className="wide-only">{name}</span>
      <span className="narrow-only visually-hidden">{name}</span>
    </>
  );
}
