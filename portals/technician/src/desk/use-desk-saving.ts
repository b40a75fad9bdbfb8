import { kept } from '@psa/app/api/browser';
import { ApiError } from '@psa/app/api/error';
import type { BodyOf, Fields } from '@psa/app/api/typed';
import { showToast } from '@psa/ui/toast-store';
import { useQueryClient } from '@tanstack/react-query';
import { messages } from '../i18n/settings-messages.ts';

interface Row {
  id: string;
  name: string;
  version: number;
}

type Path =
  | '/technicians'
  | '/teams'
  | '/calendars'
  | '/categories'
  | '/sla-policies'
  | '/assignment-rules'
  | '/users'
  | '/roles';
/** Technicians come with their user account. */
type Creatable = Exclude<Path, '/technicians'>;
/** Fields that only a new one has. */
type New<P extends Path> = P extends Creatable ? BodyOf<`POST ${P}`> : unknown;
type Removable = Exclude<Path, '/technicians' | '/users'>;

/**
 * Creating, changing and deleting of desk settings; `key` is the query key of their list. What is said of it calls a thing
 * by `shown`, its name unless something else is given.
 */
export function useDeskSaving<P extends Path>(path: P, key: string, shown?: string) {
  const t = messages.useT();
  const queries = useQueryClient();
  const refresh = () => queries.invalidateQueries({ queryKey: [key] });
  return {
    save: async (
      row: Row | null,
      body: Fields<BodyOf<`PATCH ${P}/{id}`> & New<P>>,
      idempotencyKey: string,
    ) => {
      try {
        const saved: Row = row
          ? await kept.change<Path>(path, row.id, row.version, body)
          : await kept.create<Creatable>(path as Creatable, body, idempotencyKey);
        showToast('ok', t('saved', { name: shown ?? saved.name }));
        await refresh();
      } catch (error) {
        if (error instanceof ApiError && error.status === 412) await refresh();
        throw error;
      }
    },
    remove: async (row: Row) => {
      await kept.remove(path as Removable, row.id, row.version);
      showToast('ok', t('deleted', { name: shown ?? row.name }));
      await refresh();
    },
  };
}
