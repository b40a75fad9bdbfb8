import { useFormats } from '@psa/ui/i18n/format';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { whenBack } from '@psa/ui/online-store';
import { dismissToast, showToast } from '@psa/ui/toast-store';
import { ApiError } from './api/error.ts';
import { describeError } from './api/error-text.ts';

/** What went wrong in the reader's words: as text, or as a message at the edge that stays until it is seen. */
export function useErrorText(): (error: unknown) => string {
  const t = uiMessages.useT();
  const formats = useFormats();
  return (error) => describeError(error, t, formats);
}

export function useTellError(): (error: unknown) => void {
  const text = useErrorText();
  return (error) => {
    const id = showToast('danger', text(error));
    // "No connection" is over when there is one.
    if (error instanceof ApiError && error.unreachable) {
      const stop = whenBack(() => {
        stop();
        dismissToast(id);
      });
    }
  };
}
