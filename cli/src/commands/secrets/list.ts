import { define } from '../../command.ts';
import type { SiteOptions } from '../../site/site.ts';
import { table } from '../../text.ts';

interface Secrets {
  readonly file: string;
  readonly secrets: readonly {
    readonly name: string;
    readonly is_set: boolean;
    readonly what: string;
    readonly rotate: 'new' | 'given' | 'no';
  }[];
}

export const secretsList = define<SiteOptions, Secrets, null, Secrets>({
  summary: "Lists the appliance's secrets, without their values",
  examples: [{ run: 'psactl secrets list --site lab', note: 'what there is, and which may be rotated' }],
  async plan(context) {
    const { secretFact, secretNames } = await import('@psa/appliance/contents/secrets');
    const { readSite } = await import('../../site/site.ts');
    const { folder, inventory } = await readSite(context);
    const values = await folder.secrets();
    const names = [...new Set([...secretNames(inventory), ...Object.keys(values)])].sort();
    const secrets = names.map((name) => {
      const { what = '', by = 'no' } = secretFact(name) ?? {};
      return { name, is_set: Boolean(values[name]), what, rotate: by };
    });
    return { data: { file: folder.file('secrets.json'), secrets }, carry: null };
  },
  render: ({ file, secrets }) =>
    `${table([
      ['NAME', 'STATE', 'ROTATE', 'WHAT FOR'],
      ...secrets.map((one) => [
        one.name,
        one.is_set ? 'set' : 'not set',
        { new: 'yes', given: 'by a value', no: 'no' }[one.rotate],
        one.what,
      ]),
    ])}They stand in ${file}.\n`,
});
