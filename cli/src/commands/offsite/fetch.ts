import { resolve } from 'node:path';
import { define } from '../../command.ts';
import { CliError } from '../../errors.ts';
import type { Chosen } from '../../offsite/chosen.ts';
import { recoveryError } from '../../recovery-error.ts';
import type { SiteFolder } from '../../site/folder.ts';
import type { SiteOptions } from '../../site/site.ts';
import { plural } from '../../text.ts';

interface Options extends SiteOptions {
  readonly to: string;
}
interface Fetched {
  readonly to: string;
  readonly fetched: readonly { readonly id: string; readonly bytes: number }[];
}
interface Work {
  readonly folder: SiteFolder;
  readonly identity: string;
  readonly chosen: readonly Chosen[];
}

export const offsiteFetch = define<Options, Fetched, Work, { readonly data: Fetched }>({
  summary: 'Brings copies back from outside, opened, as the backups that they were',
  description: `
Needs the inventory and the secret key of one recipient (PSA_BACKUP_KEY, or backup.encryption_key_file), and no cluster. Each
has its name, and its manifest beside it, when it is what that says; the folder can stand for that of a generation.`,
  args: [
    {
      name: 'backup...',
      description: 'ids of "psactl offsite list", or runs; without any the newest of each part',
      required: false,
    },
  ],
  options: [{ flags: '--to <folder>', description: 'where they go', required: true }],
  examples: [{ run: 'psactl offsite fetch --to fetched --site lab', note: 'the newest of each part' }],
  resume: 'Run it again: what was brought stays, and the rest follows.',
  async plan(context) {
    const { args, io, options, signal } = context;
    const { existsSync } = await import('node:fs');
    const { readSite } = await import('../../site/site.ts');
    const { chooseCopies } = await import('../../offsite/chosen.ts');
    const { remotesOf } = await import('../../offsite/remotes.ts');
    const { identityOf } = await import('../../backup/recipients.ts');
    const { readShelf } = await import('@psa/recovery/shelf');
    const site = await readSite(context);
    try {
      const identity = await identityOf(site, io.env);
      if (identity === null)
        throw new CliError('Unable to open a copy without the key of one of its recipients.', {
          fix: 'Name its file: PSA_BACKUP_KEY=…',
          code: 'NO_KEY',
        });
      const all = await chooseCopies(site, remotesOf(site, io, signal), args);
      const to = resolve(io.cwd, options.to);
      const { checkCopiesFolder } = await import('../../site/copies-folder.ts');
      await checkCopiesFolder(to, 0);
      const shelf = existsSync(to) ? await readShelf(to) : [];
      const chosen = all.filter(
        ({ receipt }) => !shelf.some(({ id, state }) => id === receipt.id && state === 'good'),
      );
      const bytes = chosen.reduce((sum, { receipt }) => sum + receipt.content.bytes, 0);
      await checkCopiesFolder(to, bytes);
      const fetched = chosen.map(({ receipt }) => ({ id: receipt.id, bytes: receipt.content.bytes }));
      return { data: { to, fetched }, carry: { identity, chosen, folder: site.folder } };
    } catch (error) {
      throw recoveryError(error);
    }
  },
  renderPlan: ({ to, fetched }) => `Would bring ${plural(fetched.length, 'backup')} to ${to}.\n`,
  async apply({ data, carry }, { progress }) {
    const { fetchCopy } = await import('@psa/recovery/offsite/send');
    const { whileNoOtherCopies } = await import('../../site/copies-folder.ts');
    return whileNoOtherCopies(carry.folder, async () => {
      progress.start('Bring copies back', carry.chosen.length);
      for (const { remote, receipt } of carry.chosen) {
        await fetchCopy(remote.rclone, receipt, carry.identity, data.to).catch((error) => {
          throw recoveryError(error);
        });
        progress.advance();
      }
      return { data };
    });
  },
  render: ({ data: { to, fetched } }) => `${plural(fetched.length, 'backup')} brought to ${to}.\n`,
});
