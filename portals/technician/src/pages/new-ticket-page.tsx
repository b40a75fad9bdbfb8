import { newIdempotencyKey } from '@psa/app/api/client';
import { ApiError } from '@psa/app/api/error';
import { fieldTexts } from '@psa/app/api/field-text';
import type { NewTicket, Priority } from '@psa/app/api/types';
import { DraftNote } from '@psa/app/components/draft-note';
import { ErrorText } from '@psa/app/components/error-state';
import { useDraft } from '@psa/app/drafts/use-draft';
import { useNavigate, useSearchParams } from '@psa/app/router';
import { may, useMe } from '@psa/app/session/session';
import { attachmentsPath, createTicket } from '@psa/app/tickets';
import { useUploads } from '@psa/app/uploads/use-uploads';
import { readTags } from '@psa/contracts/tags';
import { AttachmentDrop } from '@psa/ui/components/attachment-drop';
import { Button } from '@psa/ui/components/button';
import { ComboBox, type ComboOption } from '@psa/ui/components/combo-box';
import { NativeSelect } from '@psa/ui/components/native-select';
import { Alert } from '@psa/ui/components/states';
import { TextArea, TextField } from '@psa/ui/components/text-field';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { showToast } from '@psa/ui/toast-store';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useId, useRef, useState } from 'react';
import { customerQuery, findContacts, findCustomers } from '../api/customers.ts';
import { categoriesQuery, techniciansQuery } from '../api/desk.ts';
import { messages as listMessages } from '../i18n/list-messages.ts';
import { messages } from '../i18n/ticket-messages.ts';
import { lastListPath } from '../list-path.ts';
import { PRIORITIES } from '../tickets/filter.ts';
import { UploadMark } from '../tickets/upload-mark.tsx';

interface TicketDraft {
  customer: ComboOption | null;
  contact: ComboOption | null;
  title: string;
  description: string;
  priority: Priority;
  category: string;
  tags: string;
  source: 'technician' | 'phone' | 'email';
  assignee: string;
}
const NOTHING: TicketDraft = {
  customer: null,
  contact: null,
  title: '',
  description: '',
  priority: 'medium',
  category: '',
  tags: '',
  source: 'phone',
  assignee: '',
};

