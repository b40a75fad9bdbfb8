import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { size } from '../../backup/backup-text.ts';
import type { Catalogued } from '../../backup/catalogue.ts';
import { define } from '../../command.ts';
import { CliError } from '../../errors.ts';
import { recoveryError, refuseArchives } from '../../recovery-error.ts';
import type { SiteOptions } from '../../site/site.ts';
import { plural } from '../../text.ts';

interface Options extends SiteOptions {
  readonly to: string;
}
interface Copied {
  readonly to: string;
  /** Not there yet. */
  readonly copy: readonly { readonly id: string; readonly bytes: number }[];
  /** There already, as their manifests say. */
  readonly there: readonly string[];
}

export const backupCopy = define<Options, Copied, readonly Catalogued[], { readonly data: Copied }>({
  summary: 'Copies backups of a site into another folder, with their manifests',
  description: `
Archives of containers come out of their storage and stand there as files. Each copy is read back and has its name when it is
what its manifest says; what is there already is left as it is. Nothing in the other folder is ever removed.`,
  args: [
    {
      name: 'backup...',
      description: 'ids of "psactl backup list", or runs; without any the newest good one of each part',
      required: false,
    },
  ],
  options: [{ flags: '--to <folder>', description: 'such as a disk that is carried away', required: true }],
  examples: [{ run: 'psactl backup copy --to carried --site lab', note: 'the newest of each part' }],
  resume: 'Run it again: what was copied stays, and the rest follows.',
  async plan(context) {
    const { args, io, options, signal } = context;
    await refuseArchives(
      args,
      'copy',
      (file) => `Copy it with what is said of it beside it: cp ${file}* ${options.to}`,
    );
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { named, newestOfEach, readCatalogue, usable } = await import('../../backup/catalogue.ts');
    const { readShelf } = await import('@psa/recovery/shelf');
    return withSite(context, async (site) => {
      const cluster = new Cluster(site, signal);
      const catalogue = await readCatalogue(cluster);
      // What is in the repository of the database cannot be carried away alone; the dump beside it can.
      const isCarried = ({ kind }: Catalogued) => kind !== 'pitr';
      const all = args.length > 0 ? named(catalogue, args) : newestOfEach(catalogue);
      const wanted = all.length > 1 ? all.filter(isCarried) : all;
      for (const one of wanted) usable(cluster, one);
      const to = resolve(io.cwd, options.to);
      if (catalogue.backups.some(({ store }) => store.folder === to))
        throw new CliError(`Unable to copy to ${to}: the backups stand there already.`, {
          outcome: 'usage',
          fix: 'Name another folder with --to.',
        });
      const { checkCopiesFolder } = await import('../../site/copies-folder.ts');
      await checkCopiesFolder(to, 0);
      const shelf = existsSync(to) ? await readShelf(to) : [];
      const isThere = ({ id, manifest }: Catalogued) =>
        shelf.some(
          (one) => one.id === id && one.state === 'good' && one.manifest?.sha256 === manifest?.sha256,
        );
      const missing = wanted.filter((one) => !isThere(one));
      const bytesOf = ({ bytes, manifest }: Catalogued) => manifest?.bytes ?? bytes;
      await checkCopiesFolder(
        to,
        missing.reduce((sum, one) => sum + bytesOf(one), 0),
      );
      const data = {
        ...{ to, copy: missing.map((one) => ({ id: one.id, bytes: bytesOf(one) })) },
        there: wanted.filter(isThere).map(({ id }) => id),
      };
      return { data, carry: missing };
    });
  },
  renderPlan: ({ to, copy, there }) =>
    `Would copy ${plural(copy.length, 'backup')} (${size(copy.reduce((sum, one) => sum + one.bytes, 0))}) to ${to}; ${there.length} are there.\n`,
  async apply({ data, carry }, context) {
    const { progress, signal } = context;
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { copyBackup } = await import('../../backup/copy-backup.ts');
    const { whileNoOtherCopies } = await import('../../site/copies-folder.ts');
    return withSite(context, (site) =>
      whileNoOtherCopies(site.folder, async () => {
        progress.start('Copy backups', carry.length);
        for (const one of carry) {
          await copyBackup(new Cluster(site, signal), one, data.to).catch((error) => {
            throw recoveryError(error);
          });
          progress.advance();
        }
        return { data };
      }),
    );
  },
  render: ({ data: { to, copy, there } }) =>
    `${plural(copy.length, 'backup')} copied to ${to}; ${there.length} were there.\n`,
});
