import { define } from '../../command.ts';
import { CliError } from '../../errors.ts';
import type { SiteOptions } from '../../site/site.ts';

interface Secret {
  readonly name: string;
  readonly value: string;
}

export const secretsShow = define<SiteOptions, Secret, null, Secret>({
  summary: 'Shows the value of a secret',
  args: [{ name: 'name', description: 'as "psactl secrets list" has it' }],
  examples: [{ run: 'psactl secrets show metrics_token --site lab', note: 'the value alone, for a pipe' }],
  async plan(context) {
    const { readSite } = await import('../../site/site.ts');
    const { folder } = await readSite(context);
    const name = context.args[0]!;
    const value = (await folder.secrets())[name];
    if (!value) {
      throw new CliError(
        `Unable to show the secret "${name}": ${value === '' ? 'it has no value yet' : 'there is none'}.`,
        {
          outcome: 'not_found',
          fix: value === '' ? `Give it one: psactl secrets rotate ${name}` : 'See: psactl secrets list',
        },
      );
    }
    return { data: { name, value }, carry: null };
  },
  render: ({ value }) => `${value.trimEnd()}\n`,
});
