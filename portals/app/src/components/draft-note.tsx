import { Alert } from '@psa/ui/components/states';
import { uiMessages } from '@psa/ui/i18n/ui-messages';

/** Says that a form begins with what had been typed before, and throws it away on demand. */
export function DraftNote({ draft }: { draft: { restored: boolean; clear: () => void } }) {
  const t = uiMessages.useT();
  if (!draft.restored) return null;
  return (
    <Alert tone="info">
      {t('draft.kept')}{' '}
      <button type="button" className="link-button" onClick={draft.clear}>
        {t('draft.discard')}
      </button>
    </Alert>
  );
}
