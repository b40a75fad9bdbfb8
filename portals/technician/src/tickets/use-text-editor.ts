import type { Tagged, Ticket } from '@psa/app/api/types';
import { useDraft } from '@psa/app/drafts/use-draft';
import { useState } from 'react';

/**
 * Editing of one text of a ticket in its place. What is typed is kept until it is saved or given up: who leaves the page
 * and comes back finds the field open as it was.
 */
export function useTextEditor(field: 'title' | 'description', tagged: Tagged<Ticket>) {
  const draft = useDraft<{ text: string | null }>(`ticket.${tagged.data.id}.${field}`, { text: null });
  // The state that was shown when editing began: what others save meanwhile must not be lost.
  const [base, setBase] = useState<Tagged<Ticket> | null>(draft.restored ? tagged : null);
  return {
    /** The ticket as it was when editing began; null: nothing is being edited. */
    base,
    text: draft.value.text ?? base?.data[field] ?? tagged.data[field],
    start: () => setBase(tagged),
    change: (text: string) => draft.change({ text }),
    end: () => {
      draft.clear();
      setBase(null);
    },
  };
}
