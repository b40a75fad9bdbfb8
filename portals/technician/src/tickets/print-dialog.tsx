import { commentsQuery } from '@psa/app/tickets';
import { Button } from '@psa/ui/components/button';
import { Checkbox } from '@psa/ui/components/checkbox';
import { Dialog } from '@psa/ui/components/dialog';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { messages } from '../i18n/daily-messages.ts';

/** Set while internal notes go onto the paper; the style sheet leaves them out without it. */
const WITH_NOTES = 'printNotes';

/** Two frames: what was loaded stands in the page, and the dialog does not. */
const drawn = () =>
  new Promise<void>((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())));

/** Prints the ticket with its whole conversation, internal notes only when they are asked for. */
export function PrintDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const t = messages.useT();
  const u = uiMessages.useT();
  const comments = useInfiniteQuery(commentsQuery(id));
  const [notes, setNotes] = useState(false);
  const [loading, setLoading] = useState(false);
  async function print(): Promise<void> {
    setLoading(true);
    // The paper has all of it, not what happens to be loaded.
    let page = comments;
    while (page.hasNextPage && !page.isError) page = (await page.fetchNextPage()) as typeof comments;
    setLoading(false);
    if (page.isError) return;
    onClose();
    await drawn();
    const root = document.documentElement;
    if (notes) root.dataset[WITH_NOTES] = '';
    window.print();
    delete root.dataset[WITH_NOTES];
  }
  return (
    <Dialog
      title={t('print.title')}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{u('action.cancel')}</Button>
          <Button kind="primary" icon="print" isPending={loading} onPress={() => void print()}>
            {t('print.run')}
          </Button>
        </>
      }
    >
      <div className="stack">
        <Checkbox isSelected={notes} onChange={setNotes}>
          {t('print.notes')}
        </Checkbox>
        <p className="hint">{t('print.notes_hint')}</p>
      </div>
    </Dialog>
  );
}
