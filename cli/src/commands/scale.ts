import type { SiteOptions } from '../appliance/site.ts';
import { define } from '../command.ts';
import { CliError, usage } from '../errors.ts';

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

export const scale = define<Options, Scaled, { text: string }, Scaled>({
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
    const { readFile } = await import('node:fs/promises');
    const { readSite } = await import('../appliance/site.ts');
    const { scaledInventory } = await import('@psa/appliance/deploy/scaled-inventory');
    const { formatInventoryError } = await import('@psa/appliance/inventory/problem');
    const [service, text] = context.args as [string, string];
    const to = Number(text);
    if (!Number.isInteger(to) || to < 1)
      throw usage(`Unable to scale to "${text}".`, 'Give a number from 1.');
    const { file, inventory } = await readSite(context);
    const found = inventory.services.find((one) => one.name === service);
    if (!found) {
      const known = inventory.services.map((one) => one.name).join(', ');
      throw usage(`Unable to find the service "${service}".`, `Known are: ${known}.`);
    }
    const next = scaledInventory(await readFile(file, 'utf8'), file, service, to);
    if (!next.ok) {
      throw new CliError(`Unable to scale ${service} to ${to}: the inventory would not hold.`, {
        outcome: 'usage',
        details: next.errors.map((one) => ({ field: one.path, message: formatInventoryError(one) })),
      });
    }
    return { data: { service, from: found.replicas, to, file, applied: false }, carry: { text: next.text } };
  },
  renderPlan: ({ service, from, to, file }) =>
    from === to
      ? `${service} has ${to} already.\n`
      : `${service} would get ${to} replicas in ${file}, has ${from}.\n`,
  confirm: ({ data: { service, from, to } }) =>
    to < from ? `Remove ${from - to} of ${from} replicas of ${service}?` : null,

  async apply({ data, carry }, context) {
    const { readSite } = await import('../appliance/site.ts');
    const { writeWhole } = await import('../appliance/folder.ts');
    const { folder } = await readSite(context);
    if (data.from !== data.to) {
      await folder.locked('psactl scale', () => writeWhole(data.file, carry.text, 0o644));
    }
    if (!context.options.apply) return data;
    const { apply } = await import('./apply.ts');
    // The question was ours; what apply does follows from it.
    const inner = { ...context, options: { ...context.options, yes: true } };
    const planned = await apply.plan(inner);
    const applied = await apply.apply!(planned, inner);
    const failed = applied.steps.filter((step) => step.outcome !== 'done');
    if (failed.length > 0) {
      throw new CliError(`Unable to bring ${data.service} to ${data.to} replicas.`, {
        why: `${failed.length} of ${applied.steps.length} steps were not done.`,
        fix: 'The inventory has the number. Run psactl apply.',
      });
    }
    return { ...data, applied: true };
  },
  render: ({ service, from, to, applied }) =>
    `${service}: ${from} -> ${to} replicas${applied ? '' : ' in the inventory; psactl apply brings it about'}.\n`,
});
