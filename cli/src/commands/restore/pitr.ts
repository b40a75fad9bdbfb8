import { size } from '../../backup/backup-text.ts';
import { define } from '../../command.ts';
import { recoveryError } from '../../recovery-error.ts';
import { ago } from '../../restore/choose.ts';
import type { PitrPlan, PitrRestored } from '../../restore/pitr.ts';
import type { SiteOptions } from '../../site/site.ts';

interface Options extends SiteOptions {
  readonly to: string;
  readonly database?: string;
  readonly as?: string;
}

export const restorePitrCommand = define<
  Options,
  PitrPlan,
  Awaited<ReturnType<typeof import('../../restore/pitr.ts').planPitr>>,
  { readonly data: PitrRestored }
>({
  summary: 'Restores a database of a site as it was at a moment, into its place or beside it',
  description: `
From the copies and the log in pgBackRest's repository, also across failovers. The database is brought to that moment on the
ops container, beside everything, and loaded from there under a name of its own while the platform goes on. Only when all of
it is in does it take its place, in one step; what was there keeps the name that the plan says, and nothing removes it. With
--as it stands beside and nobody notices. Killed at any moment, it leaves the database as it was.`,
  options: [
    {
      flags: '--to <time>',
      description: '"2026-11-30 14:30:05" in the zone of the backups, with an offset, or "latest"',
      required: true,
    },
    { flags: '--database <name>', description: "which one; the platform's" },
    { flags: '--as <name>', description: 'restore it beside, under this name' },
  ],
  examples: [
    {
      run: 'psactl restore pitr --to latest --site lab --dry-run',
      note: 'from when to when there is a way back',
    },
    {
      run: 'psactl restore pitr --to latest --as look_here --site lab --yes',
      note: 'beside the one that is used',
    },
  ],
  resume: 'Run it again: until it has its place, the database is as it was.',

  async plan(context) {
    const { options, signal } = context;
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { planPitr } = await import('../../restore/pitr.ts');
    const { givenMoment } = await import('../../restore/choose.ts');
    return withSite(context, async (site) => {
      const to = options.to === 'latest' ? null : givenMoment(site, options.to);
      const { database, as } = options;
      const wanted = { ...(database !== undefined && { database }), ...(as !== undefined && { as }) };
      const ready = await planPitr(new Cluster(site, signal), to, wanted);
      return { data: ready.plan, carry: ready };
    });
  },
  confirm: ({ data: { to, as, replaces, loses_seconds } }) =>
    replaces
      ? `Replace the database "${as}" by itself ${to === 'latest' ? 'as the log has it last' : `as it was at ${to}`}? What was written in the last ${ago(Math.ceil(loses_seconds / 60))} is then only in "${replaces.kept_as}".`
      : `Restore the database of ${to} as "${as}"?`,
  renderPlan: ({ to, window, base, database, as, host, primary, replaces, needed_bytes, free_bytes }) =>
    `Would have "${database}" ${to === 'latest' ? 'as the log has it last' : `as it was at ${to}`} on ${host}, from the copy ${base} on, and load it on ${primary} as "${as}".
Moments from ${window.from} to ${window.to ?? 'now'} can be had.
${
  replaces
    ? `It takes the place of a database of ${size(replaces.bytes)}, which stays as "${replaces.kept_as}".\n`
    : 'There is no database of that name.\n'
}It takes about ${size(needed_bytes)}; ${size(free_bytes)} are free.
`,

  async apply({ carry }, context) {
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { restorePitr } = await import('../../restore/pitr.ts');
    return withSite(context, async (site) => {
      try {
        return { data: await restorePitr(new Cluster(site, context.signal), carry, context.progress) };
      } catch (error) {
        throw recoveryError(error);
      }
    });
  },
  render: ({ data: { to, as, tables, replaces, duration_ms } }) =>
    `"${as}" is the state of ${to}: ${tables} tables, in ${(duration_ms / 1000).toFixed(1)} s.
${replaces ? `What was there stands beside it as "${replaces.kept_as}".\n` : ''}`,
});
