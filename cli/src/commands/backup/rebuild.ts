import { size } from '../../backup/backup-text.ts';
import type { Orphan } from '../../backup/catalogue.ts';
import type { Rebuilt } from '../../backup/rebuild.ts';
import { define } from '../../command.ts';
import type { SiteOptions } from '../../site/site.ts';
import { plural, table } from '../../text.ts';

interface Planned {
  readonly orphans: readonly { readonly id: string; readonly volume: string; readonly bytes: number }[];
}

export const backupRebuild = define<
  SiteOptions,
  Planned,
  readonly Orphan[],
  { readonly data: readonly Rebuilt[] }
>({
  summary: 'Writes the manifests anew of archives that have none',
  description: `
The catalogue is what stands beside the backups, read anew each time; so there is nothing else to mend in it. Archives of
containers are on the storages of the cluster: where their folder was lost, or a run was killed before it could describe
them, they are found by their notes, read to their last byte, and described.`,
  examples: [{ run: 'psactl backup catalogue rebuild --site lab', note: 'what a killed run has left' }],
  resume: 'Run it again: what it has described stays.',
  async plan(context) {
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { readCatalogue } = await import('../../backup/catalogue.ts');
    const { orphansOf } = await import('../../backup/rebuild.ts');
    return withSite(context, async (site) => {
      const catalogue = await readCatalogue(new Cluster(site, context.signal));
      return { data: { orphans: orphansOf(catalogue) }, carry: catalogue.orphans };
    });
  },
  renderPlan: ({ orphans }) =>
    orphans.length === 0
      ? 'Every archive has its manifest.\n'
      : table(orphans.map(({ id, volume, bytes }) => ['read', id, volume, size(bytes)])),
  async apply({ carry }, context) {
    if (carry.length === 0) return { data: [] };
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { withClusterLock } = await import('../../site/cluster-lock.ts');
    const { BACKUP_LOCK } = await import('../../backup/run-backup.ts');
    const { rebuildOne } = await import('../../backup/rebuild.ts');
    const { progress, signal } = context;
    return withSite(context, (site) =>
      withClusterLock(
        site,
        { name: BACKUP_LOCK, what: 'psactl backup catalogue rebuild', signal },
        async (held) => {
          const data: Rebuilt[] = [];
          progress.start('Read archives', carry.length);
          for (const orphan of carry) {
            data.push(await rebuildOne(new Cluster(site, held), orphan));
            progress.advance();
          }
          return { data };
        },
      ),
    );
  },
  render: ({ data }) =>
    `${table(data.map(({ id, why }) => [why === null ? 'described' : 'BAD', id, why ?? '']))}${plural(
      data.filter(({ why }) => why === null).length,
      'manifest',
    )} written.\n`,
  outcome: ({ data }) => (data.some(({ why }) => why !== null) ? 'partial' : 'done'),
});
