import { resolve } from 'node:path';
import { define } from '../../command.ts';
import { CliError } from '../../errors.ts';
import type { Carried } from '../../ops/carried.ts';
import type { SiteOptions } from '../../site/site.ts';
import { plural } from '../../text.ts';

interface Options extends SiteOptions {
  readonly env?: string;
}

interface Scheduled {
  readonly data: {
    readonly site: string;
    readonly container: string;
    /** The release whose psactl is put there. */
    readonly release: string;
    /** Absolute, in the container. */
    readonly files: readonly string[];
    readonly timers: readonly string[];
  };
}

export const backupSchedule = define<Options, Scheduled, readonly Carried[], Scheduled>({
  summary: 'Has backups run by themselves: puts psactl and its timers into the container ops',
  description: `
psactl of the inventory's release, Node, the inventory, and the files that it names: token, ssh key, the site's folder, the key
of the backups (not where the inventory has recipients), the releases that run, rclone's configuration. Who has that container
has these. Its timers are those of "psactl render"; they begin at once. From then on "psactl apply" and "psactl deploy" keep them as the
inventory and the release say. Run it again when a token or a key has changed: what is there is replaced, backups and
drills that were made there stay.`,
  options: [
    {
      flags: '--env <file>',
      description: 'with PSA_URL and PSA_API_KEY: whoever tells the platform how the backups are',
    },
  ],
  examples: [
    { run: 'psactl backup schedule --site lab --dry-run', note: 'what would be put there' },
    { run: 'psactl backup schedule --site lab --yes', note: 'from now on by the clock' },
  ],
  resume: 'Run it again.',

  async plan(context) {
    const { options, io } = context;
    const { readSite } = await import('../../site/site.ts');
    const { carriedFiles, timersOf } = await import('../../ops/carried.ts');
    const known = await readSite(context);
    const container = known.containers.find(({ group }) => group === 'ops');
    if (!container)
      throw new CliError('Unable to have backups run by themselves: the inventory has no container "ops".', {
        outcome: 'usage',
        why: `There is none in containers of ${known.file}.`,
        fix: 'Add it as the example inventory has it; or use the units of "psactl render" on a machine of yours.',
      });
    const reporting = options.env === undefined ? null : resolve(io.cwd, options.env);
    const files = await carriedFiles(known, io, reporting);
    if (reporting !== null && !files.some(({ from }) => from === reporting))
      throw new CliError(`Unable to read --env: there is no file ${reporting}.`, { outcome: 'not_found' });
    const data = {
      ...{ site: known.site.name, container: container.name, release: known.inventory.releases.version },
      ...{ files: files.map(({ to }) => to), timers: timersOf(files) },
    };
    return { data: { data }, carry: files };
  },
  confirm: ({ data: { data } }) =>
    `Put psactl with the token and the keys of the site ${data.site} into ${data.container}?`,
  renderPlan: ({ data }) =>
    `Would put psactl ${data.release} into ${data.container}, with ${plural(data.files.length, 'file')}:\n${data.files
      .map((one) => `  ${one}\n`)
      .join('')}and start ${data.timers.join(', ')}.\n`,

  async apply({ data }, context) {
    const { io, signal, progress, options } = context;
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { carriedFiles } = await import('../../ops/carried.ts');
    const { carry } = await import('../../ops/carry.ts');
    const { ensureRecipients } = await import('../../backup/recipients.ts');
    return withSite(context, async (site) => {
      progress.start(`Put psactl into ${data.data.container}`);
      // Made here, so that it is here as well: of two machines that make one each neither opens the other's.
      await ensureRecipients(site);
      const container = site.containers.find(({ name }) => name === data.data.container)!;
      const reporting = options.env === undefined ? null : resolve(io.cwd, options.env);
      await carry(new Cluster(site, signal), container, await carriedFiles(site, io, reporting));
      return data;
    });
  },
  render: ({ data }) => `${data.container}: ${plural(data.timers.length, 'timer')} started.\n`,
});
