import { resolve } from 'node:path';
import type { BackupSummary } from '@psa/recovery/summary';
import type { Api } from '../../api/client.ts';
import { isUnauthorised } from '../../api/errors.ts';
import { define } from '../../command.ts';
import { namedFolder, readBackups } from '../../recovery-error.ts';
import type { SiteOptions } from '../../site/site.ts';
import { plural } from '../../text.ts';
import type { Watch } from '../../watch/watch-site.ts';

interface Options extends SiteOptions {
  readonly from?: string;
  readonly out?: string;
  readonly report?: boolean;
}

interface Metrics {
  readonly data: BackupSummary & {
    /** Where the figures were written; null: nowhere. */
    readonly file: string | null;
    /** The figures themselves; null: they are in the file. */
    readonly text: string | null;
    /** Whether the platform was told. */
    readonly reported: boolean;
    /** What could not be asked: nothing is said of it. */
    readonly unasked: readonly string[];
  };
}

interface Carried {
  readonly text: string;
  readonly summary: BackupSummary;
}

export const backupMetrics = define<Options, Metrics, Carried, Metrics>({
  summary: 'Tells Prometheus how old the backups are, which are proven, and what is wrong with them',
  description: `
In the text format, with moments in place of ages. With --out into a file for the collector of text files of
prometheus-node-exporter, in one step; when the cluster cannot be asked the file stays as it was, and its own moment tells
how old it is. With --report the platform is told, too, which shows it to administrators under Settings → Backups: signed in as
ever (PSA_API_KEY, or psactl login), and when it is not, that is said and no failure. What is wrong is part of the figures and no failure of this command. Nothing is changed on the site.`,
  options: [
    { flags: '--out <file>', description: 'write it there, as …/node-exporter/psa_backup.prom' },
    { flags: '--report', description: 'tell the platform, too: its administrators see it' },
    {
      flags: '--from <folder>',
      description: 'of a folder of backups of the platform in one process',
      parse: namedFolder,
    },
  ],
  withoutSite: 'psactl backup metrics --from FOLDER',
  examples: [
    { run: 'psactl backup metrics --site lab', note: 'onto the terminal' },
    { run: 'psactl backup metrics --from backups --out psa_backup.prom', note: 'of one folder, into a file' },
  ],
  async plan(context) {
    const { options, io, signal } = context;
    const { metricsText } = await import('@psa/recovery/metrics-text');
    const { watchFolder, watchSite } = await import('../../watch/watch-site.ts');
    let watch: Watch;
    if (options.from !== undefined) {
      const folder = resolve(io.cwd, options.from);
      watch = await watchFolder(folder, await readBackups(folder), Date.now());
    } else {
      const { withSite } = await import('../../site/site.ts');
      const { Cluster } = await import('../../site/cluster.ts');
      watch = await withSite(context, (site) => watchSite(new Cluster(site, signal), io, Date.now()));
    }
    const { summary, backups, rooms, unasked } = watch;
    const file = options.out === undefined ? null : resolve(io.cwd, options.out);
    return {
      data: { data: { ...summary, file, text: null, reported: false, unasked } },
      carry: { text: metricsText(summary, backups, rooms), summary },
    };
  },
  renderPlan: ({ data: { file, findings } }) =>
    `Would write ${file ?? 'nothing'}. ${plural(findings.length, 'finding')}.\n`,

  async apply({ data, carry: { text, summary } }, { progress, options, api }) {
    const { file, unasked } = data.data;
    for (const one of unasked) progress.note(one);
    if (file !== null) {
      const { writeInOneStep } = await import('../../watch/one-step.ts');
      await writeInOneStep(file, text);
    }
    const reported = options.report ? await report(api, summary, (why) => progress.note(why)) : false;
    return { data: { ...data.data, text: file === null ? text : null, reported } };
  },
  render: ({ data: { text, file } }) => text ?? `${file}\n`,
});

/** Tells the platform. @returns whether it was told: nobody may be signed in to it here */
async function report(api: Api, summary: BackupSummary, note: (why: string) => void): Promise<boolean> {
  const { reportOf } = await import('../../watch/report.ts');
  const request = { action: 'report the backups', body: reportOf(summary) };
  try {
    await api.post('/api/v1/backups', request);
    return true;
  } catch (error) {
    if (!isUnauthorised(error) || api.authority.source !== null) throw error;
    note(
      'The platform was not told of the backups: nobody is signed in to it here (PSA_API_KEY, or psactl login).',
    );
    return false;
  }
}
