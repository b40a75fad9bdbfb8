import type { Manifest } from '@psa/recovery/manifest';
import type { Proof } from '@psa/recovery/proof';
import type { BackupState } from '@psa/recovery/shelf';
import { define } from '../../command.ts';
import { refuseArchives } from '../../recovery-error.ts';
import type { SiteOptions } from '../../site/site.ts';

interface Shown {
  readonly data: readonly {
    readonly id: string;
    readonly state: BackupState;
    readonly file: string;
    readonly protected: boolean;
    readonly proof: Proof | null;
    readonly failure: Proof | null;
    readonly manifest: Manifest | null;
  }[];
}

export const backupShow = define<SiteOptions, Shown, null, Shown>({
  summary: 'Shows all that is known of a backup of a site, or of all of a run',
  args: [{ name: 'backup', description: 'an id of "psactl backup list", or a run' }],
  examples: [{ run: 'psactl backup show database-20261130T020000Z-3f9a2c --site lab', note: 'its manifest' }],
  async plan(context) {
    await refuseArchives(
      context.args,
      'show',
      (file) =>
        `Its manifest is ${file}.json; "psactl backup list --from FOLDER" shows whether it is proven.`,
    );
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { named, readCatalogue } = await import('../../backup/catalogue.ts');
    return withSite(context, async (site) => {
      const found = named(await readCatalogue(new Cluster(site, context.signal)), context.args);
      const data = found.map(({ id, state, file, protected: isProtected, proof, failure, manifest }) => ({
        ...{ id, state, file, protected: isProtected, proof, failure, manifest },
      }));
      return { data: { data }, carry: null };
    });
  },
  render: ({ data }) =>
    data
      .map(({ id, state, file, protected: isProtected, proof, failure, manifest }) => {
        const proven = proof
          ? `proven by restoring at ${proof.at}`
          : failure
            ? `DID NOT RESTORE at ${failure.at} (${failure.why})`
            : 'never restored';
        return `${id}: ${state}, ${proven}${isProtected ? ', protected' : ''}
${file}
${manifest ? JSON.stringify(manifest, null, 2) : 'It has no manifest that can be read.'}
`;
      })
      .join('\n'),
});
