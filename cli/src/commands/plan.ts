import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Plan } from '@psa/appliance/plan/step';
import { diffPfsense, type FirewallDifference } from '@psa/appliance/render/pfsense-diff';
import { planSite } from '../apply/apply.ts';
import { PLAN_OPTIONS, type PlanOptions, wishOf } from '../apply/plan-options.ts';
import { planText } from '../apply/plan-text.ts';
import { define } from '../command.ts';
import { CliError } from '../errors.ts';
import { type SiteOptions, withSite } from '../site/site.ts';

interface Options extends SiteOptions, PlanOptions {
  detailedExitcode?: boolean;
  pfsense?: string;
}

interface Result extends Plan {
  readonly site: string;
  /** Where the firewall is not as the inventory says; null: its config.xml was not given. */
  readonly firewall: readonly FirewallDifference[] | null;
}

export const planCommand = define<Options, Result, null, Result>({
  summary: 'Shows what apply would do to bring the cluster to what the inventory says',
  description: `
Looks at the containers, what is in them, their place in HA, releases and the health of the data. Changes nothing.
The firewall and DNS are rendered, not applied: with --pfsense the plan shows where a config.xml differs.`,
  options: [
    ...PLAN_OPTIONS,
    { flags: '--detailed-exitcode', description: 'end with 2 when there is something to do' },
    { flags: '--pfsense <file>', description: 'also compare this config.xml of the firewall' },
  ],
  examples: [
    { run: 'psactl plan', note: 'what is to be done on the first site of ./appliance.yaml' },
    {
      run: 'psactl plan --site lab --json --detailed-exitcode',
      note: 'for scripts: exit code 2, steps as JSON',
    },
    { run: 'psactl plan --pfsense config.xml', note: 'with the differences of the firewall' },
  ],

  async plan(context) {
    const { options, io } = context;
    // First: a misspelt name is no reason to ask the cluster.
    const xml = options.pfsense === undefined ? null : await readConfig(resolve(io.cwd, options.pfsense));
    return withSite(context, async (site) => {
      const firewall = xml === null ? null : firewallOf(xml, site);
      const { plan } = await planSite(site, wishOf(options, site), context);
      return { data: { site: site.site.name, ...plan, firewall }, carry: null };
    });
  },

  outcome: ({ steps, problems }, { detailedExitcode }) =>
    problems.length > 0 ? 'failed' : detailedExitcode && steps.length > 0 ? 'changes' : 'done',

  render: (result) => `${planText(result)}${firewallText(result.firewall)}`,
});

const readConfig = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((cause: Error) => {
    throw new CliError(`Unable to read the firewall's ${file}.`, {
      outcome: 'usage',
      why: cause.message,
      fix: 'Give a config.xml, as Diagnostics > Backup & Restore downloads it.',
      cause,
    });
  });

function firewallOf(
  xml: string,
  { inventory, site }: Parameters<typeof wishOf>[1],
): readonly FirewallDifference[] {
  try {
    return diffPfsense(xml, inventory, site);
  } catch (cause) {
    throw new CliError('Unable to compare the firewall.', {
      why: (cause as Error).message,
      fix: 'Give a whole config.xml, as Diagnostics > Backup & Restore downloads it.',
      cause,
    });
  }
}

function firewallText(firewall: Result['firewall']): string {
  if (firewall === null)
    return '\nThe firewall and DNS are rendered, not applied: give its config.xml with --pfsense to compare.\n';
  if (firewall.length === 0) return '\nThe firewall is as the inventory says.\n';
  const lines = firewall.map(
    ({ kind, section, name, wanted, found }) =>
      `firewall  ${kind} ${section} ${name}${found || wanted ? `: ${found ?? 'none'} → ${wanted ?? 'none'}` : ''}\n`,
  );
  return `\n${lines.join('')}`;
}
