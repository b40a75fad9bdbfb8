import type { UploadItem } from '@psa/app/uploads/upload-queue';
import { useErrorText } from '@psa/app/use-tell-error';
import { Icon } from '@psa/ui/components/icon';
import { useFormats } from '@psa/ui/i18n/format';
import { messages } from '../i18n/ticket-messages.ts';

/** How far a file has got, beside its name. */
export function UploadMark({ item }: { item: UploadItem | undefined }) {
  const t = messages.useT();
  const formats = useFormats();
  const errorText = useErrorText();
  if (!item || item.status === 'waiting') return null;
  if (item.status === 'done') {
    return (
      <span className="save-state">
        <Icon name="check" /> {t('files.done')}
      </span>
    );
  }
  if (item.status === 'failed') {
    return (
      <span className="save-state save-state-failed" role="alert">
        <Icon name="alert" /> {t('files.failed')}: {errorText(item.error)}
      </span>
    );
  }
  return (
    <span className="upload">
      <progress
        max={1}
        value={item.share}
        aria-label={t('files.uploading', { percent: formats.percent(item.share) })}
      />
      <span className="muted num">{formats.percent(item.share)}</span>
    </span>
  );
}
