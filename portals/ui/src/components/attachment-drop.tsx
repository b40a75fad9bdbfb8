import { isProgramName } from '@psa/contracts/attachment-rules';
import { MAX_ATTACHMENT_BYTES } from '@psa/contracts/limits';
import { FileDrop, type FileDropProps } from './file-drop.tsx';

/** So many go with one message; more can follow. */
const MAX_FILES = 10;

/** Files for a ticket. What the server would refuse is refused when it is chosen, before anything is sent. */
export function AttachmentDrop(props: Omit<FileDropProps, 'maxFiles' | 'maxBytes' | 'refuses' | 'accept'>) {
  return <FileDrop {...props} maxFiles={MAX_FILES} maxBytes={MAX_ATTACHMENT_BYTES} refuses={isProgramName} />;
}
