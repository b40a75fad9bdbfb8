import { size, when } from '../../backup/backup-text.ts';
import { define } from '../../command.ts';
import { recoveryError } from '../../recovery-error.ts';
import { ago } from '../../restore/choose.ts';
import type { DatabasePlan, DatabaseRestored } from '../../restore/database.ts';
import type { SiteOptions } from '../../site/site.ts';

interface Options extends SiteOptions {
  readonly database?: string;
  readonly as?: string;
  readonly of?: string;
}

export const restoreDatabaseCommand = define<
  Options,
  DatabasePlan,
  Awaited<ReturnType<typeof import('../../restore/database.ts').planDatabase>>,
  { readonly data: DatabaseRestored }
>({
  summary: 'Restores a database of a site from a dump, into its place or beside it',
  description: `
The dump is read to its end first, and restored under a name of its own while the platform goes on. Only when all of it is in
does it take its place, in one step; the services' connections are ended then, and they make new ones. What was there keeps
the name that the plan says, and nothing removes it: it is the way back. With --as it stands beside and nobody notices. Roles
that are missing are made, with their passwords. Killed at any moment, it leaves the database as it was.`,
  args: [{ name: 'backup', description: 'an id of "psactl backup list", a run, or "latest"' }],
  options: [
    { flags: '--database <name>', description: "which one of the dump; the platform's" },
    { flags: '--as <name>', description: 'restore it beside, under this name' },
    { flags: '--of <site>', description: 'the site that it is of, when that is another one' },
  ],
  examples: [
    {
      run: 'psactl restore database latest --site lab --dry-run',
      note: 'what would be lost, and whether there is room',
    },
    {
      run: 'psactl restore database database-20261130T020000Z-3f9a2c --as look_here --site lab --yes',
      note: 'beside the one that is used',
    },
  ],
  resume: 'Run it again: until it has its place, the database is as it was.',

  async plan(context) {
    const { args, options, signal } = context;
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { planDatabase } = await import('../../restore/database.ts');
    return withSite(context, async (site) => {
      const { database, as, of } = options;
      const wanted = {
        backup: args[0]!,
        ...(database !== undefined && { database }),
        ...(as !== undefined && { as }),
        ...(of !== undefined && { of: `${site.inventory.name}/${of}` }),
      };
      const ready = await planDatabase(new Cluster(site, signal), wanted);
      return { data: ready.plan, carry: ready };
    });
  },
  confirm: ({ data: { backup, at, as, replaces, age_minutes } }) =>
    replaces
      ? `Replace the database "${as}" by ${backup} of ${at}? What was written in the last ${ago(age_minutes)} is then only in "${replaces.kept_as}".`
      : `Restore ${backup} of ${at} as "${as}"?`,
  renderPlan: ({
    backup,
    at,
    age_minutes,
    database,
    as,
    primary,
    replaces,
    log_since,
    needed_bytes,
    free_bytes,
  }) =>
    `Would restore "${database}" from ${backup} (${when(at)}, ${ago(age_minutes)} ago) on ${primary} as "${as}".
${
  replaces
    ? `It takes the place of a database of ${size(replaces.bytes)}, which stays as "${replaces.kept_as}". What was written since is not in it${log_since === null ? '' : `: about ${size(log_since)} of log`}.\n`
    : 'There is no database of that name.\n'
}It takes about ${size(needed_bytes)}; ${size(free_bytes)} are free.
`,

  async apply({ carry }, context) {
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { restoreDatabase } = await import('../../restore/database.ts');
    return withSite(context, async (site) => {
      try {
        return { data: await restoreDatabase(new Cluster(site, context.signal), carry, context.progress) };
      } catch (error) {
        throw recoveryError(error);
      }
    });
  },
  render: ({ data: { backup, at, as, tables, replaces, duration_ms } }) =>
    `"${as}" is ${backup}, the state of ${at}: ${tables} tables, in ${(duration_ms / 1000).toFixed(1)} s.
${replaces ? `What was there stands beside it as "${replaces.kept_as}".\n` : ''}`,
});
