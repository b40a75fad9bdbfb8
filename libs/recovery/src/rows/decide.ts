/** What was found of the rows of a table, held against what stands there now. */
export interface RowFacts {
  readonly table: string;
  readonly in_backup: number;
  /** Not there any more. */
  readonly missing: number;
  /** There, and marked as deleted since. */
  readonly removed: number;
  /** There, and other than in the backup: somebody has changed them since. */
  readonly differs: number;
  readonly same: number;
  /** Written after the backup. */
  readonly only_here: number;
}

/** What becomes of them, and why is in what they are named. */
export interface RowVerdict extends RowFacts {
  /** Missing ones that are put there again. */
  readonly put_back: number;
  /** Deleted ones that are there again, with what was last in them. */
  readonly revived: number;
  /** Changed ones that are put back as they were, and deleted ones with what the backup has of them. */
  readonly overwritten: number;
  /** Changed ones that stay as they are: what is newer is not overwritten unasked. */
  readonly kept: number;
}

/**
 * Decides what a restore of single rows does. What is only here stays in any case: nothing is ever taken away.
 * @param isChangeable false: rows of it are never changed, such as a ticket's history
 */
export function decideRows(facts: RowFacts, overwrite: boolean, isChangeable: boolean): RowVerdict {
  const { missing, removed, differs } = facts;
  const over = overwrite && isChangeable;
  return {
    ...facts,
    put_back: missing,
    revived: isChangeable && !over ? removed : 0,
    overwritten: over ? removed + differs : 0,
    kept: over ? 0 : differs + (isChangeable ? 0 : removed),
  };
}

/** Whether anything is to be done. */
export const isIdle = (tables: readonly RowVerdict[]): boolean =>
  tables.every(({ put_back, revived, overwritten }) => put_back + revived + overwritten === 0);
