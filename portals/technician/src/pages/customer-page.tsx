import { mustBeId } from '@psa/app/address';
import type { Contact, CustomerView, Site } from '@psa/app/api/types';
import { QueryFailure } from '@psa/app/components/error-state';
import type { PageModule } from '@psa/app/pages';
import { Link, useNavigate, useParams } from '@psa/app/router';
import { may, useMe } from '@psa/app/session/session';
import { useLoaded } from '@psa/app/use-loaded';
import { Button, IconButton } from '@psa/ui/components/button';
import { Badge, PriorityPill, StatusPill } from '@psa/ui/components/pill';
import { PlainText } from '@psa/ui/components/plain-text';
import { Skeleton } from '@psa/ui/components/states';
import { useFormats } from '@psa/ui/i18n/format';
import { phoneHref } from '@psa/ui/phone';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { customerQuery } from '../api/customers.ts';
import { policiesQuery, techniciansQuery } from '../api/desk.ts';
import { ticketListQuery } from '../api/tickets.ts';
import { Panel } from '../components/panel.tsx';
import { ContactDialog, CustomerDialog, SiteDialog } from '../customers/dialogs.tsx';
import { CUSTOMER_TONE } from '../customers/look.ts';
import { messages } from '../i18n/customer-messages.ts';

export function Component() {
  const { id = '' } = useParams();
  return <CustomerPage key={id} id={id} />;
}

const ticketsOf = (id: string) => ticketListQuery({ customer_id: id, limit: 20, count: 'none' });

export const prefetch: PageModule['prefetch'] = async (queries, { params: { id = '' } }) => {
  mustBeId(id);
  await queries.ensureQueryData(customerQuery(id));
  void queries.prefetchQuery(ticketsOf(id));
};

type Editing =
  | { kind: 'customer' }
  | { kind: 'contact'; contact: Contact | null }
  | { kind: 'site'; site: Site | null };

function CustomerPage({ id }: { id: string }) {
  const query = useLoaded(customerQuery(id));
  const customer = query.data.data;
  const t = messages.useT();
  const me = useMe();
  const navigate = useNavigate();
  const [editing, setEditing] = useState<Editing | null>(null);
  const close = () => setEditing(null);
  return (
    <div className="page">
      <title>{`${customer.name} · ${me.tenant_name}`}</title>
      <QueryFailure query={query} />
      <div className="page-head">
        <h1>{customer.name}</h1>
        <span className="muted num">K{customer.customer_number}</span>
        <Badge tone={CUSTOMER_TONE[customer.status]}>{t(`status.${customer.status}`)}</Badge>
        <span className="spacer" />
        {may(me, 'customer:update') && (
          <Button icon="write" onPress={() => setEditing({ kind: 'customer' })}>
            {t('edit_customer')}
          </Button>
        )}
        {may(me, 'ticket:create') && (
          <Link className="button" to={`/tickets/new?customer_id=${customer.id}`}>
            {t('new_ticket')}
          </Link>
        )}
      </div>
      <div className="detail-grid">
        <div className="stack">
          <Facts customer={customer} />
          <Contacts customer={customer} onEdit={(contact) => setEditing({ kind: 'contact', contact })} />
          <Sites customer={customer} onEdit={(site) => setEditing({ kind: 'site', site })} />
        </div>
        <Tickets customer={customer} />
      </div>
      {editing?.kind === 'customer' && (
        <CustomerDialog
          key={customer.version}
          customer={customer}
          onClose={close}
          onDeleted={() => void navigate('/customers')}
        />
      )}
      {editing?.kind === 'contact' && (
        <ContactDialog
          customer={customer}
          contact={customer.contacts?.find(({ id }) => id === editing.contact?.id) ?? editing.contact}
          onClose={close}
        />
      )}
      {editing?.kind === 'site' && (
        <SiteDialog
          customerId={customer.id}
          site={customer.sites?.find(({ id }) => id === editing.site?.id) ?? editing.site}
          onClose={close}
        />
      )}
    </div>
  );
}

