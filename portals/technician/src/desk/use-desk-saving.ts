import { ApiError } from '@psa/ui/api-error';
import { showToast } from '@psa/ui/toast-store';
import { useQueryClient } from '@tanstack/react-query';
import { changeIn, createIn, type DeskKind, removeIn } from '../api/desk.ts';
import { messages } from '../i18n/settings-messages.ts';

interface Row {
  id: string;
  name: string;
  version: number;
}

/** Creating, changing and deleting of desk settings; `key` is the query key of their list. */
export function useDeskSaving(kind: DeskKind, key: string) {
  const t = messages.useT();
  const queries = useQueryClient();
  const refresh = () => queries.invalidateQueries({ queryKey: [key] });
  return {
    save: async (row: Row | null, body: object, idempotencyKey: string) => {
      try {
        const saved = row
          ? await changeIn<Row>(kind, row.id, row.version, body)
          : await createIn<Row>(kind, body, idempotencyKey);
        showToast('ok', t('saved', { name: saved.name }));
        await refresh();
      } catch (error) {
        if (error instanceof ApiError && error.status === 412) await refresh();
        throw error;
      }
    },
    remove: async (row: Row) => {
      await removeIn(kind, row.id, row.version);
      showToast('ok', t('deleted', { name: row.name }));
      await refresh();
    },
  };
}
