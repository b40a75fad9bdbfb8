import { shownAs } from '@psa/contracts/attachment-rules';
import { Icon } from '@psa/ui/components/icon';
import { Viewer } from '@psa/ui/components/viewer';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { Attachment } from '../api/types.ts';
import { fileMessages } from '../i18n/file-messages.ts';
import { attachmentsQuery, attachmentUrl, shownUrl } from '../tickets.ts';
import { useLoadedAgain } from '../use-loaded-again.ts';

export interface FileViewerProps {
  /** Those that can be shown. */
  files: readonly Attachment[];
  index: number;
  onMove: (index: number) => void;
  onClose: () => void;
}

/** Pictures and PDFs of a message, one after the other, each with a way to save it. */
export function FileViewer({ files, index, onMove, onClose }: FileViewerProps) {
  const t = fileMessages.useT();
  const file = files[index];
  if (!file) return null;
  return (
    <Viewer
      title={file.file_name}
      index={index}
      count={files.length}
      onMove={onMove}
      place={t('place', { at: String(index + 1), count: String(files.length) })}
      previous={t('previous')}
      next={t('next')}
      onClose={onClose}
      actions={
        <a
          className="button button-quiet icon-button"
          href={attachmentUrl(file)}
          download={file.file_name}
          aria-label={t('save', { name: file.file_name })}
          title={t('save', { name: file.file_name })}
        >
          <Icon name="download" />
        </a>
      }
    >
      {shownAs(file.content_type) === 'pdf' ? (
        <Pdf key={file.id} file={file} />
      ) : (
        <Picture key={file.id} file={file} />
      )}
    </Viewer>
  );
}

function Picture({ file }: { file: Attachment }) {
  const { round, failed, onError } = useLoadedAgain();
  if (failed) return <NotShown file={file} />;
  return <img key={round} src={shownUrl(file)} alt={file.file_name} onError={onError} />;
}

/**
 * In the browser's own viewer, which runs apart from this page and, in Chromium, does not start in a sandboxed frame; what
 * comes is a PDF by its content, or it is not shown (`shownAs`, `nosniff`). A frame renews no session and shows whatever
 * answer comes: the ticket's files are asked for first, as every other request is, and the file must still be among them.
 */
function Pdf({ file }: { file: Attachment }) {
  const t = fileMessages.useT();
  const queries = useQueryClient();
  const [isThere, setIsThere] = useState<boolean | null>(null);
  const { id, ticket_id } = file;
  useEffect(() => {
    let gone = false;
    const tell = (there: boolean) => !gone && setIsThere(there);
    queries.fetchQuery({ ...attachmentsQuery(ticket_id), staleTime: 0 }).then(
      (files) => tell(files.some((one) => one.id === id)),
      () => tell(false),
    );
    return () => {
      gone = true;
    };
  }, [queries, id, ticket_id]);
  if (!navigator.pdfViewerEnabled) return <NotShown file={file} why={t('no_pdf')} />;
  if (isThere === false) return <NotShown file={file} />;
  return isThere && <iframe title={file.file_name} src={shownUrl(file)} />;
}

function NotShown({ file, why }: { file: Attachment; why?: string }) {
  const t = fileMessages.useT();
  return (
    <div className="viewer-note stack">
      <p role="status">{why ?? t('not_shown')}</p>
      <a className="button" href={attachmentUrl(file)} download={file.file_name}>
        <Icon name="download" />
        {t('save', { name: file.file_name })}
      </a>
    </div>
  );
}
