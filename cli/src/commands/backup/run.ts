import { BACKUP_ITEMS, type BackupItem } from '@psa/appliance/inventory/operations-schema';
import { renderParts, renderRun } from '../../backup/backup-text.ts';
import {
  type EmbeddedDone,
  type EmbeddedPlan,
  planEmbedded,
  renderEmbedded,
  renderEmbeddedPlan,
  runEmbedded,
} from '../../backup/embedded-run.ts';
import { type Limits, limitsOf, limitsText } from '../../backup/limits.ts';
import type { RunResult } from '../../backup/run-backup.ts';
import { define } from '../../command.ts';
import { usage } from '../../errors.ts';
import { recoveryError } from '../../recovery-error.ts';
import type { SiteOptions } from '../../site/site.ts';

interface Options extends SiteOptions {
  readonly target: 'site' | 'embedded';
  readonly out?: string;
  readonly tier?: string;
  readonly only?: readonly BackupItem[];
  readonly due?: boolean;
}

/** What a run on a site would take. */
interface SitePlan {
  readonly site: string;
  readonly tier: string;
  readonly folder: string;
  readonly storage: string;
  readonly parts: readonly {
    readonly item: BackupItem;
    readonly name: string;
    readonly how: string;
    readonly skip: string | null;
  }[];
  readonly key_file: string;
  readonly new_key: boolean;
  readonly limits: Limits;
}

/** Nothing is to be done: the run that the schedule asks for was made. */
interface NotDue {
  readonly due: false;
  readonly site: string;
}

type Data =
  | { readonly target: 'none'; readonly plan: NotDue }
  | { readonly target: 'embedded'; readonly plan: EmbeddedPlan }
  | { readonly target: 'site'; readonly plan: SitePlan };
interface Done {
  readonly data: EmbeddedDone | RunResult | NotDue;
}

const items = (text: string): readonly BackupItem[] => {
  const names = text.split(',').map((name) => name.trim());
  const wrong = names.find((name) => !BACKUP_ITEMS.some((item) => item === name));
  if (wrong !== undefined) throw new Error(`there is no "${wrong}"; known are ${BACKUP_ITEMS.join(', ')}`);
  return names as BackupItem[];
};

const isRun = (data: Done['data']): data is RunResult => 'parts' in data;
const renderNotDue = ({ site }: NotDue) => `No backup of ${site} is due: its last run was made.\n`;

