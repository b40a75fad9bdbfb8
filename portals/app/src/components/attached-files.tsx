import '@psa/ui/styles/files.css';
import { shownAs } from '@psa/contracts/attachment-rules';
import { MAX_THUMBNAIL_BYTES } from '@psa/contracts/limits';
import { Icon } from '@psa/ui/components/icon';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import type { Attachment } from '../api/types.ts';
import { fileMessages } from '../i18n/file-messages.ts';
import { shownUrl } from '../tickets.ts';
import { useLoadedAgain } from '../use-loaded-again.ts';
import { useTellError } from '../use-tell-error.ts';

const loadViewer = () => import('./file-viewer.tsx');
const FileViewer = lazy(async () => ({ default: (await loadViewer()).FileViewer }));

/** Files under what was written: pictures and PDFs can be looked at in place. `row` names one, with a link to save it. */
export function AttachedFiles(props: {
  files: readonly Attachment[];
  label: string;
  row: (file: Attachment) => ReactNode;
}) {
  const tellError = useTellError();
  const [shown, setShown] = useState<number | null>(null);
  const { files } = props;
  if (files.length === 0) return null;
  const viewable = files.filter((file) => shownAs(file.content_type) !== null);
  // One that is deleted while it is looked at gives way to its neighbour.
  const index = shown === null ? null : Math.min(shown, viewable.length - 1);
  return (
    <>
      <ul className="attached" aria-label={props.label}>
        {files.map((file) => {
          const at = viewable.indexOf(file);
          return (
            <li key={file.id} className={at === -1 ? 'attached-row' : 'attached-tile'}>
              {at !== -1 && (
                <Thumbnail
                  file={file}
                  onPress={() => void loadViewer().then(() => setShown(at), tellError)}
                />
              )}
              <div className="attached-row">{props.row(file)}</div>
            </li>
          );
        })}
      </ul>
      {index !== null && index >= 0 && (
        <Suspense>
          <FileViewer files={viewable} index={index} onMove={setShown} onClose={() => setShown(null)} />
        </Suspense>
      )}
    </>
  );
}

/** A picture as far as it is not too large to be fetched unasked, or a sign; a press shows it. */
function Thumbnail({ file, onPress }: { file: Attachment; onPress: () => void }) {
  const t = fileMessages.useT();
  const { round, failed, onError } = useLoadedAgain();
  const isPicture = shownAs(file.content_type) === 'picture';
  return (
    <button
      type="button"
      className="thumb"
      aria-label={t('show', { name: file.file_name })}
      onClick={onPress}
    >
      {isPicture && !failed && file.size <= MAX_THUMBNAIL_BYTES ? (
        <img key={round} src={shownUrl(file)} alt="" loading="lazy" decoding="async" onError={onError} />
      ) : (
        <span className="thumb-sign">
          <Icon name="file" />
          {isPicture ? t('picture') : 'PDF'}
        </span>
      )}
    </button>
  );
}
