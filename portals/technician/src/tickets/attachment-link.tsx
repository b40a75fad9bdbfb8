import { api } from '@psa/ui/browser-api';
import { useFormats } from '@psa/ui/i18n/format';
import type { Attachment } from '../api/types.ts';
import { messages } from '../i18n/ticket-messages.ts';

export function AttachmentLink({ file }: { file: Attachment }) {
  const t = messages.useT();
  const formats = useFormats();
  return (
    <>
      <a
        className="file-name"
        href={api.url(`/tickets/${file.ticket_id}/attachments/${file.id}/content`)}
        download={file.file_name}
        aria-label={t('files.download', { name: file.file_name })}
      >
        {file.file_name}
      </a>
      <span className="muted num">{formats.bytes(file.size)}</span>
    </>
  );
}
