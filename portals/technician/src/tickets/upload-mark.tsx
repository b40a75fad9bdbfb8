import { Icon } from '@psa/ui/components/icon';
import { useFormats } from '@psa/ui/i18n/format';
import { useErrorText } from '../components/use-tell-error.ts';
import { messages } from '../i18n/ticket-messages.ts';
import type { UploadState } from './use-uploads.ts';

/** How far a file has got, beside its name. */
export function UploadMark({ state }: { state: UploadState | undefined }) {
  const t = messages.useT();
  const formats = useFormats();
  const errorText = useErrorText();
  if (state === undefined) return null;
  if (state === 'done') {
    return (
      <span className="save-state">
        <Icon name="check" /> {t('files.done')}
      </span>
    );
  }
  if ('error' in state) {
    return (
      <span className="save-state save-state-failed" role="alert">
        <Icon name="alert" /> {t('files.failed')}: {errorText(state.error)}
      </span>
    );
  }
  return (
    <span className="upload">
      <progress
        max={1}
        value={state.share}
        aria-label={t('files.uploading', { percent: formats.percent(state.share) })}
      />
      <span className="muted num">{formats.percent(state.share)}</span>
    </span>
  );
}