/** Opens a ticket for a customer. A double click or a second try makes one ticket, not two. */
export function Component() {
  const t = messages.useT();
  const l = listMessages.useT();
  const u = uiMessages.useT();
  const me = useMe();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const listId = useId();
  const [params] = useSearchParams();
  const wantedCustomer = params.get('customer_id');
  const draft = useDraft<TicketDraft>('new-ticket', NOTHING);
  const { customer, contact, title, description, priority, category, tags, source, assignee } = draft.value;
  const [tried, setTried] = useState(false);
  const [sending, setSending] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const { change } = draft;
  /** The customer was chosen by hand. */
  const chosen = useRef(false);
  const key = useRef<{ of: string; key: string } | null>(null);
  const busy = useRef(false);
  const form = useRef<HTMLFormElement>(null);
  const uploads = useUploads();
  const { data: categories = [] } = useQuery(categoriesQuery);
  const { data: technicians = [] } = useQuery(techniciansQuery);
  const { data: given } = useQuery({
    ...customerQuery(wantedCustomer ?? ''),
    enabled: wantedCustomer !== null,
  });
  useEffect(() => {
    // Asked for by the address: it wins over the customer of an old draft.
    if (given && customer?.id !== given.data.id && !chosen.current)
      change({ customer: { id: given.data.id, label: given.data.name }, contact: null });
  }, [given, customer, change]);

  const refused = fieldTexts(error);
  const problems = {
    customer: customer ? refused.customer_id : t('new.customer_missing'),
    title: title.trim().length >= 3 ? refused.title : t('new.subject_short'),
    description: description.trim() !== '' ? refused.description : t('new.description_missing'),
  };

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    setTried(true);
    if (busy.current) return;
    if (!customer || title.trim().length < 3 || description.trim() === '') {
      // The first field that is wrong, once its error stands in the page.
      setTimeout(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
      return;
    }
    busy.current = true;
    setSending(true);
    setError(null);
    const ticket: NewTicket = {
      title: title.trim(),
      description: description.trim(),
      customer_id: customer.id,
      priority,
      source,
      category: category.trim() || null,
      tags: readTags(tags),
      ...(contact ? { contact_id: contact.id } : {}),
      ...(assignee ? { assigned_to: assignee } : {}),
    };
    const of = JSON.stringify(ticket);
    if (key.current?.of !== of) key.current = { of, key: newIdempotencyKey() };
    try {
      const { id, ticket_number: number } = await createTicket(ticket, key.current.key);
      const all = await uploads.send(attachmentsPath(id), { visibility: 'public' });
      void queries.invalidateQueries({ queryKey: ['ticket', 'stats'] });
      void queries.invalidateQueries({ queryKey: ['ticket', 'list'] });
      void queries.invalidateQueries({ queryKey: ['ticket-rows'] });
      if (all) showToast('ok', t('new.created', { number }));
      else {
        showToast(
          'danger',
          t('new.files_failed', {
            number,
            files: uploads
              .missing()
              .map((file) => file.name)
              .join(', '),
          }),
        );
      }
      draft.clear();
      void navigate(`/tickets/${id}`, { replace: true });
    } catch (thrown) {
      if (thrown instanceof ApiError && !thrown.transient) key.current = null;
      setError(thrown);
      busy.current = false;
      setSending(false);
    }
  }

  return (
    <div className="page narrow-page">
      <title>{`${t('new.title')} · ${me.tenant_name}`}</title>
      <h1>{t('new.title')}</h1>
      <DraftNote draft={draft} />
      <form ref={form} className="stack card" onSubmit={submit} noValidate aria-label={t('new.title')}>
        {error !== null && (
          <Alert tone="danger">
            <ErrorText error={error} />
          </Alert>
        )}
        <div className="form-grid">
          <ComboBox
            label={t('new.customer')}
            isRequired
            value={customer}
            load={findCustomers}
            onChange={(option) => {
              chosen.current = true;
              change({ customer: option, ...(option?.id === customer?.id ? {} : { contact: null }) });
            }}
            error={tried ? problems.customer : null}
          />
          <ComboBox
            key={customer?.id ?? 'none'}
            label={t('new.contact')}
            value={contact}
            isDisabled={!customer}
            {...(customer ? {} : { hint: t('new.contact_first') })}
            load={(text, signal) =>
              customer ? findContacts(customer.id, text, signal) : Promise.resolve([])
            }
            onChange={(contact) => change({ contact })}
          />
        </div>
        <TextField
          label={t('new.subject')}
          isRequired
          maxLength={200}
          value={title}
          onChange={(title) => change({ title })}
          error={tried ? problems.title : null}
        />
        <TextArea
          label={t('new.description')}
          isRequired
          maxLength={50_000}
          value={description}
          onChange={(description) => change({ description })}
          error={tried ? problems.description : null}
        />
        <div className="form-grid pairs">
          <NativeSelect
            label={l('list.priority')}
            value={priority}
            onChange={(priority) => change({ priority })}
            options={PRIORITIES.map((value) => ({ value, label: u(`priority.${value}`) }))}
          />
          <div className="field">
            <label className="label" htmlFor={`${listId}-in`}>
              {t('new.category')}
            </label>
            <input
              id={`${listId}-in`}
              className="input"
              list={listId}
              maxLength={50}
              value={category}
              onChange={(event) => change({ category: event.target.value })}
            />
            <datalist id={listId}>
              {categories.map(({ id, name }) => (
                <option key={id} value={name} />
              ))}
            </datalist>
          </div>
          <NativeSelect
            label={t('new.source')}
            value={source}
            onChange={(source) => change({ source })}
            options={(['phone', 'email', 'technician'] as const).map((value) => ({
              value,
              label: t(`new.source_${value}`),
            }))}
          />
          {may(me, 'ticket:assign') && (
            <NativeSelect
              label={t('ticket.assignee')}
              value={assignee}
              onChange={(assignee) => change({ assignee })}
              options={[
                { value: '', label: t('new.assignee_auto') },
                { value: me.id, label: `${l('list.me')} (${me.name})` },
                ...technicians
                  .filter((person) => person.active && person.id !== me.id)
                  .map((person) => ({ value: person.id, label: person.name })),
              ]}
            />
          )}
        </div>
        <TextField
          label={t('ticket.tags')}
          hint={t('ticket.tags_hint')}
          value={tags}
          onChange={(tags) => change({ tags })}
        />
        <AttachmentDrop
          label={t('new.files')}
          files={uploads.files}
          onChange={uploads.choose}
          isDisabled={sending}
          fileState={(file) => <UploadMark item={uploads.itemOf(file)} />}
        />
        <div className="row form-foot">
          <span className="spacer" />
          <Button
            onPress={() => {
              draft.clear();
              void navigate(lastListPath());
            }}
          >
            {u('action.cancel')}
          </Button>
          <Button type="submit" kind="primary" isPending={sending}>
            {t('new.submit')}
          </Button>
        </div>
      </form>
    </div>
  );
}
