import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { define } from '../../command.ts';
import { CliError } from '../../errors.ts';

interface Protection {
  readonly file: string;
  readonly protected: boolean;
}

export const backupProtect = define<
  { readonly off?: boolean },
  Protection,
  null,
  { readonly data: Protection }
>({
  summary: 'Has a backup stay whatever the policy says',
  args: [{ name: 'file', description: 'as "psactl backup run" named it' }],
  options: [{ flags: '--off', description: 'the policy decides on it again' }],
  examples: [
    {
      run: 'psactl backup protect backups/embedded-20261130T020000Z-3f9a2c.tar.zst.age',
      note: 'before a migration',
    },
  ],
  async plan({ args, options, io }) {
    const file = resolve(io.cwd, args[0]!);
    if (!existsSync(file))
      throw new CliError(`Unable to protect ${file}: it is not there.`, {
        outcome: 'not_found',
        code: 'NO_FILE',
      });
    return { data: { file, protected: !options.off }, carry: null };
  },
  renderPlan: ({ file, protected: on }) => `${file} would be ${on ? 'protected' : 'left to the policy'}.\n`,
  async apply({ data }) {
    const { setProtected } = await import('@psa/recovery/shelf');
    await setProtected(data.file, data.protected);
    return { data };
  },
  render: ({ data: { file, protected: on } }) => `${file} is ${on ? 'protected' : 'left to the policy'}.\n`,
});
