import { define } from '../command.ts';
import { CliError, usage } from '../errors.ts';
import type { SiteOptions } from '../site/site.ts';

interface Options extends SiteOptions {
  readonly apply: boolean;
}

interface Scaled {
  readonly service: string;
  readonly from: number;
  readonly to: number;
  readonly file: string;
  /** Whether the cluster was brought there, too. */
  readonly applied: boolean;
}

export const scale = define<Options, Scaled, null, Scaled>({
  summary: 'Changes how many replicas of a service there are',
  description: `
Writes the number into the inventory, where comments and everything else stay as they are, and applies it. What does
not fit (too few nodes, ids or memory) is refused before anything is changed.`,
  args: [
    { name: 'service', description: 'a service of the inventory' },
    { name: 'replicas', description: 'how many' },
  ],
  options: [{ flags: '--no-apply', description: 'only write the inventory' }],
  examples: [
    { run: 'psactl scale tickets 2 --site lab --dry-run', note: 'whether it fits' },
    { run: 'psactl scale tickets 2 --site lab --yes', note: 'a container more or fewer' },
  ],
  resume: 'Run psactl apply: the inventory has the number already.',

  async plan(context) {
    const { readSite } = await import('../site/site.ts');
    const [service, text] = context.args as [string, string];
    const to = Number(text);
    if (!Number.isInteger(to) || to < 1)
      throw usage(`Unable to scale to "${text}".`, 'Give a number from 1.');
    const { file, inventory, site } = await readSite(context);
    const found = inventory.services.find((one) => one.name === service);
    if (!found) {
      const known = inventory.services.map((one) => one.name).join(', ');
      throw usage(`Unable to find the service "${service}".`, `Known are: ${known}.`);
    }
    if (site.members?.[service] !== undefined)
      throw usage(
        `Unable to scale ${service}: the site ${site.name} has a number of its own.`,
        `Change sites[].members.${service} in ${file}, then run psactl apply.`,
      );
    await scaled(file, service, to);
    return { data: { service, from: found.replicas, to, file, applied: false }, carry: null };
  },
  renderPlan: ({ service, from, to, file }) =>
    from === to
      ? `${service} has ${to} already.\n`
      : `${service} would get ${to} replicas in ${file}, has ${from}.\n`,
  confirm: ({ data: { service, from, to } }) =>
    to < from ? `Remove ${from - to} of ${from} replicas of ${service}?` : null,

  async apply({ data }, context) {
    const { readSite, withSite } = await import('../site/site.ts');
    const { planSite, refuseProblems } = await import('../apply/apply.ts');
    const { wishOf } = await import('../apply/plan-options.ts');
    const { apply } = await import('./apply.ts');
    const { folder } = await readSite(context);
    // The question was ours; what apply does follows from it.
    const inner = { ...context, options: { ...context.options, yes: true } };
    if (data.from !== data.to)
      await folder.locked('psactl scale', async () => {
        // Read again: somebody may have changed it while we asked.
        const text = await scaled(data.file, data.service, data.to);
        await replaceInventory(data.file, text, async (draft) => {
          if (!context.options.apply) return;
          const changed = { ...context, options: { ...context.options, inventory: draft } };
          await withSite(changed, async (site) => {
            const { plan } = await planSite(site, wishOf({}, site), changed);
            refuseProblems(plan, site.site);
          });
        });
      });
    if (!context.options.apply) return data;
    const planned = await apply.plan(inner);
    const applied = await apply.apply!(planned, inner);
    const failed = applied.steps.filter((step) => step.outcome !== 'done');
    const left = applied.notes.filter((note) => note.includes(`-${data.service}-`));
    if (failed.length > 0 || left.length > 0) {
      throw new CliError(`Unable to bring ${data.service} to ${data.to} replicas yet.`, {
        outcome: 'partial',
        why:
          failed.length > 0
            ? `${failed.length} of ${applied.steps.length} steps were not done.`
            : left.join(' '),
        fix: 'The inventory has the number. Run psactl apply when the cause is mended.',
      });
    }
    return { ...data, applied: true };
  },
  render: ({ service, from, to, applied }) =>
    `${service}: ${from} -> ${to} replicas${applied ? '' : ' in the inventory; psactl apply brings it about'}.\n`,
});

/** The inventory's text with that many replicas of the service. @throws CliError when it would not hold */
async function scaled(file: string, service: string, to: number): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  const { scaledInventory } = await import('@psa/appliance/deploy/scaled-inventory');
  const next = scaledInventory(await readFile(file, 'utf8'), file, service, to);
  if (next.ok) return next.text;
  throw new CliError(`Unable to scale ${service} to ${to}: the inventory would not hold.`, {
    outcome: 'usage',
    details: next.errors.map((one) => ({ field: one.path || 'file', message: `${one.message} ${one.fix}` })),
  });
}

/**
 * Puts the text in the file's place, with the file's rights and where a link points to, once `examine` has nothing
 * against it: it gets the draft, which stands beside the file, so that what it names is found.
 */
async function replaceInventory(
  link: string,
  text: string,
  examine: (draft: string) => Promise<void>,
): Promise<void> {
  const { realpath, rename, rm, stat } = await import('node:fs/promises');
  const { dirname, join } = await import('node:path');
  const { writeWhole } = await import('../site/folder.ts');
  const file = await realpath(link);
  const draft = join(dirname(file), `.appliance-${process.pid}.yaml`);
  try {
    await writeWhole(draft, text, (await stat(file)).mode & 0o777);
    await examine(draft);
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}
