import { define } from '../../command.ts';
import { rowsText } from '../../restore/rows-text.ts';
import { ROWS_OPTIONS, type RowsOptions } from '../../restore/rows-world.ts';
import type { ReadyTicket, TicketPlan, TicketRestored } from '../../restore/ticket.ts';

interface Options extends RowsOptions {
  readonly tenant?: string;
}

const goneText = ({ gone }: TicketPlan) =>
  gone
    .map(({ field, name, mended }) =>
      mended
        ? `${field}: ${name} is gone, and it comes back without.\n`
        : `${field}: ${name} is gone, and stays named.\n`,
    )
    .join('');
const STANDS = { there: 'it is there', deleted: 'it was deleted', gone: 'it is gone' } as const;

export const restoreTicketCommand = define<
  Options,
  TicketPlan,
  ReadyTicket,
  { readonly data: TicketRestored }
>({
  summary:
    'Puts one ticket back out of a backup, with its comments, times, watchers, history, tags and files',
  description: `
All that hangs on the ticket is taken out of the backup, and what is missing now is put back, in one step; a ticket or comment
that was deleted since is there again. What is newer stays: rows that were changed since are only put back as they were with
--overwrite, and what was written since is never taken away. The plan tries it all and undoes it. Rows go in as the tickets'
service puts them, under its row security. That service then sees to counters, deadlines and search, and tells the others.

From a dump of a site, from a moment (--to), or out of an archive of the platform in one process into PSA_DATA_DIR, else
./.psa, whether it runs or not.`,
  args: [{ name: 'ticket', description: 'its number, or its id' }],
  options: [
    ...ROWS_OPTIONS,
    { flags: '--tenant <id>', description: 'whose, where several tenants have that number' },
  ],
  withoutSite: 'psactl restore ticket NUMBER --from FILE',
  examples: [
    { run: 'psactl restore ticket 1042 --site lab --dry-run', note: 'what of it is lost, and would be back' },
    {
      run: 'psactl restore ticket 1042 --from backups/embedded-20261130T020000Z-3f9a2c.tar.zst.age --yes',
      note: 'of the platform in one process',
    },
  ],
  resume: 'Run it again: a ticket is back as a whole, or not at all.',
  async plan(context) {
    const { withRows } = await import('../../restore/rows-world.ts');
    const { planTicket, ticketWish } = await import('../../restore/ticket.ts');
    const { args, options, progress } = context;
    const wish = ticketWish(args[0]!, options.tenant);
    return withRows(context, async (source, live) => {
      const { plan, ready } = await planTicket(source, live, wish, options.overwrite === true, progress);
      return { data: plan, carry: ready };
    });
  },
  confirm: ({ data: { ticket, backup, idle, overwrite } }) =>
    idle
      ? null
      : `Put ticket ${ticket.number} "${ticket.title}" back from ${backup}${overwrite ? ', over what was changed since' : ''}?`,
  renderPlan: (plan) =>
    `Ticket ${plan.ticket.number} "${plan.ticket.title}" as in ${plan.backup}, of ${plan.at}; now ${STANDS[plan.stands]}.
${rowsText(plan.tables, plan.lost)}${goneText(plan)}${plan.files > 0 ? `Files to put back: ${plan.files}.\n` : ''}${plan.idle ? 'Nothing is missing.\n' : ''}`,
  async apply({ data, carry }, context) {
    const { withLive } = await import('../../restore/rows-world.ts');
    const { restoreTicket } = await import('../../restore/ticket.ts');
    if (data.idle) return { data: { ...data, settled: true } };
    return withLive(context, 'psactl restore ticket', async (session, files) => ({
      data: await restoreTicket(session, files, data, carry, context.progress),
    }));
  },
  render: ({ data }) =>
    data.idle
      ? `Nothing of ticket ${data.ticket.number} is missing.\n`
      : `Ticket ${data.ticket.number} "${data.ticket.title}" is as in ${data.backup}.
${rowsText(data.tables, data.lost)}${goneText(data)}${data.settled ? '' : 'Its service has not seen to the rest yet (search, deadlines, events): it does when it runs.\n'}`,
});
