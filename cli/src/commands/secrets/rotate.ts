import { define } from '../../command.ts';
import { CliError, usage } from '../../errors.ts';
import type { SiteOptions } from '../../site/site.ts';

interface Rotated {
  readonly name: string;
}

export const secretsRotate = define<SiteOptions, Rotated, { given: boolean }, Rotated>({
  summary: 'Gives a secret a new value',
  description: `
Only those that take a new value in passing: the others say how. A password of somebody else's (mail_password,
chat_webhook) is read from standard input. "psactl apply" brings it into the containers.`,
  args: [{ name: 'name', description: 'as "psactl secrets list" has it' }],
  examples: [
    { run: 'psactl secrets rotate metrics_token --site lab', note: 'then: psactl apply' },
    {
      run: `printf '%s' "hunter2" | psactl secrets rotate mail_password --site lab`,
      note: 'a value of your own',
    },
  ],
  async plan(context) {
    const { secretFact, secretNames } = await import('@psa/appliance/contents/secrets');
    const { readSite } = await import('../../site/site.ts');
    const { inventory } = await readSite(context);
    const name = context.args[0]!;
    if (!secretNames(inventory).includes(name)) {
      throw new CliError(`Unable to rotate the secret "${name}": the appliance has none of that name.`, {
        outcome: 'not_found',
        fix: 'See: psactl secrets list',
      });
    }
    const { by, way } = secretFact(name)!;
    if (by === 'no') throw usage(`Unable to rotate the secret "${name}" by itself.`, way);
    return { data: { name }, carry: { given: by === 'given' } };
  },
  renderPlan: ({ name }) => `Would give ${name} a new value.\n`,
  async apply({ data: { name }, carry: { given } }, context) {
    const { newSecrets } = await import('@psa/appliance/contents/secrets');
    const { readSite } = await import('../../site/site.ts');
    const { askOnTerminal, secretFromStdin } = await import('../../prompt.ts');
    const { io } = context;
    const { folder } = await readSite(context);
    const value = !given
      ? newSecrets([name])[name]!
      : io.stdin.isTTY
        ? await askOnTerminal(name, io, true)
        : await secretFromStdin(io, name);
    if (value === '') throw usage(`Unable to set ${name}: it is empty.`);
    await folder.locked('psactl secrets rotate', async () =>
      folder.writeSecrets({ ...(await folder.secrets()), [name]: value }),
    );
    return { name };
  },
  render: ({ name }) => `${name} has a new value. "psactl apply" brings it into the containers.\n`,
});
