import { size, when } from '../../backup/backup-text.ts';
import { define } from '../../command.ts';
import { usage } from '../../errors.ts';
import { recoveryError } from '../../recovery-error.ts';
import { ago } from '../../restore/choose.ts';
import type { ContainerPlan, ContainerRestored, ReadyContainer } from '../../restore/container.ts';
import type { SiteOptions } from '../../site/site.ts';

interface Options extends SiteOptions {
  readonly from: string;
  readonly as?: number;
  readonly address?: string;
}

const idOf = (text: string) => {
  if (!/^[1-9]\d{2,8}$/.test(text)) throw new Error('write an id from 100');
  return Number(text);
};
const addressOf = (text: string) => {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) throw new Error('write an address such as 10.0.50.90');
  return text;
};

export const restoreContainerCommand = define<
  Options,
  ContainerPlan,
  ReadyContainer,
  { readonly data: ContainerRestored }
>({
  summary: 'Restores a container of a site from a backup, into its place or beside it',
  description: `
Its archive is read to its last byte before anything is touched. Into its place: the container is stopped, backed up as it is,
and then overwritten; HA leaves it alone meanwhile; when that breaks off, what was there comes back. With --as and --address it stands beside under another id, name and
address, and psactl does not take it for its own. A member of a data part comes up with old data: Redis follows its
master again, one of the database is made anew where the others have a leader; of a cluster whose last member it is, it is the data.`,
  args: [{ name: 'container', description: 'name or id of a container of the inventory' }],
  options: [
    {
      flags: '--from <backup>',
      description: 'an id of "psactl backup list", a run, or "latest"',
      default: 'latest',
    },
    { flags: '--as <id>', description: 'restore it beside, as another container', parse: idOf },
    { flags: '--address <ip>', description: 'its address then, in its own VLAN', parse: addressOf },
  ],
  examples: [
    { run: 'psactl restore container psa-redis-1 --site lab --dry-run', note: 'what would be overwritten' },
    {
      run: 'psactl restore container psa-redis-1 --as 940 --address 10.0.30.240 --site lab --yes',
      note: 'beside the one that runs',
    },
  ],
  resume: 'Run it again. If HA was told to leave it alone, "psactl apply" puts that right, too.',

  async plan(context) {
    const { args, options, signal } = context;
    if (options.address !== undefined && options.as === undefined)
      throw usage(
        'Unable to give the container another address in its own place.',
        'Leave --address out, or add --as.',
      );
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { planContainer } = await import('../../restore/container.ts');
    return withSite(context, async (site) => {
      const ready = await planContainer(new Cluster(site, signal), {
        ...{
          container: args[0]!,
          backup: options.from,
          as: options.as ?? null,
          address: options.address ?? null,
        },
      });
      return { data: ready.plan, carry: ready };
    });
  },
  confirm: ({ data: { container, id, replaces, at, age_minutes } }) =>
    replaces
      ? `Overwrite ${container} (CT ${id}) with its state of ${at}, ${ago(age_minutes)} ago?`
      : `Restore ${container} of ${at} as CT ${id}?`,
  renderPlan: ({
    backup,
    at,
    age_minutes,
    container,
    id,
    node,
    storage,
    address,
    replaces,
    needed_bytes,
    free_bytes,
  }) =>
    `Would restore ${container} from ${backup} (${when(at)}, ${ago(age_minutes)} ago) as CT ${id} on ${node}${address === null ? '' : ` with the address ${address}`}.
${
  replaces
    ? `CT ${id} is ${replaces.state}: it would be stopped, backed up and overwritten. What was written in it since is then in that backup alone.`
    : 'There is none of that id.'
}
It takes about ${size(needed_bytes)} on ${storage}; ${size(free_bytes)} are free.
`,

  async apply({ carry }, context) {
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { restoreContainer } = await import('../../restore/container.ts');
    return withSite(context, async (site) => {
      try {
        return { data: await restoreContainer(new Cluster(site, context.signal), carry, context.progress) };
      } catch (error) {
        throw recoveryError(error);
      }
    });
  },
  render: ({ data: { container, id, node, at, safety, duration_ms, warnings } }) =>
    `${container} runs as CT ${id} on ${node}, the state of ${at}, in ${(duration_ms / 1000).toFixed(1)} s.
${safety === null ? '' : `What was there before is in ${safety}.\n`}${warnings.map((line) => `${line}\n`).join('')}`,
});