function Facts({ customer }: { customer: CustomerView }) {
  const t = messages.useT();
  const me = useMe();
  const formats = useFormats();
  const { data: technicians = [] } = useQuery(techniciansQuery);
  const { data: policies = [] } = useQuery({ ...policiesQuery, enabled: may(me, 'desk:view') });
  const technician = technicians.find(({ id }) => id === customer.preferred_technician_id)?.name;
  const policy = policies.find(({ id }) => id === customer.sla_policy_id)?.name;
  const facts: [string, ReactNode][] = [
    [t('email'), customer.email && <a href={`mailto:${customer.email}`}>{customer.email}</a>],
    [t('phone'), customer.phone && <a href={phoneHref(customer.phone)}>{customer.phone}</a>],
    [
      t('website'),
      customer.website && (
        <a href={customer.website} target="_blank" rel="noopener noreferrer">
          {customer.website}
        </a>
      ),
    ],
    [t('technician'), technician],
    [t('policy'), policy ?? t('policy_default')],
    [t('tags'), customer.tags.join(', ')],
  ];
  return (
    <Panel title={t('facts')}>
      <dl className="facts">
        {facts
          .filter(([, value]) => value)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
      {customer.notes && <PlainText>{customer.notes}</PlainText>}
      <p className="muted">{t('since', { date: formats.date(customer.created_at) })}</p>
    </Panel>
  );
}

function Contacts({
  customer,
  onEdit,
}: {
  customer: CustomerView;
  onEdit: (contact: Contact | null) => void;
}) {
  const t = messages.useT();
  const me = useMe();
  const list = customer.contacts ?? [];
  return (
    <Panel
      id="contacts"
      title={t('contacts')}
      end={
        may(me, 'contact:create') && (
          <IconButton icon="plus" label={t('add_contact')} onPress={() => onEdit(null)} />
        )
      }
    >
      {list.length === 0 && <p className="muted">{t('no_contacts')}</p>}
      <ul className="entry-list">
        {list.map((contact) => (
          <li key={contact.id}>
            <div className="row">
              <strong>{contact.name}</strong>
              {contact.is_primary && <Badge tone="info">{t('primary')}</Badge>}
              <span className="spacer" />
              {may(me, 'contact:update') && (
                <IconButton
                  icon="write"
                  label={t('edit_contact', { name: contact.name })}
                  onPress={() => onEdit(contact)}
                />
              )}
            </div>
            <div className="muted">{contact.position}</div>
            <div className="row row-wrap">
              {contact.email && <a href={`mailto:${contact.email}`}>{contact.email}</a>}
              {contact.phone && <a href={phoneHref(contact.phone)}>{contact.phone}</a>}
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Sites({ customer, onEdit }: { customer: CustomerView; onEdit: (site: Site | null) => void }) {
  const t = messages.useT();
  const me = useMe();
  const list = customer.sites ?? [];
  return (
    <Panel
      title={t('sites')}
      end={
        may(me, 'customer:update') && (
          <IconButton icon="plus" label={t('add_site')} onPress={() => onEdit(null)} />
        )
      }
    >
      {list.length === 0 && <p className="muted">{t('no_sites')}</p>}
      <ul className="entry-list">
        {list.map((site) => (
          <li key={site.id} className="row">
            <div>
              <strong>{site.name}</strong>
              <div className="muted">
                {[site.street, [site.postal_code, site.city].filter(Boolean).join(' '), site.country]
                  .filter(Boolean)
                  .join(', ')}
              </div>
            </div>
            <span className="spacer" />
            {may(me, 'customer:update') && (
              <IconButton
                icon="write"
                label={t('edit_contact', { name: site.name })}
                onPress={() => onEdit(site)}
              />
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Tickets({ customer }: { customer: CustomerView }) {
  const t = messages.useT();
  const formats = useFormats();
  const list = useQuery(ticketsOf(customer.id));
  return (
    <Panel
      title={t('tickets')}
      end={<Link to={`/tickets?customer_id=${customer.id}`}>{t('all_tickets')}</Link>}
    >
      {list.isPending && <Skeleton lines={5} />}
      <QueryFailure query={list} />
      {list.data?.rows.length === 0 && <p className="muted">{t('no_tickets')}</p>}
      <ul className="next-list">
        {list.data?.rows.map((ticket) => (
          <li key={ticket.id}>
            <Link className="next-link" to={`/tickets/${ticket.id}`}>
              <PriorityPill priority={ticket.priority} compact />
              <span className="next-title">
                <span className="clip">{ticket.title}</span>
                <span className="muted clip">
                  #{ticket.ticket_number} · {ticket.created_at && formats.relative(ticket.created_at)}
                  {ticket.assignee && ` · ${ticket.assignee.name}`}
                </span>
              </span>
              <StatusPill status={ticket.status} />
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
