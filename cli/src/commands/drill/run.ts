import type { DrillRecord } from '@psa/recovery/drill';
import { outcomeOf } from '@psa/recovery/drill';
import { define } from '../../command.ts';
import { renderDrill, renderDrillPlan } from '../../drill/drill-text.ts';
import { DRILL_ITEMS, type DrillItem, type DrillPlan, type DrillSettings } from '../../drill/run-drill.ts';
import { recoveryError, refuseArchives } from '../../recovery-error.ts';
import type { SiteOptions } from '../../site/site.ts';
import { plural } from '../../text.ts';

interface Options extends SiteOptions {
  readonly what?: readonly DrillItem[];
  readonly from?: readonly string[];
  readonly all?: boolean;
}

const items = (text: string): readonly DrillItem[] => {
  const names = text.split(',').map((name) => name.trim());
  const wrong = names.find((name) => !DRILL_ITEMS.some((item) => item === name));
  if (wrong !== undefined) throw new Error(`there is no "${wrong}"; known are ${DRILL_ITEMS.join(', ')}`);
  return names as DrillItem[];
};

export const drillRun = define<
  Options,
  DrillPlan,
  Pick<DrillSettings, 'chosen'>,
  { readonly data: DrillRecord }
>({
  summary: 'Restores backups of a site into isolation, compares, and writes down what is proven',
  description: `
Of each part the newest good backup; of containers one of each group, that whose turn it is, with --all every one. What is
restored stands beside everything, under ids of backup.drill.ids, in the VLAN backup.drill.vlan, with its cables out: that is
looked at before it is started. The database is loaded into a server of its own and given out again, and every row, index and
permission compared with the dump; with PSA_EMAIL and PSA_PASSWORD the release that runs is started in front of it, and who
they name signs in and sees tickets. PITR is brought to where the primary stood; Redis and RabbitMQ take theirs; configurations, secrets and releases are unpacked, and
every file read; a container is booted, and must come up as psactl had made it. All of it is taken away again, also what a
drill that was killed has left.

Beside each backup is written what came of it, and "psactl backup list" shows it; one that did not restore counts as unproven.
Ends with 0 when everything restored, with 1 when something did not, with 3 when something could not be tried. One drill at a
time in a cluster; none while backups are pruned.`,
  options: [
    { flags: '--what <items>', description: `some of ${DRILL_ITEMS.join(',')}`, parse: items },
    {
      flags: '--from <backups>',
      description: 'runs or ids of "psactl backup list", separated by commas, in place of the newest',
      parse: (text) => text.split(',').map((name) => name.trim()),
    },
    { flags: '--all', description: 'every container, not one of each group' },
  ],
  examples: [
    { run: 'psactl drill run --site lab --dry-run', note: 'what would be restored' },
    {
      run: 'psactl drill run --site lab --what configs,secrets,releases --yes',
      note: 'what makes no container',
    },
  ],
  resume: 'Run it again: what this one had made is taken away first.',

  async plan({ options, signal, ...context }) {
    await refuseArchives(
      options.from ?? [],
      'drill',
      (file) => `That restores it, and writes down that it is proven: psactl backup verify ${file} --deep`,
    );
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { planDrill } = await import('../../drill/run-drill.ts');
    return withSite({ ...context, options }, async (site) => {
      const { plan, chosen } = await planDrill(new Cluster(site, signal), {
        ...{ what: options.what ?? DRILL_ITEMS, from: options.from ?? null, all: options.all ?? false },
      });
      return { data: plan, carry: { chosen } };
    });
  },
  confirm: ({ data: { drills, site } }) =>
    `Restore ${plural(drills.length, 'backup')} of ${site} for a drill?`,
  renderPlan: renderDrillPlan,

  async apply({ data, carry }, context) {
    const { options, io, progress, signal } = context;
    const { PSA_EMAIL, PSA_PASSWORD } = io.env;
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { identityOf } = await import('../../backup/recipients.ts');
    const { runDrill } = await import('../../drill/run-drill.ts');
    return withSite(context, async (site) => {
      try {
        const record = await runDrill(new Cluster(site, signal), data, {
          ...{ chosen: carry.chosen, progress, what: options.what ?? DRILL_ITEMS },
          identity: await identityOf(site, io.env),
          account: PSA_EMAIL && PSA_PASSWORD ? { email: PSA_EMAIL, password: PSA_PASSWORD } : null,
        });
        return { data: record };
      } catch (error) {
        throw recoveryError(error);
      }
    });
  },
  render: ({ data }) => renderDrill(data, false, Date.now()),
  outcome: ({ data }) => {
    const outcome = outcomeOf(data);
    return outcome === 'passed' ? 'done' : outcome === 'partial' ? 'partial' : 'failed';
  },
});
