import { define } from '../../command.ts';
import { usage } from '../../errors.ts';
import { rowsText } from '../../restore/rows-text.ts';
import { ROWS_OPTIONS, type RowsOptions } from '../../restore/rows-world.ts';
import type { TablePlan, TableRestored } from '../../restore/table.ts';
import { plural } from '../../text.ts';

interface Options extends RowsOptions {
  readonly as?: string;
}
type Carry = import('@psa/recovery/rows/table').TakenTable;

export const restoreTableCommand = define<Options, TablePlan, Carry, { readonly data: TableRestored }>({
  summary: 'Puts the rows of one table back that are missing, out of a backup, or all of them beside it',
  description: `
As "psactl restore ticket", for a whole table: rows that are missing are put back, those that were deleted since are there
again, what is newer stays. Rows keep their tenant. Those that cannot be without something that is gone stay out, and are
counted. Of what belongs to tickets their service sees to search and the others. Of other tables nobody is told: have the
index made anew afterwards (POST /api/v1/search/reindex). With --as all rows go into a table of that name beside it, which no
service reads.`,
  args: [{ name: 'table', description: 'service and table: tickets.comments' }],
  options: [...ROWS_OPTIONS, { flags: '--as <name>', description: 'beside it, into a table of this name' }],
  withoutSite: 'psactl restore table NAME --from FILE',
  examples: [
    { run: 'psactl restore table tickets.comments --site lab --dry-run', note: 'what of it is missing' },
    {
      run: 'psactl restore table tickets.comments --as comments_then --from backups/embedded-20261130T020000Z-3f9a2c.tar.zst.age --yes',
      note: 'beside the one that is used',
    },
  ],
  resume: 'Run it again: all of its rows are back, or none.',
  async plan(context) {
    const { withRows } = await import('../../restore/rows-world.ts');
    const { planTable } = await import('../../restore/table.ts');
    const { args, options, progress } = context;
    const { as, overwrite } = options;
    if (as !== undefined && overwrite)
      throw usage('Unable to overwrite what is beside.', 'Give --as or --overwrite.');
    return withRows(context, async (source, live) => {
      const { plan, taken } = await planTable(
        source,
        live,
        args[0]!,
        { as, overwrite: overwrite === true },
        progress,
      );
      return { data: plan, carry: taken };
    });
  },
  confirm: ({ data: { table, backup, as, idle, rows, overwrite } }) => {
    if (as !== null) return `Put ${plural(rows, 'row')} of ${table} beside, as "${as}"?`;
    return idle
      ? null
      : `Put rows of ${table} back from ${backup}${overwrite ? ', over what was changed since' : ''}?`;
  },
  renderPlan: (plan) =>
    `${plan.table} as in ${plan.backup}, of ${plan.at}: ${plural(plan.rows, 'row')}.
${plan.as === null ? rowsText(plan.tables, plan.lost) : `They would go into "${plan.as}" beside it.\n`}${plan.idle ? 'Nothing is missing.\n' : ''}`,
  async apply({ data, carry }, context) {
    const { withLive } = await import('../../restore/rows-world.ts');
    const { restoreTable } = await import('../../restore/table.ts');
    if (data.idle) return { data: { ...data, told: 0 } };
    return withLive(context, 'psactl restore table', async (session) => ({
      data: await restoreTable(session, data, carry, context.progress),
    }));
  },
  render: ({ data }) => {
    if (data.as !== null)
      return `${plural(data.rows, 'row')} of ${data.table} stand in "${data.as}" beside it.\n`;
    if (data.idle) return `Nothing of ${data.table} is missing.\n`;
    return `${data.table} has its rows of ${data.backup}.\n${rowsText(data.tables, data.lost)}${data.told > 0 ? `${plural(data.told, 'ticket')} of theirs are put right by their service.\n` : ''}`;
  },
});
