import type { Contact, Site, Ticket } from '@psa/app/api/types';
import { QueryFailure } from '@psa/app/components/error-state';
import { Link } from '@psa/app/router';
import { may, useMe } from '@psa/app/session/session';
import { Avatar } from '@psa/ui/components/avatar';
import { Icon } from '@psa/ui/components/icon';
import { StatusPill } from '@psa/ui/components/pill';
import { phoneHref } from '@psa/ui/phone';
import { useQuery } from '@tanstack/react-query';
import { contactQuery, customerQuery } from '../api/customers.ts';
import { ticketListQuery } from '../api/tickets.ts';
import { Fact } from '../components/fact.tsx';
import { Panel } from '../components/panel.tsx';
import { messages } from '../i18n/daily-messages.ts';

/** So many other open tickets are named; the rest is a link away. */
const NAMED = 3;

/** Who is on the line: how to call back, where they sit, and what else is open there. */
export function CallerCard({ ticket }: { ticket: Ticket }) {
  const t = messages.useT();
  const me = useMe();
  const customer = useQuery({
    ...customerQuery(ticket.customer_id),
    enabled: may(me, 'customer:view'),
  });
  const known = useQuery({
    ...contactQuery(ticket.contact_id ?? ''),
    enabled: ticket.contact_id !== null && may(me, 'contact:view'),
  });
  const { contacts = [], sites = [] } = customer.data?.data ?? {};
  // Who asks in the portal may be one of the customer's contacts too.
  const asker = contacts.find(({ user_id }) => user_id !== null && user_id === ticket.requester_id);
  const contact: Contact | undefined = known.data ?? asker;
  const name = contact?.name ?? ticket.requester?.name ?? ticket.contact?.name;
  const site = sites.find(({ id }) => id === contact?.site_id) ?? (sites.length === 1 ? sites[0] : undefined);
  const office = customer.data?.data.phone ?? null;
  return (
    <Panel title={t('caller.title')}>
      <div className="caller">
        <div className="person">
          {name && <Avatar name={name} />}
          <div className="caller-name">
            {name ? <strong>{name}</strong> : <span className="muted">{t('caller.nobody')}</span>}
            <div>
              {contact?.position && <span className="muted">{contact.position}, </span>}
              <Link to={`/customers/${ticket.customer_id}`}>{ticket.customer?.name ?? '…'}</Link>
            </div>
          </div>
        </div>
        <QueryFailure query={customer} />
        <dl className="facts">
          {contact?.phone && (
            <Fact name={t('caller.phone')}>
              <Phone number={contact.phone} />
            </Fact>
          )}
          {office && office !== contact?.phone && (
            <Fact name={t('caller.office')}>
              <Phone number={office} />
            </Fact>
          )}
          {contact?.email && (
            <Fact name={t('caller.email')}>
              <a href={`mailto:${contact.email}`}>{contact.email}</a>
            </Fact>
          )}
          {site && <Fact name={t('caller.site')}>{addressOf(site)}</Fact>}
        </dl>
        <OtherTickets ticket={ticket} />
      </div>
    </Panel>
  );
}

const addressOf = ({ name, street, postal_code, city }: Site): string =>
  [name, street, [postal_code, city].filter(Boolean).join(' ')].filter(Boolean).join(', ');

/** A number that is called by a click. */
function Phone({ number }: { number: string }) {
  return (
    <a className="phone num" href={phoneHref(number)}>
      <Icon name="phone" /> {number}
    </a>
  );
}

function OtherTickets({ ticket }: { ticket: Ticket }) {
  const t = messages.useT();
  const open = useQuery(
    ticketListQuery({
      customer_id: ticket.customer_id,
      status: 'open',
      sort: 'updated_at',
      order: 'desc',
      // This one may be among them.
      limit: NAMED + 1,
    }),
  );
  if (!open.data) return <QueryFailure query={open} />;
  const others = open.data.rows.filter(({ id }) => id !== ticket.id);
  const isCounted = ['new', 'assigned', 'in_progress', 'waiting_customer'].includes(ticket.status);
  const count = Math.max(others.length, (open.data.meta.total ?? 0) - (isCounted ? 1 : 0));
  if (count === 0) return <p className="muted caller-others">{t('caller.no_others')}</p>;
  return (
    <div className="caller-others">
      <div className="row">
        <span className="muted">{t('caller.others', { count })}</span>
        <span className="spacer" />
        {count > NAMED && (
          <Link to={`/tickets?status=open&customer_id=${ticket.customer_id}`}>{t('caller.all')}</Link>
        )}
      </div>
      <ul className="other-tickets">
        {others.slice(0, NAMED).map((other) => (
          <li key={other.id} className="row">
            <Link className="clip" to={`/tickets/${other.id}`}>
              #{other.ticket_number} {other.title}
            </Link>
            <span className="spacer" />
            <StatusPill status={other.status} />
          </li>
        ))}
      </ul>
    </div>
  );
}
