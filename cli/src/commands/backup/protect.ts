import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { Catalogued } from '../../backup/catalogue.ts';
import { type Context, define } from '../../command.ts';
import { CliError, usage } from '../../errors.ts';
import { recoveryError } from '../../recovery-error.ts';
import type { Cluster } from '../../site/cluster.ts';
import type { SiteOptions } from '../../site/site.ts';

interface Options extends SiteOptions {
  readonly off?: boolean;
}
interface Protection {
  /** Files that are protected, or ids on a site. */
  readonly file: string;
  readonly protected: boolean;
  readonly on_site: boolean;
}

export const backupProtect = define<Options, Protection, null, { readonly data: Protection }>({
  summary: 'Has a backup stay whatever the policy says',
  description: `
A file, or a backup of a site by its id or its run; then Proxmox, too, refuses to remove the archives of its containers. It
protects five of a container on a storage at most, unless the storage says otherwise: what would be more is refused before.`,
  args: [{ name: 'backup', description: 'a file, an id of "psactl backup list", or a run' }],
  options: [{ flags: '--off', description: 'the policy decides on it again' }],
  examples: [
    {
      run: 'psactl backup protect backups/embedded-20261130T020000Z-3f9a2c.tar.zst.age',
      note: 'a file, before a migration',
    },
    { run: 'psactl backup protect 20261130T020000Z-3f9a2c --site lab', note: 'all of a run' },
  ],
  async plan(context) {
    const { args, options, io } = context;
    const { isRun, parseArtefactFile, parseArtefactId } = await import('@psa/recovery/artefact-name');
    const [name = ''] = args;
    const file = resolve(io.cwd, name);
    const on = !options.off;
    if (parseArtefactFile(basename(file)) && existsSync(file))
      return { data: { file, protected: on, on_site: false }, carry: null };
    if (isRun(name) || parseArtefactId(name)) {
      const data = { file: name, protected: on, on_site: true };
      await onSite(context, data, async () => {});
      return { data, carry: null };
    }
    if (existsSync(file))
      throw usage(
        `Unable to protect ${file}: it is no backup by its name, so that nothing would ever ask whether it is protected.`,
        'Name the archive as "psactl backup list" does, without the .json beside it.',
      );
    throw new CliError(`Unable to protect ${file}: it is not there.`, {
      outcome: 'not_found',
      code: 'NO_FILE',
    });
  },
  renderPlan: ({ file, protected: on }) => `${file} would be ${on ? 'protected' : 'left to the policy'}.\n`,
  async apply({ data }, context) {
    const { setProtected } = await import('@psa/recovery/shelf');
    if (!data.on_site) {
      await setProtected(data.file, data.protected).catch((error) => {
        throw recoveryError(error);
      });
      return { data };
    }
    const { protectVolume } = await import('../../site/volume.ts');
    await onSite(context, data, async (cluster, all) => {
      for (const { file, volume } of all) {
        if (volume) await protectVolume(cluster, volume.node, volume.volid, data.protected);
        await setProtected(file, data.protected);
      }
    });
    return { data };
  },
  render: ({ data: { file, protected: on } }) => `${file} is ${on ? 'protected' : 'left to the policy'}.\n`,
});

/** What is named on a site, once it is seen that it may be protected. @throws CliError */
async function onSite(
  context: Context<Options>,
  { file, protected: on }: Protection,
  work: (cluster: Cluster, all: readonly Catalogued[]) => Promise<void>,
): Promise<void> {
  const { withSite } = await import('../../site/site.ts');
  const { Cluster: Site } = await import('../../site/cluster.ts');
  const { named, readCatalogue } = await import('../../backup/catalogue.ts');
  const { requireProtectable } = await import('../../backup/protection.ts');
  return withSite(context, async (site) => {
    const cluster = new Site(site, context.signal);
    const all = named(await readCatalogue(cluster), [file]);
    // A whole run is protected as far as that goes; who names it shall know that it does not.
    if (all.every(({ kind }) => kind === 'pitr'))
      throw new CliError(`Unable to protect ${file}: pgBackRest decides on it.`, {
        why: 'Without the log behind it, it would be of no use.',
        fix: 'Raise backup.pitr_days of the inventory, or protect the dump of the same run.',
      });
    const ours = all.filter(({ kind }) => kind !== 'pitr');
    if (on) await requireProtectable(cluster, ours);
    await work(cluster, ours);
  });
}
