import type { SiteOptions } from '../appliance/site.ts';
import { define } from '../command.ts';
import type { Finding } from '../doctor/findings.ts';
import { plural, table } from '../text.ts';

interface Diagnosis {
  readonly site: string;
  readonly findings: readonly Finding[];
  readonly failed: number;
  readonly warnings: number;
}

export const doctor = define<SiteOptions, Diagnosis, null, Diagnosis>({
  summary: 'Examines a cluster: is it fit for the appliance?',
  description: `
Looks at quorum, versions, the permissions of the API token, storages, bridges, clocks, ssh, templates and names, and
says how to mend each finding. Changes nothing. Exit code 1 when something must be mended.`,
  examples: [
    { run: 'psactl doctor --site lab', note: 'every finding with what to do' },
    { run: 'psactl doctor --site lab --json', note: 'for a monitor' },
  ],
  async plan(context) {
    const { withSite } = await import('../appliance/site.ts');
    const { examine } = await import('../doctor/examine.ts');
    const data = await withSite(context, async (site): Promise<Diagnosis> => {
      const findings = await examine(site, context.signal, context.progress);
      const count = (result: Finding['result']) => findings.filter((one) => one.result === result).length;
      return { site: site.site.name, findings, failed: count('failed'), warnings: count('warning') };
    });
    return { data, carry: null };
  },
  render({ site, findings, failed, warnings }) {
    const bad = findings.filter((one) => one.fix !== null);
    const good = findings.filter((one) => one.fix === null);
    return [
      table(good.map((one) => ['  ok', one.what, one.detail])),
      ...bad.map(
        (one) =>
          `  ${one.result === 'failed' ? 'FAILED' : 'note'}  ${one.what}: ${one.detail}\n          fix: ${one.fix}\n`,
      ),
      failed === 0
        ? `${site} is fit for the appliance${warnings > 0 ? `, with ${plural(warnings, 'note')}` : ''}.\n`
        : `${site} is not fit yet: ${plural(failed, 'finding')} to mend.\n`,
    ].join('');
  },
  outcome: ({ failed }) => (failed === 0 ? 'done' : 'failed'),
});
