import { Alert } from '@psa/ui/components/states';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import type { Draft } from '../drafts/use-draft.ts';

/**
 * Says that a form begins with what had been typed before, or that somebody else changed what is typed here, and throws
 * it away on demand.
 */
export function DraftNote({ draft }: { draft: Pick<Draft<object>, 'restored' | 'overtaken' | 'clear'> }) {
  const t = uiMessages.useT();
  if (!draft.restored && !draft.overtaken) return null;
  return (
    <Alert tone={draft.overtaken ? 'warn' : 'info'}>
      {t(draft.overtaken ? 'draft.overtaken' : 'draft.kept')}{' '}
      <button type="button" className="link-button" onClick={draft.clear}>
        {t('draft.discard')}
      </button>
    </Alert>
  );
}
