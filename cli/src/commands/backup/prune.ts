import { resolve } from 'node:path';
import { KEEP_OPTIONS, type KeepOption, type RetentionPolicy } from '@psa/recovery/policy';
import type { Catalogued } from '../../backup/catalogue.ts';
import type { PrunedStore } from '../../backup/prune-site.ts';
import { type Context, define } from '../../command.ts';
import { CliError, usage } from '../../errors.ts';
import { namedFolder, readBackups, recoveryError } from '../../recovery-error.ts';
import type { SiteOptions } from '../../site/site.ts';
import { plural, table } from '../../text.ts';

interface Options extends SiteOptions, Readonly<Partial<Record<`keep${string}`, number>>> {
  readonly from?: string;
  readonly policy?: 'bduf' | 'safe';
  readonly zone?: string;
}

interface Pruned {
  /** Of one folder with --from; else of each folder of the site. */
  readonly data: PrunedStore & { readonly stores: readonly PrunedStore[] };
}

/** What goes: files of a folder, or backups of a site. */
type Gone =
  | { readonly folder: readonly { readonly id: string; readonly file: string }[] }
  | { readonly site: readonly Catalogued[] };

const count = (text: string) => {
  if (!/^\d{1,6}$/.test(text)) throw new Error('write a whole number from 0');
  return Number(text);
};
/** `--keep-last <n>`, as commander names it: `keepLast`. */
const keyOf = (option: KeepOption) => option.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
const goneOf = (carry: Gone) => ('site' in carry ? carry.site : carry.folder);

