import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { when } from '../../backup/backup-text.ts';
import { type Context, define } from '../../command.ts';
import { recoveryError } from '../../recovery-error.ts';
import type { ConfigPlan, ConfigRestored } from '../../restore/config.ts';
import type { SiteOptions } from '../../site/site.ts';

interface Options extends SiteOptions {
  readonly to: string;
}
type Carry = {
  readonly manifest: import('@psa/recovery/manifest').SiteManifest;
  readonly identity: string | null;
};

export const restoreConfigCommand = define<Options, ConfigPlan, Carry, { readonly data: ConfigRestored }>({
  summary: 'Unpacks configurations, secrets, definitions of RabbitMQ or releases of a backup into a folder',
  description: `
Never over what is there: what goes where is a person's to say, and WHERE.txt of the secrets names their places. By the file
of an artefact it needs no cluster and no inventory, for those may be what is lost; the key that opens it stands in
PSA_BACKUP_KEY. Definitions go back with "rabbitmqctl import_definitions".`,
  args: [
    { name: 'backup', description: 'a file, an id of "psactl backup list", or a run with only one of them' },
  ],
  options: [{ flags: '--to <folder>', description: 'empty, or not there', required: true }],
  examples: [
    {
      run: 'psactl restore config configs-20261130T020000Z-3f9a2c --to looked-into --site lab --yes',
      note: 'all configurations of that night',
    },
  ],
  resume: 'Run it again: nothing was put into the folder.',

  async plan(context) {
    const { args, io, options } = context;
    const { manifestOfFile, planConfig } = await import('../../restore/config.ts');
    const to = resolve(io.cwd, options.to);
    const file = resolve(io.cwd, args[0]!);
    try {
      if (existsSync(file)) {
        const identity = io.env.PSA_BACKUP_KEY
          ? await keyIn(io.env.PSA_BACKUP_KEY)
          : await keyOfSite(context);
        const manifest = await manifestOfFile(file);
        return { data: await planConfig(file, manifest, to, identity), carry: { manifest, identity } };
      }
      const { withSite } = await import('../../site/site.ts');
      const { Cluster } = await import('../../site/cluster.ts');
      const { choose } = await import('../../restore/choose.ts');
      const { UNPACKED } = await import('../../restore/config.ts');
      const { identityOf } = await import('../../backup/recipients.ts');
      return await withSite(context, async (site) => {
        const { backup, manifest } = await choose(new Cluster(site, context.signal), args[0]!, UNPACKED);
        const identity = await identityOf(site, io.env);
        return { data: await planConfig(backup.file, manifest, to, identity), carry: { manifest, identity } };
      });
    } catch (error) {
      throw recoveryError(error);
    }
  },
  renderPlan: ({ backup, at, site, to }) => `Would unpack ${backup} of ${site} (${when(at)}) to ${to}.\n`,
  async apply({ data, carry }) {
    const { restoreConfig } = await import('../../restore/config.ts');
    try {
      return { data: await restoreConfig(data, carry.manifest, carry.identity) };
    } catch (error) {
      throw recoveryError(error);
    }
  },
  render: ({ data: { to, backup, at, names } }) =>
    `${to} holds ${backup}, the state of ${at}: ${names.join(', ')}\n`,
});

async function keyIn(file: string): Promise<string | null> {
  const { readBackupKey } = await import('@psa/recovery/key-file');
  return (await readBackupKey(file))?.identity ?? null;
}

/** The inventory's key, where there is an inventory. */
async function keyOfSite(context: Context<Options>): Promise<string | null> {
  const { readSite } = await import('../../site/site.ts');
  const { identityOf } = await import('../../backup/recipients.ts');
  const site = await readSite(context).catch(() => null);
  return site && identityOf(site, context.io.env);
}
