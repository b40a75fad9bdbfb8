import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { Catalogued } from '../../backup/catalogue.ts';
import { define } from '../../command.ts';
import { CliError, usage } from '../../errors.ts';
import { recoveryError } from '../../recovery-error.ts';
import type { OpenSite, SiteOptions } from '../../site/site.ts';

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
    const { isRun, parseArtefactFile, parseArtefactId } = await import('@psa/recovery/artefact-name');
    const { args, options, io } = context;
    const [name = ''] = args;
    const file = resolve(io.cwd, name);
    const on = !options.off;
    if (parseArtefactFile(basename(file)) && existsSync(file))
      return { data: { file, protected: on, on_site: false }, carry: null };
    if (isRun(name) || parseArtefactId(name)) {
      const { withSite } = await import('../../site/site.ts');
      await withSite(context, (site) => protectable(site, name, on, context.signal));
      return { data: { file: name, protected: on, on_site: true }, carry: null };
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
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { PRUNE_LOCK, withClusterLock } = await import('../../site/cluster-lock.ts');
    const { protectVolume } = await import('../../site/volume.ts');
    const what = { name: PRUNE_LOCK, what: 'psactl backup protect', signal: context.signal };
    return withSite(context, (site) =>
      withClusterLock(site, what, async (signal) => {
        const cluster = new Cluster(site, signal);
        for (const { file, volume, kind } of await protectable(site, data.file, data.protected, signal)) {
          if (kind === 'pitr') continue;
          if (volume) await protectVolume(cluster, volume.node, volume.volid, data.protected);
          await setProtected(file, data.protected);
        }
        return { data };
      }),
    );
  },
  render: ({ data: { file, protected: on } }) => `${file} is ${on ? 'protected' : 'left to the policy'}.\n`,
});

/** What somebody names, an id or a run. @throws CliError when it is not there, or none of it can be protected */
async function protectable(
  site: OpenSite,
  name: string,
  on: boolean,
  signal: AbortSignal,
): Promise<readonly Catalogued[]> {
  const { Cluster } = await import('../../site/cluster.ts');
  const { named, readCatalogue } = await import('../../backup/catalogue.ts');
  const { requireProtectable } = await import('../../backup/protection.ts');
  const cluster = new Cluster(site, signal);
  const all = named(await readCatalogue(cluster), [name]);
  // A whole run is protected as far as that goes; who names it shall know that it does not.
  if (all.every(({ kind }) => kind === 'pitr'))
    throw new CliError(`Unable to protect ${name}: pgBackRest decides on it.`, {
      why: 'Without the log behind it, it would be of no use.',
      fix: 'Raise backup.pitr_days of the inventory, or protect the dump of the same run.',
    });
  if (on) await requireProtectable(cluster, all);
  return all;
}