export const backupPrune = define<Options, Pruned, Gone, Pruned>({
  summary: 'Removes the backups that the policy does not keep',
  description: `
Of a site: as "backup" in its inventory says, each part among its like, archives on the storages included. Dumps before a
deploy, and what restores have saved from being overwritten, stay as many as releases do.

Of a folder, with --from: the policy is the BDUF's unless told: the newest backup of each of seven days, of four Sundays, and
of twelve first Sundays of a month. "safe" is thirty days, twelve Sundays, twelve first Sundays. Or Proxmox VE's own options,
which mean here what they mean there. Always kept: protected ones, the newest good one, the newest proven one, and what is
dated in the future.`,
  options: [
    {
      flags: '--from <folder>',
      description: 'a folder of backups of the platform in one process',
      parse: namedFolder,
    },
    {
      flags: '--policy <name>',
      description: '--from: grandfather, father and son',
      choices: ['bduf', 'safe'],
    },
    {
      flags: '--zone <name>',
      description: "--from: whose days count, such as Europe/Berlin; this machine's own",
    },
    ...KEEP_OPTIONS.map((option) => ({
      flags: `--${option} <n>`,
      description: `--from, in place of a policy: ${option.slice('keep-'.length)}`,
      parse: count,
    })),
  ],
  withoutSite: 'psactl backup prune --from FOLDER',
  examples: [
    { run: 'psactl backup prune --site lab --dry-run', note: 'what stays, and why' },
    {
      run: 'psactl backup prune --from backups --keep-last 3 --keep-weekly 8 --yes',
      note: "a folder, by Proxmox VE's options",
    },
  ],
  resume: 'Run it again: it ends what was begun.',

  async plan(context) {
    const { options } = context;
    const keeps = KEEP_OPTIONS.flatMap((option) => {
      const value = options[keyOf(option) as `keep${string}`];
      return value === undefined ? [] : [[option, value] as const];
    });
    if (options.from === undefined) {
      if (keeps.length > 0 || options.policy !== undefined || options.zone !== undefined)
        throw usage(
          'Unable to prune a site by another policy than its own.',
          'Write it into the inventory (backup.tiers, backup.keep, backup.zone), or name a folder with --from.',
        );
      return planSite(context);
    }
    if (keeps.length > 0 && options.policy)
      throw usage('Unable to prune by two policies at once.', 'Leave out --policy, or the --keep options.');
    const { BDUF_TIERS, SAFE_TIERS } = await import('@psa/recovery/policy');
    const { decideSeries } = await import('@psa/recovery/series-retention');
    const { retained } = await import('@psa/recovery/shelf');
    const zone = options.zone ?? Temporal.Now.timeZoneId();
    const policy: RetentionPolicy =
      keeps.length > 0
        ? { zone, ...Object.fromEntries(keeps) }
        : { zone, tiers: options.policy === 'safe' ? SAFE_TIERS : BDUF_TIERS };
    const folder = resolve(context.io.cwd, options.from);
    const all = (await readBackups(folder)).filter(({ kind }) => kind === 'embedded');
    try {
      const list = all.map((one) => ({ ...retained(one), series: one.series, tier: one.tier }));
      const decided: PrunedStore = { folder, policy, ...decideSeries(list, policy, Date.now()) };
      const gone = new Set(decided.remove.map(({ id }) => id));
      const data = { data: { ...decided, stores: [decided] } };
      return { data, carry: { folder: all.filter(({ id }) => gone.has(id)) } };
    } catch (error) {
      if ((error as Error).name === 'PolicyError') throw usage((error as Error).message);
      throw error;
    }
  },
  confirm: ({ carry }) => {
    const gone = goneOf(carry);
    return gone.length === 0 ? null : `Remove ${plural(gone.length, 'backup')}?`;
  },
  renderPlan: ({ data: { stores } }) =>
    stores
      .map(({ folder, keep, remove }) => {
        const rows = table([
          ...keep.map(({ id, reasons }) => ['keep', id, reasons.join(', ')]),
          ...remove.map(({ id, reason }) => ['remove', id, reason]),
        ]);
        return `${stores.length > 1 ? `${folder}\n` : ''}${rows || 'There is none.\n'}`;
      })
      .join('\n'),

  async apply({ data, carry }, context) {
    const { progress, signal } = context;
    if ('folder' in carry) {
      const { removeBackup } = await import('@psa/recovery/shelf');
      for (const one of carry.folder) {
        progress.start(one.id);
        await removeBackup(one);
      }
      return data;
    }
    if (carry.site.length === 0) return data;
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { DRILL_LOCK, PRUNE_LOCK, withClusterLock } = await import('../../site/cluster-lock.ts');
    const { BACKUP_LOCK } = await import('../../backup/run-backup.ts');
    const { removeCatalogued } = await import('../../backup/prune-site.ts');
    const what = 'psactl backup prune';
    return withSite(context, (site) =>
      // What a drill reads must not go, and what another run makes must not be judged half-made.
      withClusterLock(site, { name: PRUNE_LOCK, what, signal }, (alone) =>
        withClusterLock(site, { name: DRILL_LOCK, what, signal: alone }, (noDrill) =>
          withClusterLock(site, { name: BACKUP_LOCK, what, signal: noDrill }, async (held) => {
            // Somebody may have protected one since, or taken away what made another one superfluous.
            const now = await planSite(context);
            const still = new Set(goneOf(now.carry).map(({ id }) => id));
            if (carry.site.some(({ id }) => !still.has(id)))
              throw new CliError('Unable to prune: the backups are others than when this was planned.', {
                fix: 'Run it again, and look at what it would remove.',
              });
            for (const one of carry.site) {
              progress.start(one.id);
              await removeCatalogued(new Cluster(site, held), one);
            }
            return data;
          }),
        ),
      ),
    );
  },
  render: ({ data: { keep, remove } }) =>
    `${plural(remove.length, 'backup')} removed, ${keep.length} kept.\n`,
});

async function planSite(context: Context<Options>) {
  const { withSite } = await import('../../site/site.ts');
  const { Cluster } = await import('../../site/cluster.ts');
  const { readCatalogue } = await import('../../backup/catalogue.ts');
  const { siteNameOf } = await import('../../site/generations.ts');
  const { decidePrune } = await import('../../backup/prune-site.ts');
  return withSite(context, async (site) => {
    const cluster = new Cluster(site, context.signal);
    const catalogue = await readCatalogue(cluster);
    const { keep: deploys } = site.inventory.releases;
    try {
      const stores = decidePrune(cluster, catalogue, deploys, siteNameOf(site), Date.now());
      const gone = new Set(stores.flatMap(({ remove }) => remove.map(({ id }) => id)));
      const all = {
        ...{ folder: stores[0]!.folder, policy: stores[0]!.policy },
        keep: stores.flatMap(({ keep }) => keep),
        remove: stores.flatMap(({ remove }) => remove),
      };
      return {
        data: { data: { ...all, stores } },
        carry: { site: catalogue.backups.filter(({ id }) => gone.has(id)) } as Gone,
      };
    } catch (error) {
      throw recoveryError(error);
    }
  });
}
