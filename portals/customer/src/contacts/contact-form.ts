import type { Contact, ContactFields } from '@psa/app/api/types';
import { oneLine } from '../tickets/new-ticket-form.ts';

/** A contact as it is typed; what is left open is ''. */
export interface ContactDraft {
  name: string;
  email: string;
  phone: string;
  position: string;
  is_primary: boolean;
}

export function draftOf(contact: Contact | null): ContactDraft {
  return {
    name: contact?.name ?? '',
    email: contact?.email ?? '',
    phone: contact?.phone ?? '',
    position: contact?.position ?? '',
    is_primary: contact?.is_primary ?? false,
  };
}

/** What must be mended before saving; null when nothing. */
export function contactProblems(draft: ContactDraft): {
  name?: 'name_missing';
  email?: 'email_invalid';
} | null {
  const name = oneLine(draft.name) === '';
  const email = draft.email.trim() !== '' && !/^\S+@\S+\.\S+$/.test(draft.email.trim());
  if (!name && !email) return null;
  return { ...(name ? { name: 'name_missing' } : {}), ...(email ? { email: 'email_invalid' } : {}) };
}

/**
 * What is sent. Of a known contact only what differs, so that what others changed meanwhile stays; null when nothing
 * does. An emptied field is removed.
 */
export function changesOf(draft: ContactDraft, contact: Contact | null): ContactFields | null {
  const or = (text: string) => oneLine(text) || null;
  const wanted = {
    name: oneLine(draft.name),
    email: or(draft.email),
    phone: or(draft.phone),
    position: or(draft.position),
    is_primary: draft.is_primary,
  };
  if (!contact) return wanted;
  const changed = Object.entries(wanted).filter(([key, value]) => value !== contact[key as keyof Contact]);
  return changed.length === 0 ? null : Object.fromEntries(changed);
}
