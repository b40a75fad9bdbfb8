import { resolve } from 'node:path';
import {
  type DrillOutcome,
  type DrillRecord,
  type MeasuredRto,
  measuredRto,
  outcomeOf,
} from '@psa/recovery/drill';
import { define } from '../../command.ts';
import { renderDrill } from '../../drill/drill-text.ts';
import { CliError } from '../../errors.ts';
import type { SiteOptions } from '../../site/site.ts';

interface Options extends SiteOptions {
  readonly html?: string;
  readonly dryRun?: boolean;
}

/** A drill's report. */
interface Report {
  readonly data: DrillRecord & {
    readonly outcome: DrillOutcome;
    /** Measured times to be back, beside the inventory's targets. */
    readonly rto: readonly MeasuredRto[];
  };
  /** Where the page was written; null: none was asked for. */
  readonly html: string | null;
}

export const drillReport = define<Options, Report, null, Report>({
  summary: 'Shows what came of a drill: times, what was compared, what is proven',
  description: `
Of the newest drill that this machine has run, or of the one that is named; it needs no cluster. One that was killed stands
there with what it had found, and did not end. With --html it is written as one page, too, that asks nobody for anything.
Ends as the drill did: with 1 when something did not restore or the drill did not end, with 3 when something could not be
tried or it still runs.`,
  args: [{ name: 'drill', description: 'its id, as "psactl drill run" says it', required: false }],
  options: [{ flags: '--html <file>', description: 'write it as a page into this file' }],
  examples: [
    { run: 'psactl drill report --site lab', note: 'the newest' },
    { run: 'psactl drill report --site lab --html drill.html', note: 'as a page' },
  ],
  async plan({ args, io, options }) {
    const { readSite } = await import('../../site/site.ts');
    const { readDrill } = await import('../../drill/journal.ts');
    const { folder } = await readSite({ options, io });
    const { record, isRunning } = await readDrill(folder, args[0] ?? null);
    const data = { ...record, outcome: outcomeOf(record, isRunning), rto: measuredRto(record) };
    if (options.html === undefined || options.dryRun) return { data: { data, html: null }, carry: null };
    const { drillHtml } = await import('../../drill/report-html.ts');
    const { writeWhole } = await import('../../site/folder.ts');
    const html = resolve(io.cwd, options.html);
    await writeWhole(html, drillHtml(record, isRunning, Date.now()), 0o644).catch((error: Error) => {
      throw new CliError(`Unable to write the report to ${html}.`, {
        why: error.message,
        fix: 'Name a file in a folder that is there: --html drill.html',
      });
    });
    return { data: { data, html }, carry: null };
  },
  render: ({ data, html }) => {
    const text = renderDrill(data, data.outcome === 'running', Date.now());
    return html === null ? text : `${text}Written to ${html}.\n`;
  },
  outcome: ({ data: { outcome } }) => {
    if (outcome === 'passed') return 'done';
    return outcome === 'failed' || outcome === 'cut short' ? 'failed' : 'partial';
  },
});
