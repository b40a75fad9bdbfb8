import { useFormats } from '@psa/ui/i18n/format';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { showToast } from '@psa/ui/toast-store';
import { describeError } from './api/error-text.ts';

/** What went wrong in the reader's words: as text, or as a message at the edge that stays until it is seen. */
export function useErrorText(): (error: unknown) => string {
  const t = uiMessages.useT();
  const formats = useFormats();
  return (error) => describeError(error, t, formats);
}

export function useTellError(): (error: unknown) => void {
  const text = useErrorText();
  return (error) => void showToast('danger', text(error));
}
