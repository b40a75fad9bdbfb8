import type { Tagged, Ticket } from '@psa/app/api/types';
import { useDraft } from '@psa/app/drafts/use-draft';
import { useEffect, useState } from 'react';
import type { TicketChange } from './use-ticket-change.ts';

/** What is typed, and the state that it was typed over: what others save meanwhile must not be lost. */
interface Kept {
  text: string | null;
  from: string;
  etag: string | null;
}
const NOTHING: Kept = { text: null, from: '', etag: null };
const hasText = ({ text }: Kept) => text !== null;

/**
 * Editing of one text of a ticket in its place. What is typed is kept until it is saved or given up: who leaves the page
 * and comes back finds the field open as it was, on the state on which it was begun; and so does whoever could not save.
 */
export function useTextEditor(field: 'title' | 'description', tagged: Tagged<Ticket>, save: TicketChange) {
  const draft = useDraft(`ticket.${tagged.data.id}.${field}`, NOTHING, { worth: hasText });
  const { text, from, etag } = draft.value;
  const [base, setBase] = useState<Tagged<Ticket> | null>(() =>
    draft.restored ? { data: { ...tagged.data, [field]: from }, etag: etag ?? tagged.etag } : null,
  );
  const now = tagged.data[field];
  const end = () => {
    draft.clear();
    setBase(null);
  };
  // Also where it was saved over a conflict.
  const holds = base !== null && text !== null && text.trim() === now && base.data[field] !== now;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it comes to hold.
  useEffect(() => {
    if (holds) end();
  }, [holds]);
  return {
    /** The ticket as it was when editing began; null: nothing is being edited. */
    base,
    text: text ?? base?.data[field] ?? now,
    start: () => setBase((before) => before ?? tagged),
    change: (typed: string) => {
      if (base) draft.change({ text: typed, from: base.data[field], etag: base.etag });
    },
    /** Saves what is typed; where that fails, the field is open again. */
    submit: () => {
      const value = text?.trim();
      if (!base || value === undefined || value === base.data[field]) return end();
      setBase(null);
      void save.change({ [field]: value }, base).then((saved) => (saved ? end() : setBase(base)));
    },
    end,
  };
}
