import type { Attachment } from '@psa/app/api/types';
import { AttachedFiles } from '@psa/app/components/attached-files';
import { attachmentUrl } from '@psa/app/tickets';
import { Icon } from '@psa/ui/components/icon';
import { useFormats } from '@psa/ui/i18n/format';
import { messages } from '../i18n/ticket-messages.ts';

export function AttachmentLink({ file }: { file: Attachment }) {
  const t = messages.useT();
  const formats = useFormats();
  return (
    <>
      <a
        className="file-name"
        href={attachmentUrl(file)}
        download={file.file_name}
        aria-label={t('files.download', { name: file.file_name })}
      >
        {file.file_name}
      </a>
      <span className="muted num">{formats.bytes(file.size)}</span>
    </>
  );
}

/** Files under what was written; nothing where there are none. */
export function AttachmentList({ files }: { files: readonly Attachment[] }) {
  const t = messages.useT();
  return (
    <AttachedFiles
      files={files}
      label={t('files.title')}
      row={(file) => (
        <>
          <Icon name="paperclip" />
          <AttachmentLink file={file} />
        </>
      )}
    />
  );
}
