import { ApiError } from '@psa/app/api/error';
import { fieldTexts } from '@psa/app/api/field-text';
import type { Contact, Tagged } from '@psa/app/api/types';
import { DraftNote } from '@psa/app/components/draft-note';
import { ErrorState, ErrorText } from '@psa/app/components/error-state';
import { useDraft } from '@psa/app/drafts/use-draft';
import { RequestKey } from '@psa/app/uploads/request-key';
import { Button } from '@psa/ui/components/button';
import { Checkbox } from '@psa/ui/components/checkbox';
import { Dialog } from '@psa/ui/components/dialog';
import { Alert, Skeleton } from '@psa/ui/components/states';
import { TextField } from '@psa/ui/components/text-field';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { showToast } from '@psa/ui/toast-store';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useId, useState } from 'react';
import { changeContact, createContact, fetchContact } from '../api/contacts.ts';
import { messages } from '../i18n/messages.ts';
import { changesOf, contactProblems, draftOf } from './contact-form.ts';

/** Adds a contact, or changes the one of `contactId`. Default export: loaded when first opened. */
export default function ContactDialog(props: { contactId: string | null; onClose: () => void }) {
  const t = messages.useT();
  const { contactId } = props;
  const [known, setKnown] = useState<Tagged<Contact> | null>(null);
  const [error, setError] = useState<unknown>(null);
  // The list may be older than the contact: the form begins with what stands now, and its tag.
  useEffect(() => {
    if (contactId === null) return;
    let gone = false;
    fetchContact(contactId).then(
      (found) => !gone && setKnown(found),
      (thrown: unknown) => !gone && setError(thrown),
    );
    return () => {
      gone = true;
    };
  }, [contactId]);
  if (contactId === null || known) {
    return <ContactForm key={contactId} contact={known} onClose={props.onClose} />;
  }
  return (
    <Dialog title={t('contacts.edit_title')} isOpen onClose={props.onClose}>
      {error === null ? <Skeleton lines={4} /> : <ErrorState error={error} />}
    </Dialog>
  );
}

function ContactForm(props: { contact: Tagged<Contact> | null; onClose: () => void }) {
  const t = messages.useT();
  const ui = uiMessages.useT();
  const queries = useQueryClient();
  const formId = useId();
  const [known, setKnown] = useState(props.contact);
  const contactId = props.contact?.data.id ?? null;
  const form = useDraft(`contact.${contactId ?? 'new'}`, draftOf(props.contact?.data ?? null));
  const draft = form.value;
  const giveUp = () => {
    form.clear();
    props.onClose();
  };
  const [key] = useState(() => new RequestKey());
  const [problems, setProblems] = useState<ReturnType<typeof contactProblems>>(null);
  const [refused, setRefused] = useState<Record<string, string>>({});
  const [error, setError] = useState<unknown>(null);
  const [changed, setChanged] = useState(false);
  const [pending, setPending] = useState(false);
  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (pending) return;
    const found = contactProblems(draft);
    setProblems(found);
    setRefused({});
    setError(null);
    if (found) return;
    const fields = changesOf(draft, known?.data ?? null);
    if (!fields) return giveUp();
    setPending(true);
    try {
      const saved = known
        ? await changeContact(known.data.id, fields, known.etag)
        : await createContact({ name: draft.name, ...fields }, key.value);
      key.succeeded();
      void queries.invalidateQueries({ queryKey: ['contact'] });
      showToast('ok', t('contacts.saved', { name: saved.name }));
      giveUp();
    } catch (thrown) {
      key.failed(thrown);
      setPending(false);
      if (thrown instanceof ApiError && thrown.status === 412 && contactId !== null) {
        // The tag of the new state: saving again is a decision then, not an accident.
        const fresh = await fetchContact(contactId).catch(() => null);
        if (fresh) setKnown(fresh);
        setChanged(true);
        void queries.invalidateQueries({ queryKey: ['contact', 'list'] });
        return;
      }
      if (thrown instanceof ApiError && thrown.status === 400) setRefused(fieldTexts(thrown));
      setError(thrown);
    }
  }

  const told = (field: 'name' | 'email' | 'phone' | 'position') => {
    const problem = field === 'name' || field === 'email' ? problems?.[field] : undefined;
    return problem ? t(`contacts.${problem}`) : (refused[field] ?? null);
  };

  return (
    <Dialog
      title={t(contactId === null ? 'contacts.add' : 'contacts.edit_title')}
      isOpen
      keepsText
      onClose={props.onClose}
      footer={
        <>
          <Button onPress={giveUp}>{ui('action.cancel')}</Button>
          <Button type="submit" form={formId} kind="primary" isPending={pending}>
            {changed ? t('contacts.overwrite') : ui('action.save')}
          </Button>
        </>
      }
    >
      <form id={formId} className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <DraftNote draft={form} />
        {changed && <Alert tone="warn">{t('contacts.changed')}</Alert>}
        {error !== null && (
          <Alert tone="danger">
            <ErrorText error={error} />
          </Alert>
        )}
        <TextField
          label={t('contacts.name')}
          name="name"
          autoComplete="off"
          autoFocus
          isRequired
          maxLength={200}
          value={draft.name}
          onChange={(name) => form.change({ name })}
          error={told('name')}
        />
        <TextField
          label={t('contacts.position')}
          hint={t('contacts.position_hint')}
          name="position"
          autoComplete="off"
          maxLength={100}
          value={draft.position}
          onChange={(position) => form.change({ position })}
          error={told('position')}
        />
        <TextField
          label={t('contacts.email')}
          type="email"
          name="email"
          autoComplete="off"
          maxLength={254}
          value={draft.email}
          onChange={(email) => form.change({ email })}
          error={told('email')}
        />
        <TextField
          label={t('contacts.phone')}
          type="tel"
          name="phone"
          autoComplete="off"
          maxLength={50}
          value={draft.phone}
          onChange={(phone) => form.change({ phone })}
          error={told('phone')}
        />
        <div className="field">
          <Checkbox
            isSelected={draft.is_primary}
            onChange={(is_primary) => form.change({ is_primary })}
            aria-describedby={`${formId}-primary`}
          >
            {t('contacts.primary')}
          </Checkbox>
          <span id={`${formId}-primary`} className="hint">
            {t('contacts.primary_hint')}
          </span>
        </div>
      </form>
    </Dialog>
  );
}
