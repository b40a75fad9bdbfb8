import type { Contact } from '@psa/app/api/types';
import { QueryFailure } from '@psa/app/components/error-state';
import type { PageModule } from '@psa/app/pages';
import { may, useMe } from '@psa/app/session/session';
import { Avatar } from '@psa/ui/components/avatar';
import { Button, IconButton } from '@psa/ui/components/button';
import { Badge } from '@psa/ui/components/pill';
import { EmptyState } from '@psa/ui/components/states';
import { TextField } from '@psa/ui/components/text-field';
import { phoneHref } from '@psa/ui/phone';
import { useInfiniteQuery } from '@tanstack/react-query';
import { lazy, Suspense, useDeferredValue, useState } from 'react';
import { contactsQuery } from '../api/contacts.ts';
import { messages } from '../i18n/messages.ts';
import { Loading } from './loading.tsx';

const ContactDialog = lazy(() => import('../contacts/contact-dialog.tsx'));

export const prefetch: PageModule['prefetch'] = (queries) => queries.prefetchInfiniteQuery(contactsQuery(''));

/** People of the own company, for its administrators. */
export function Component() {
  const t = messages.useT();
  const me = useMe();
  const [text, setText] = useState('');
  const search = useDeferredValue(text.trim());
  const contacts = useInfiniteQuery(contactsQuery(search));
  /** The contact in the dialog; null: a new one; undefined: closed. */
  const [editing, setEditing] = useState<string | null | undefined>(undefined);
  const people = contacts.data?.pages.flatMap((page) => page.rows) ?? [];
  const mayAdd = may(me, 'contact:create');
  const add = mayAdd && (
    <Button kind="primary" icon="plus" onPress={() => setEditing(null)}>
      {t('contacts.add')}
    </Button>
  );
  return (
    <div className="page narrow">
      <title>{`${t('contacts.title')} · ${me.tenant_name}`}</title>
      <div className="page-head">
        <h1>{t('contacts.title')}</h1>
        {add}
      </div>
      <p className="muted">{t('contacts.intro')}</p>
      <search>
        <TextField
          type="search"
          label={t('contacts.search')}
          hideLabel
          placeholder={t('contacts.search')}
          maxLength={200}
          value={text}
          onChange={setText}
        />
      </search>
      <QueryFailure query={contacts} />
      {contacts.isError && !contacts.data ? null : contacts.isPending ? (
        <Loading lines={4} />
      ) : people.length === 0 ? (
        search ? (
          <EmptyState icon="search">{t('contacts.none', { text: search })}</EmptyState>
        ) : (
          <EmptyState icon="users" title={t('contacts.empty_title')}>
            {t('contacts.empty')}
          </EmptyState>
        )
      ) : (
        <ul className="contact-list">
          {people.map((contact) => (
            <ContactCard
              key={contact.id}
              contact={contact}
              onEdit={may(me, 'contact:update') ? () => setEditing(contact.id) : undefined}
            />
          ))}
        </ul>
      )}
      {contacts.hasNextPage && (
        <div className="list-more">
          <Button isPending={contacts.isFetchingNextPage} onPress={() => void contacts.fetchNextPage()}>
            {t('list.more')}
          </Button>
        </div>
      )}
      <Suspense>
        {editing !== undefined && (
          <ContactDialog key={editing} contactId={editing} onClose={() => setEditing(undefined)} />
        )}
      </Suspense>
    </div>
  );
}

function ContactCard({ contact, onEdit }: { contact: Contact; onEdit: (() => void) | undefined }) {
  const t = messages.useT();
  return (
    <li className="contact-card">
      <Avatar name={contact.name} large />
      <div className="contact-text">
        <div className="row row-wrap">
          <strong>{contact.name}</strong>
          {contact.is_primary && <Badge tone="info">{t('contacts.primary')}</Badge>}
        </div>
        {contact.position && <div className="muted">{contact.position}</div>}
        <div className="contact-ways">
          {contact.email && <a href={`mailto:${contact.email}`}>{contact.email}</a>}
          {contact.phone && <a href={phoneHref(contact.phone)}>{contact.phone}</a>}
          {!contact.email && !contact.phone && <span className="muted">{t('contacts.no_way')}</span>}
        </div>
      </div>
      {onEdit && (
        <IconButton icon="write" label={t('contacts.edit', { name: contact.name })} onPress={onEdit} />
      )}
    </li>
  );
}
