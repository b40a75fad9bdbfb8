import type { Desired } from '@psa/appliance/plan/desired';
import { define } from '../command.ts';
import { CliError, usage } from '../errors.ts';
import type { Cluster } from '../site/cluster.ts';
import type { SiteOptions } from '../site/site.ts';
import { plural, table } from '../text.ts';

/** A container that is to get its marker back. */
export interface Adoption {
  readonly name: string;
  readonly id: number;
  readonly node: string;
  /** What of it is as ours would be. */
  readonly signs: readonly string[];
  /** What stands in its note now, and stays beside the marker. */
  readonly note: string;
  /** It has the marker already. */
  readonly isOurs: boolean;
  /** Of the configuration that was looked at: another one may be another container. */
  readonly digest: string;
}

interface Adoptions {
  readonly site: string;
  readonly containers: readonly Adoption[];
}

export const adopt = define<SiteOptions, Adoptions, null, Adoptions>({
  summary: 'Gives containers the marker back that their notes have lost',
  description: `
psactl touches only what has its marker in its note. Where that was lost (somebody wrote over the note), this writes
it again, beside what stands there, once the name, address, tag and pool of the container are those of the inventory.
From then on psactl changes it, and "psactl destroy" removes it. What template it was made from nobody knows any more:
the inventory's is taken.`,
  args: [{ name: 'container...', description: 'names of the inventory, as psa-crm-1' }],
  examples: [
    {
      run: 'psactl adopt psa-crm-1 --site lab --dry-run',
      note: 'what it would own, and by what it knows it',
    },
    { run: 'psactl adopt psa-crm-1 psa-crm-2 --site lab --yes', note: 'without asking' },
  ],
  resume: 'Run it again: what has its marker is left as it is.',

  async plan(context) {
    const { withSite } = await import('../site/site.ts');
    const { Cluster } = await import('../site/cluster.ts');
    const { desire } = await import('../apply/desire.ts');
    const { ENOUGH_RESEMBLANCE, ownMarker, resemblance } = await import('@psa/appliance/plan/ownership');
    const { parseMarker } = await import('@psa/appliance/plan/marker');
    return withSite(context, async (site) => {
      const cluster = new Cluster(site, context.signal);
      const desired = await desire(site, { recreate: [], removeData: false });
      const pool = await cluster.members(desired.pool);
      const containers: Adoption[] = [];
      for (const name of context.args) {
        const container = desired.containers.find((one) => one.name === name);
        if (!container)
          throw usage(
            `Unable to adopt "${name}": the inventory has no such container.`,
            `It has: ${desired.containers.map((one) => one.name).join(', ')}.`,
          );
        const { id } = container;
        const { node } = await cluster.need(id);
        const config = await cluster.config(node, id);
        const marker = config && parseMarker(config.description);
        const guest = { id, inPool: pool.has(id), config };
        const isOurs = ownMarker(desired, guest) !== null;
        const signs = resemblance(desired, container, guest);
        const unable = `Unable to adopt CT ${id} on ${node} as ${name}`;
        if (marker && !isOurs)
          throw new CliError(`${unable}: it has the marker of another one.`, {
            why: `It is ${marker.container} (CT ${marker.id}) of the appliance ${marker.appliance}, site ${marker.site}.`,
            fix: 'Take the line out of its note, if that is not so.',
          });
        if (signs.length < ENOUGH_RESEMBLANCE)
          throw new CliError(`${unable}: it is not like it.`, {
            why: `Of name, address, tag and pool only this is as in the inventory: ${signs.join(', ') || 'nothing'}.`,
            fix: 'If it is the one all the same, set those in Proxmox and run this again.',
          });
        const { description, digest } = config!;
        containers.push({ name, id, node, signs, note: description.trim(), isOurs, digest });
      }
      return { data: { site: site.site.name, containers }, carry: null };
    });
  },

  confirm({ data: { containers } }) {
    const lost = containers.filter(({ isOurs }) => !isOurs);
    if (lost.length === 0) return null;
    const list = lost.map(
      ({ name, id, node, signs }) => `${name} (CT ${id} on ${node}): ${signs.join(', ')}`,
    );
    return `${list.join('\n')}\nTake ${plural(lost.length, 'container')} into psactl's hands, to change and to remove?`;
  },
  renderPlan: (data) => listed(data, 'would get its marker'),

  async apply({ data }, context) {
    const { withSite } = await import('../site/site.ts');
    const { Cluster } = await import('../site/cluster.ts');
    const { desire } = await import('../apply/desire.ts');
    return withSite(context, (site) =>
      site.folder.locked('psactl adopt', async () => {
        const desired = await desire(site, { recreate: [], removeData: false });
        await giveBack(new Cluster(site, context.signal), desired, data.containers);
        return data;
      }),
    );
  },
  render: (data) =>
    `${listed(data, 'has its marker again')}"psactl plan" shows what is to be done to them.\n`,
});

/** Writes the markers that were lost, each into the configuration that was shown and into no other. */
export async function giveBack(
  cluster: Pick<Cluster, 'need' | 'config' | 'write'>,
  desired: Pick<Desired, 'containers'>,
  adoptions: readonly Adoption[],
): Promise<void> {
  const { withMarker } = await import('@psa/appliance/plan/marker');
  const { apiPath } = await import('@psa/proxmox/client/encode');
  for (const { id, digest } of adoptions.filter(({ isOurs }) => !isOurs)) {
    const { marker } = desired.containers.find((one) => one.id === id)!;
    const { node } = await cluster.need(id);
    const config = await cluster.config(node, id);
    if (config?.digest !== digest)
      throw new CliError(`Unable to adopt CT ${id} on ${node}: it has changed since it was shown.`, {
        fix: 'Run it again and look at it anew.',
      });
    await cluster.write('PUT', apiPath`/nodes/${node}/lxc/${id}/config`, {
      ...{ description: withMarker(config.description, marker), digest },
    });
  }
}

const listed = ({ containers }: Adoptions, what: string) =>
  table(
    containers.map(({ name, id, node, signs, isOurs }) => [
      `${name} (CT ${id})`,
      node,
      isOurs ? 'has its marker' : what,
      signs.join(', '),
    ]),
  );
