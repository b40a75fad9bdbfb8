import { join } from 'node:path';
import { fileNames, readManifest, sizeOf } from '@psa/lxc-templates/manifest';
import { define } from '../../command.ts';
import { table } from '../../text.ts';
import { megabytes, OUTPUT, outputOf, type TemplateOptions, wanted } from './templates.ts';

interface Row {
  readonly template: string;
  readonly version: string;
  readonly parent: string | null;
  readonly description: string;
  /** built: the archive is what the definition says. outdated: the definition has changed since. */
  readonly state: 'built' | 'outdated' | 'missing';
  readonly file: string | null;
  readonly size: number | null;
  readonly sha256: string | null;
  readonly packages: number | null;
}
interface Result {
  readonly output: string;
  readonly templates: readonly Row[];
}

export const templateList = define<TemplateOptions, Result, null, Result>({
  summary: 'Lists the templates, and which of them are built',
  options: [OUTPUT],
  examples: [
    { run: 'psactl template list', note: 'name, version, state and size' },
    { run: 'psactl template list --json', note: 'the same for a program, with checksums' },
  ],

  async plan(context) {
    const output = outputOf(context);
    const templates = await Promise.all(
      wanted([]).map(async (definition): Promise<Row> => {
        const file = join(output, fileNames(definition).archive);
        const size = await sizeOf(file);
        const manifest = size === null ? null : readManifest(output, definition);
        return {
          template: definition.name,
          version: definition.version,
          parent: definition.parent?.name ?? null,
          description: definition.description,
          state:
            size === null
              ? 'missing'
              : manifest?.inputs === definition.inputs && manifest.size === size
                ? 'built'
                : 'outdated',
          file: size === null ? null : file,
          size,
          sha256: manifest?.sha256 ?? null,
          packages: manifest && Object.keys(manifest.packages).length,
        };
      }),
    );
    return { data: { output, templates }, carry: null };
  },

  render: ({ templates }) =>
    table(
      templates.map((one) => [
        one.template,
        one.version,
        one.state,
        one.size === null ? '' : megabytes(one.size),
        one.description,
      ]),
    ),
});
