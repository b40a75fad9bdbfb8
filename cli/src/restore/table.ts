import { isIdle } from '@psa/recovery/rows/decide';
import type { PutBack } from '@psa/recovery/rows/put-back';
import type { Session } from '@psa/recovery/rows/session';
import { putBeside, putTable, type TakenTable, takeTable } from '@psa/recovery/rows/table';
import type { Progress } from '../progress.ts';
import type { Live, RowsSource } from './rows-world.ts';

/** What a restore of a table will do. */
export interface TablePlan extends PutBack {
  readonly backup: string;
  /** When it was taken, or the moment. */
  readonly at: string;
  readonly table: string;
  /** Rows that the backup has of it. */
  readonly rows: number;
  /** The table beside that they go into; null: they go into their own. */
  readonly as: string | null;
  readonly idle: boolean;
  readonly overwrite: boolean;
}

/** What came of it. */
export interface TableRestored extends TablePlan {
  /** Tickets whose service was told that something of them came back. */
  readonly told: number;
}

/** Takes the rows out of the backup, and tries what putting them back would do, which is undone. */
export async function planTable(
  { backup, at, database, open }: RowsSource,
  live: Live,
  table: string,
  wanted: { readonly as: string | undefined; readonly overwrite: boolean },
  progress: Progress,
): Promise<{ plan: TablePlan; taken: TakenTable }> {
  const { as, overwrite } = wanted;
  progress.start(`Read ${table}`);
  return live(async (session) => {
    const taken = await takeTable(session, open, database, table, as !== undefined);
    const { rows } = taken.rows;
    const base = { backup, at, table, rows, overwrite };
    if (as !== undefined) {
      await putBeside(session, taken, as, false);
      return { plan: { ...base, as, tables: [], lost: [], idle: false }, taken };
    }
    const { tables, lost } = await putTable(session, taken, { overwrite, keep: false, backup });
    return { plan: { ...base, as: null, tables, lost, idle: isIdle(tables) }, taken };
  });
}

/** Puts them there, all of them or none. */
export async function restoreTable(
  session: Session,
  plan: TablePlan,
  taken: TakenTable,
  progress: Progress,
): Promise<TableRestored> {
  const { as, overwrite, backup } = plan;
  progress.start(`Put rows of ${plan.table} back`);
  if (as !== null) {
    await putBeside(session, taken, as, true);
    return { ...plan, told: 0 };
  }
  const put = await putTable(session, taken, { overwrite, keep: true, backup });
  return { ...plan, ...put, idle: isIdle(put.tables) };
}
