import type { RowVerdict } from '@psa/recovery/rows/decide';
import type { LostReference } from '@psa/recovery/rows/put-back';
import { plural, table } from '../text.ts';

/** What becomes of the rows of each table, for people. */
export function rowsText(tables: readonly RowVerdict[], lost: readonly LostReference[]): string {
  const rows = tables
    .filter(({ in_backup, only_here }) => in_backup + only_here > 0)
    .map((one) => [
      ...[one.table, one.in_backup, one.put_back, one.revived, one.overwritten, one.kept, one.only_here].map(
        String,
      ),
    ]);
  const head = [
    'TABLE',
    'IN BACKUP',
    'PUT BACK',
    'UNDELETED',
    'OVERWRITTEN',
    'CHANGED, STAYS',
    'NEWER, STAYS',
  ];
  return `${table([head, ...rows])}${lost.map((one) => `${lostText(one)}\n`).join('')}`;
}

const lostText = ({ table: name, parent, rows, done }: LostReference): string =>
  done === 'without'
    ? `${plural(rows, 'row')} of ${name} come back without what they name in ${parent}: it is gone.`
    : `${plural(rows, 'row')} of ${name} stay out: what they name in ${parent} is gone, and they cannot be without it.`;
