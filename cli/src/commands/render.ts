import { define } from '../command.ts';
import { readSite, type SiteOptions } from '../site/site.ts';

interface Options extends SiteOptions {
  readonly output?: string;
}

interface Rendered {
  readonly site: string;
  readonly folder: string;
  /** Relative to the folder. */
  readonly files: readonly { readonly path: string; readonly change: 'new' | 'changed' | 'same' }[];
}

interface Texts {
  readonly texts: ReadonlyMap<string, string>;
}

const FOLDER = 'rendered';

export const render = define<Options, Rendered, Texts, Rendered>({
  summary:
    'Writes what follows from the inventory as files: firewall, DNS, Ansible, HAProxy, monitoring, timers',
  description: `
What psactl applies by itself (HAProxy, monitoring) is for reading; the rest is for you to use: "ansible" with the
playbooks in the repository's folder ansible/, "pfsense" and "dns" for the firewall, "timers" for a machine of yours that
makes the backups in place of the container ops. No file holds a secret.`,
  options: [{ flags: '--output <folder>', description: `where to (else ./${FOLDER}/<site>)` }],
  examples: [
    { run: 'psactl render --dry-run', note: 'which files there would be, and which differ' },
    {
      run: 'psactl render --output rendered',
      note: 'then: ansible-playbook -i rendered/ansible/inventory.yml ansible/site.yml',
    },
  ],

  async plan(context) {
    const { readFile } = await import('node:fs/promises');
    const { join, resolve } = await import('node:path');
    const { renderAnsible } = await import('@psa/appliance/render/ansible');
    const { renderDns } = await import('@psa/appliance/render/dns');
    const { renderHaproxy } = await import('@psa/appliance/render/haproxy');
    const { dataParts } = await import('@psa/appliance/parts/parts');
    const { renderMonitoring } = await import('@psa/appliance/render/monitoring');
    const { renderPfsense } = await import('@psa/appliance/render/pfsense');
    const { renderTimers } = await import('@psa/appliance/render/timers');
    const { inventory, site } = await readSite(context);
    const folder = resolve(context.io.cwd, context.options.output ?? join(FOLDER, site.name));
    const texts = new Map<string, string>();
    const renderers = {
      ...{ ansible: renderAnsible, dns: renderDns, haproxy: renderHaproxy },
      monitoring: (...[one, at]: Parameters<typeof renderPfsense>) => renderMonitoring(one, dataParts(), at),
      pfsense: renderPfsense,
      timers: (...[one, at]: Parameters<typeof renderPfsense>) => renderTimers(one, at),
    };
    for (const [name, renderer] of Object.entries(renderers))
      for (const { path, text } of renderer(inventory, site)) texts.set(`${name}/${path}`, text);
    const files = await Promise.all(
      [...texts].map(async ([path, text]) => {
        const standing = await readFile(join(folder, path), 'utf8').catch(() => null);
        const change =
          standing === null ? ('new' as const) : standing === text ? ('same' as const) : ('changed' as const);
        return { path, change };
      }),
    );
    return { data: { site: site.name, folder, files }, carry: { texts } };
  },

  async apply({ data, carry }) {
    const { mkdir, writeFile } = await import('node:fs/promises');
    const { dirname, join } = await import('node:path');
    for (const { path, change } of data.files) {
      if (change === 'same') continue;
      const file = join(data.folder, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, carry.texts.get(path)!);
    }
    return data;
  },

  renderPlan: listed,
  render: listed,
});

function listed({ folder, files }: Rendered): string {
  const lines = files.map(({ path, change }) => `  ${change.padEnd(7)}  ${path}\n`);
  return `${folder}:\n${lines.join('')}`;
}
