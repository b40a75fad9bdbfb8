import { define } from '../../command.ts';
import type { Playbook } from '../../dr/playbooks.ts';
import type { SiteOptions } from '../../site/site.ts';
import { plural } from '../../text.ts';

interface Options extends SiteOptions {
  readonly to: string;
}
interface Written {
  readonly to: string;
  readonly files: readonly string[];
}

export const drPlaybooks = define<Options, Written, readonly Playbook[], { readonly data: Written }>({
  summary: 'Writes what a person does in each scenario, to be printed and kept where no power is needed',
  description: `
One Markdown file for each scenario, by the very plans that "psactl dr failover" carries out: steps, commands, how to see that each
is done, how long it takes, and who of the inventory is told.`,
  options: [{ flags: '--to <folder>', description: 'where they go', required: true }],
  examples: [{ run: 'psactl dr playbooks --to playbooks', note: 'after each change of the inventory' }],
  async plan(context) {
    const { resolve } = await import('node:path');
    const { measuredOf } = await import('../../dr/facts.ts');
    const { needPair } = await import('../../dr/pair.ts');
    const { playbooksOf } = await import('../../dr/playbooks.ts');
    const { serving, other } = await needPair(context);
    const books = playbooksOf(serving.known.inventory, measuredOf([serving.known, other.known]));
    const to = resolve(context.io.cwd, context.options.to);
    return { data: { to, files: books.map(({ name }) => name) }, carry: books };
  },
  renderPlan: ({ to, files }) => `Would write ${plural(files.length, 'playbook')} to ${to}.\n`,
  async apply({ data, carry }) {
    const { mkdir } = await import('node:fs/promises');
    const { join } = await import('node:path');
    const { writeWhole } = await import('../../site/folder.ts');
    await mkdir(data.to, { recursive: true });
    for (const { name, text } of carry) await writeWhole(join(data.to, name), text, 0o644);
    return { data };
  },
  render: ({ data: { to, files } }) => `${plural(files.length, 'playbook')} written to ${to}.\n`,
});
