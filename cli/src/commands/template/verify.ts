import { join } from 'node:path';
import { fileNames, sizeOf } from '@psa/lxc-templates/manifest';
import { verify } from '@psa/lxc-templates/verify';
import { define } from '../../command.ts';
import { CliError } from '../../errors.ts';
import { forReader, NAMES, OUTPUT, outputOf, type TemplateOptions, wanted } from './templates.ts';

interface Result {
  readonly output: string;
  readonly templates: readonly {
    template: string;
    version: string;
    ok: boolean;
    problems: readonly string[];
  }[];
}

/** Enough to see what is wrong; a broken archive has thousands. */
const SHOWN = 20;

export const templateVerify = define<TemplateOptions, Result, null, Result>({
  summary:
    'Checks built templates: checksum, manifest, and that nothing is in them that containers may not share',
  description: `
Reads each archive whole. Machine ids, ssh host keys, private keys, logs, caches, data of databases and sources of
packages are named when they are in it; so are files of the definition that are not. Exit code 1 when something is
wrong.`,
  args: NAMES,
  options: [OUTPUT],
  examples: [
    { run: 'psactl template verify', note: 'all that are built' },
    { run: 'psactl template verify postgres', note: 'one' },
  ],

  async plan({ args, options, io, progress, signal }) {
    const output = outputOf({ options, io });
    const there = [];
    for (const definition of wanted(args)) {
      const size = await sizeOf(join(output, fileNames(definition).archive));
      if (args.length > 0 || size !== null) there.push(definition);
    }
    if (there.length === 0) {
      throw new CliError(`Unable to check templates: none is built in ${output}.`, {
        outcome: 'not_found',
        fix: 'Build them with: psactl template build',
      });
    }
    const templates = [];
    progress.start('checking templates', there.length);
    for (const definition of there) {
      const problems = await verify(output, definition, signal).catch((error: unknown) => {
        throw forReader(error);
      });
      const { name: template, version } = definition;
      templates.push({ template, version, ok: problems.length === 0, problems });
      progress.advance();
    }
    return { data: { output, templates }, carry: null };
  },

  render: ({ templates }) =>
    templates
      .flatMap(({ template, version, ok, problems }) => [
        `${template} ${version}: ${ok ? 'as it should be' : 'NOT as it should be'}\n`,
        ...problems.slice(0, SHOWN).map((problem) => `  ${problem}\n`),
        ...(problems.length > SHOWN ? [`  and ${problems.length - SHOWN} more\n`] : []),
      ])
      .join(''),

  outcome: ({ templates }) => (templates.every(({ ok }) => ok) ? 'done' : 'failed'),
});
