import { Button } from '@psa/ui/components/button';
import { ConfirmDialog } from '@psa/ui/components/dialog';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { useState } from 'react';
import { useTellError } from './use-tell-error.ts';

/** Deletes after having asked; `question` says what goes and what stays. A failure is told and the question closed. */
export function DeleteAction({ question, onDelete }: { question: string; onDelete: () => Promise<void> }) {
  const t = uiMessages.useT();
  const tellError = useTellError();
  const [asking, setAsking] = useState(false);
  const [pending, setPending] = useState(false);
  return (
    <>
      <Button kind="quiet" icon="trash" onPress={() => setAsking(true)}>
        {t('action.delete')}
      </Button>
      <ConfirmDialog
        title={t('action.delete')}
        isOpen={asking}
        danger
        isPending={pending}
        confirmLabel={t('action.delete')}
        onClose={() => setAsking(false)}
        onConfirm={() => {
          setPending(true);
          onDelete().catch((error: unknown) => {
            tellError(error);
            setPending(false);
            setAsking(false);
          });
        }}
      >
        {question}
      </ConfirmDialog>
    </>
  );
}
