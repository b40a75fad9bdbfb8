import type { Attachment } from '@psa/app/api/types';
import { AttachedFiles } from '@psa/app/components/attached-files';
import { DeleteFile } from '@psa/app/components/delete-file';
import { attachmentUrl } from '@psa/app/tickets';
import { Icon } from '@psa/ui/components/icon';
import { useFormats } from '@psa/ui/i18n/format';
import { messages } from '../i18n/messages.ts';

/** Files to look at and to download. */
export function FileLinks({ files }: { files: readonly Attachment[] }) {
  const t = messages.useT();
  const formats = useFormats();
  return (
    <AttachedFiles
      files={files}
      label={t('ticket.attachments')}
      row={(file) => (
        <>
          <a
            className="file-link"
            href={attachmentUrl(file)}
            download={file.file_name}
            aria-label={t('ticket.download', { name: file.file_name, size: formats.bytes(file.size) })}
          >
            <Icon name="paperclip" />
            <span className="file-name">{file.file_name}</span>
            <span className="muted num">{formats.bytes(file.size)}</span>
          </a>
          <DeleteFile file={file} />
        </>
      )}
    />
  );
}
