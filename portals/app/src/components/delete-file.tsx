import { showToast } from '@psa/ui/toast-store';
import { useQueryClient } from '@tanstack/react-query';
import { ApiError } from '../api/error.ts';
import type { Attachment } from '../api/types.ts';
import { fileMessages } from '../i18n/file-messages.ts';
import { may, useMe } from '../session/session.ts';
import { deleteAttachment } from '../tickets.ts';
import { DeleteAction } from './delete-action.tsx';

/** Removes a file from its ticket: there for who uploaded it, and for who may remove anybody's. */
export function DeleteFile({ file }: { file: Attachment }) {
  const t = fileMessages.useT();
  const me = useMe();
  const queries = useQueryClient();
  const own = file.uploaded_by.id === me.id && may(me, 'ticket:comment');
  if (!own && !may(me, 'ticket:delete')) return null;
  const name = file.file_name;
  async function remove(): Promise<void> {
    try {
      await deleteAttachment(file);
    } catch (error) {
      // Somebody was faster: it is gone, as wanted.
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
    }
    showToast('ok', t('deleted', { name }));
    await queries.invalidateQueries({ queryKey: ['ticket', file.ticket_id] });
  }
  return (
    <DeleteAction label={t('delete', { name })} question={t('delete_sure', { name })} onDelete={remove} />
  );
}