export const backupRun = define<Options, Data, null, Done>({
  summary: 'Backs the platform up, and reads the backup back',
  description: `
Of a site: containers (vzdump), PostgreSQL (all databases and roles, from a replica), Redis, the definitions of RabbitMQ,
configurations, releases, and psactl's secrets, as "backup" in the inventory says. Each part is read back before it has its
name, and has its manifest beside it; what failed or was left out is said, and the run ends with 3. One run at a time in a
cluster, from whatever machine.

With --target embedded, of the platform in one process ("npm start"): its database, files and keys in one archive,
compressed and encrypted with age. It may run meanwhile or not; its data folder is PSA_DATA_DIR, else ./.psa. The key that
opens it stands in PSA_BACKUP_KEY, else in ~/.config/psactl/backup.key. A key is made where there is none: keep a copy of it
elsewhere, for without it no backup can be opened.`,
  options: [
    {
      flags: '--target <target>',
      description: 'what is backed up',
      choices: ['site', 'embedded'],
      default: 'site',
    },
    { flags: '--out <folder>', description: 'embedded: where the backup goes' },
    {
      flags: '--tier <name>',
      description: 'site: the generation; "auto" takes that of the day',
      default: 'auto',
    },
    {
      flags: '--due',
      description: 'site: only when the last run of the schedule was not made; for timers',
    },
    { flags: '--only <items>', description: `site: some of ${BACKUP_ITEMS.join(',')}`, parse: items },
  ],
  withoutSite: 'psactl backup run --target embedded --out FOLDER',
  examples: [
    { run: 'psactl backup run --site lab', note: 'all of a site, for the generation of the day' },
    {
      run: 'psactl backup run --due --site lab',
      note: 'what a timer does: nothing when the last run was made',
    },
    { run: 'psactl backup run --site lab --only database,secrets --tier father', note: 'some of it' },
    {
      run: 'psactl backup run --target embedded --out backups',
      note: 'the platform of "npm start" in this folder',
    },
  ],
  resume: 'Run it again; nothing of what did not end counts as a backup.',

  async plan(context) {
    const { options, io, signal } = context;
    if (options.due && (options.target === 'embedded' || options.only || options.tier !== 'auto'))
      throw usage(
        'Unable to use --due: it stands for the run that the schedule of a site asks for, whole and of its day.',
        'Leave out --due, or --target, --tier and --only.',
      );
    if (options.target === 'embedded') {
      if (!options.out)
        throw usage('Unable to back up without a place to put it.', 'Name a folder: --out /mnt/nas/psa');
      return { data: { target: 'embedded', plan: await planEmbedded(io, options.out) }, carry: null };
    }
    if (options.out !== undefined)
      throw usage(
        'Unable to use --out: where the backups of a site go is said in its inventory (backup.tiers[].folder).',
        'Leave it out. For the platform in one process: --target embedded',
      );
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { generationOf, siteNameOf } = await import('../../site/generations.ts');
    const { planParts } = await import('../../backup/run-backup.ts');
    const { needMounted } = await import('../../site/mounts.ts');
    const { recipientsOf } = await import('../../backup/recipients.ts');
    return withSite(context, async (site) => {
      let tier = options.tier ?? 'auto';
      if (options.due) {
        const { runDue } = await import('../../watch/run-due.ts');
        const due = await runDue(new Cluster(site, signal), Date.now());
        if (due === null)
          return { data: { target: 'none', plan: { due: false, site: siteNameOf(site) } }, carry: null };
        // Begun after midnight, or in the morning after the power was back, it is still the generation's of its day.
        tier = due.tier.name;
      }
      const { name, folder, storage } = generationOf(site, tier, new Date());
      await needMounted(site, folder);
      const parts = await planParts(new Cluster(site, signal), options.only ?? null);
      const { key_file, new_key } = await recipientsOf(site).catch((error) => {
        throw recoveryError(error);
      });
      const shown = parts.map(({ item, name: part, how, skip }) => ({ item, name: part, how, skip }));
      const plan = {
        ...{ site: siteNameOf(site), tier: name, folder, storage, parts: shown, key_file, new_key },
        limits: limitsOf(site.inventory.backup),
      };
      return { data: { target: 'site', plan }, carry: null };
    });
  },
  renderPlan: (data) => {
    if (data.target === 'none') return renderNotDue(data.plan);
    if (data.target === 'embedded') return renderEmbeddedPlan(data.plan);
    const { site, tier, folder, storage, parts, key_file, new_key, limits } = data.plan;
    return `Would back up ${site} for the generation "${tier}": to ${folder}, containers to the storage ${storage}.
${renderParts(parts)}How: ${limitsText(limits)} (backup.limits).
${new_key ? `Would make a key in ${key_file}.\n` : ''}`;
  },

  async apply({ data }, context) {
    const { options, io, progress, signal } = context;
    if (data.target === 'none') return { data: data.plan };
    if (data.target === 'embedded') {
      const { platformVersion } = await import('../../platform-version.ts');
      const done = await runEmbedded(data.plan, platformVersion(), (step) => progress.start(step));
      return { data: done };
    }
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { generationOf } = await import('../../site/generations.ts');
    const { runBackup } = await import('../../backup/run-backup.ts');
    const { ensureRecipients } = await import('../../backup/recipients.ts');
    return withSite(context, async (site) => {
      try {
        const result = await runBackup(new Cluster(site, signal), {
          generation: generationOf(site, data.plan.tier, new Date()),
          ...{ recipients: await ensureRecipients(site), only: options.only ?? null },
          ...{ site: data.plan.site, progress, env: io.env },
        });
        return { data: result };
      } catch (error) {
        throw recoveryError(error);
      }
    });
  },
  render: ({ data }) => {
    if ('due' in data) return renderNotDue(data);
    return isRun(data) ? renderRun(data) : renderEmbedded(data);
  },
  outcome: ({ data }) => {
    if (!isRun(data) || data.complete) return 'done';
    return data.parts.some(({ outcome }) => outcome === 'good') ? 'partial' : 'failed';
  },
});
