import { describeError } from '@psa/app/api/error-text';
import type { UploadItem } from '@psa/app/uploads/upload-queue';
import { Icon } from '@psa/ui/components/icon';
import { useFormats } from '@psa/ui/i18n/format';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { messages } from '../i18n/messages.ts';

/** How far a file has got, beside its name. */
export function UploadMark({ item }: { item: UploadItem | undefined }) {
  const t = messages.useT();
  const ui = uiMessages.useT();
  const formats = useFormats();
  if (!item || item.status === 'waiting') return null;
  if (item.status === 'done') {
    return (
      <span className="upload-mark upload-done">
        <Icon name="check" />
        {t('files.done')}
      </span>
    );
  }
  if (item.status === 'failed') {
    return (
      <span className="upload-mark field-error">
        <Icon name="alert" />
        {`${t('files.failed')}. ${describeError(item.error, ui, formats)}`}
      </span>
    );
  }
  return (
    <span className="upload-mark">
      <progress value={item.share} max={1} aria-label={item.file.name} />
      {t('files.sending', { percent: formats.percent(item.share) })}
    </span>
  );
}
