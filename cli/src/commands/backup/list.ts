import { resolve } from 'node:path';
import type { ShelvedBackup } from '@psa/recovery/shelf';
import { provenText, size, when } from '../../backup/backup-text.ts';
import { type FiledKeyState, keyText, siteKeyState } from '../../backup/key-state.ts';
import { define } from '../../command.ts';
import { namedFolder, readBackups } from '../../recovery-error.ts';
import type { SiteOptions } from '../../site/site.ts';
import { table } from '../../text.ts';

interface Options extends SiteOptions {
  readonly from?: string;
}

/** A backup as it is listed; its manifest is shown by `backup show`. */
type Listed = Omit<ShelvedBackup, 'manifest'> & {
  /** Where its archive is, when that is on a storage of the cluster. */
  readonly volume: string | null;
};
interface Shown {
  readonly data: readonly Listed[];
  /** Archives on storages that no manifest describes. */
  readonly orphans: readonly { readonly id: string; readonly volume: string; readonly bytes: number }[];
  /** Storages that could not be asked. */
  readonly unasked: readonly string[];
  /** The key of what is encrypted, and where it is looked for; null: nothing is. */
  readonly key: FiledKeyState | null;
}

const listed = ({ manifest: _, ...one }: ShelvedBackup, volume: string | null): Listed => ({
  ...one,
  volume,
});

export const backupList = define<Options, Shown, null, Shown>({
  summary: 'Lists the backups of a site or of a folder, and which of them are proven by restoring',
  description: `
From what stands beside each of them and what the storages list, without reading them: a partial one is never shown as good.
"psactl backup verify" reads them to their last byte, with --deep it restores them; "psactl drill run" restores those of a
site. PROVEN says how long ago one was restored last and was right, or that it was not. Of a site, as its inventory says; with
--from, of one folder, without asking any cluster.`,
  options: [
    { flags: '--from <folder>', description: 'where "psactl backup run" put them', parse: namedFolder },
  ],
  withoutSite: 'psactl backup list --from FOLDER',
  examples: [
    { run: 'psactl backup list --site lab', note: 'the newest first' },
    { run: 'psactl backup list --from backups', note: 'of the platform in one process' },
  ],
  async plan(context) {
    const { options, io, signal } = context;
    if (options.from !== undefined) {
      const all = await readBackups(resolve(io.cwd, options.from));
      return {
        data: { data: all.map((one) => listed(one, null)), orphans: [], unasked: [], key: null },
        carry: null,
      };
    }
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { orphanId, readCatalogue } = await import('../../backup/catalogue.ts');
    return withSite(context, async (site) => {
      const { backups, orphans, unasked } = await readCatalogue(new Cluster(site, signal));
      const data = {
        data: backups.map(({ store: _, volume, ...one }) => listed(one, volume?.volid ?? null)),
        orphans: orphans.map((one) => ({ id: orphanId(one), volume: one.volid, bytes: one.size })),
        unasked,
        key: await siteKeyState(site, backups, io),
      };
      return { data, carry: null };
    });
  },
  render: ({ data, orphans, unasked, key }) => {
    const now = Date.now();
    const rows = data.map(({ id, at, tier, bytes, state, proof, failure, protected: isProtected }) => [
      ...[id, when(at), tier ?? '', size(bytes), state],
      ...[provenText({ proof, failure }, now), isProtected ? 'protected' : ''],
    ]);
    const list =
      rows.length === 0
        ? 'There is none.\n'
        : table([['BACKUP', 'OF', 'FOR', 'SIZE', 'STATE', 'PROVEN', ''], ...rows]);
    const left = orphans.map(
      ({ id, volume }) => `${volume} has no manifest (${id}): psactl backup catalogue rebuild\n`,
    );
    return `${list}${left.join('')}${unasked.map((one) => `${one} does not answer.\n`).join('')}${keyText(key, now)}`;
  },
});
