import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Definition } from '@psa/lxc-templates/definition';
import { fileNames, type Manifest, readManifest } from '@psa/lxc-templates/manifest';
import { apiPath } from '@psa/proxmox/client/encode';
import { define } from '../../command.ts';
import { CliError } from '../../errors.ts';
import { writeWhole } from '../../site/folder.ts';
import { type KnownSite, type OpenSite, readSite, type SiteOptions, withSite } from '../../site/site.ts';
import { checkTemplate } from '../../site/template-file.ts';
import { plural, table } from '../../text.ts';
import { megabytes, NAMES, OUTPUT, outputOf, type TemplateOptions, wanted } from './templates.ts';

type Options = TemplateOptions & SiteOptions;

/** An archive and a storage that needs it. */
interface Push {
  readonly template: string;
  readonly version: string;
  readonly storage: string;
  /** That it is sent to; a shared storage has it for all. */
  readonly node: string;
  readonly size: number;
  readonly action: 'upload' | 'keep';
  readonly reason: string;
}
interface Plan {
  readonly site: string;
  readonly pushes: readonly Push[];
}
interface Carry {
  readonly output: string;
  readonly manifests: ReadonlyMap<string, Manifest>;
}

export const templatePush = define<Options, Plan, Carry, Plan>({
  summary: 'Sends built templates to the storages of a site',
  description: `
Each template goes to the storage that the inventory gives it: once where the storage is shared, else to every node.
What is there with the same size and checksum is kept. Only what one of the inventory's keys has signed is sent, and
Proxmox VE checks the checksum of what arrives.`,
  args: NAMES,
  options: [OUTPUT],
  examples: [
    { run: 'psactl template push', note: 'all templates of the inventory' },
    { run: 'psactl template push postgres --site lab', note: 'one, to another site' },
    { run: 'psactl template push --dry-run', note: 'what would be sent where' },
  ],
  resume: 'Run it again: what has arrived is kept.',

  async plan(context) {
    const output = outputOf(context);
    const { inventory } = await readSite(context);
    const named = inventory.templates.map(({ name }) => name);
    const foreign = context.args.filter((name) => !named.includes(name));
    if (foreign.length > 0) {
      throw new CliError(`Unable to push "${foreign[0]}": the inventory has no template of this name.`, {
        outcome: 'not_found',
        why: `It has: ${named.join(', ')}.`,
      });
    }
    const definitions = wanted(context.args.length === 0 ? named : context.args);
    const manifests = new Map<string, Manifest>();
    for (const definition of definitions)
      manifests.set(definition.name, await builtOne(output, inventory, definition));
    const data = await withSite(context, async (site) => ({
      site: site.site.name,
      pushes: await compare(site, manifests, context.signal),
    }));
    return { data, carry: { output, manifests } };
  },

  async apply({ data, carry }, context) {
    const { progress, signal } = context;
    const uploads = data.pushes.filter(({ action }) => action === 'upload');
    await withSite(context, (site) =>
      site.folder.locked('psactl template push', async () => {
        for (const { template, node, storage, size } of uploads) {
          const manifest = carry.manifests.get(template)!;
          const file = join(carry.output, manifest.archive);
          progress.start(`${template} to ${storage} on ${node}, MB`, Math.ceil(size / 1_000_000));
          let shown = 0;
          await site.client.upload({
            ...{ node, storage, file, signal },
            content: 'vztmpl',
            sha256: manifest.sha256,
            onProgress: (sent) => {
              const now = Math.floor(sent / 1_000_000);
              progress.advance(now - shown);
              shown = now;
            },
          });
          await remember(site, placeOf(site, node, storage, manifest.archive), manifest.sha256);
        }
      }),
    );
    return data;
  },

  renderPlan: (data) => render(data),
  render: (data) => render(data),
});

function render({ site, pushes }: Plan): string {
  const count = pushes.filter(({ action }) => action === 'upload').length;
  return [
    `${plural(count, 'upload')} to ${site}\n`,
    table(
      pushes.map((one) => [
        `  ${one.action}`,
        `${one.template} ${one.version}`,
        `${one.storage} on ${one.node}`,
        megabytes(one.size),
        one.reason,
      ]),
    ),
  ].join('');
}

/** The manifest of an archive that fits the inventory. */
async function builtOne(
  output: string,
  inventory: KnownSite['inventory'],
  definition: Definition,
): Promise<Manifest> {
  const { name, version } = definition;
  const asked = inventory.templates.find((one) => one.name === name)!.version;
  if (asked !== version) {
    throw new CliError(
      `Unable to push ${name}: the inventory asks for version ${asked}, here is ${version}.`,
      {
        fix: `Write version: ${version} at the template ${name} of the inventory.`,
      },
    );
  }
  if (readManifest(output, definition))
    return (await checkTemplate({ inventory }, join(output, fileNames(definition).archive))).manifest;
  throw new CliError(`Unable to push ${name}: ${fileNames(definition).archive} is not built in ${output}.`, {
    outcome: 'not_found',
    fix: `Build it with: psactl template build ${name}`,
  });
}

/** What of it the storages have. */
async function compare(
  site: OpenSite,
  manifests: ReadonlyMap<string, Manifest>,
  signal: AbortSignal,
): Promise<Push[]> {
  const known = await remembered(site);
  const listings = new Map<string, Promise<Map<string, number>>>();
  const listing = (node: string, storage: string) => {
    const key = `${storage}@${node}`;
    const asked = listings.get(key) ?? archivesOn(site, node, storage, signal);
    listings.set(key, asked);
    return asked;
  };
  const pushes: Push[] = [];
  for (const { name, version, storage } of site.inventory.templates) {
    const manifest = manifests.get(name);
    if (!manifest) continue;
    const shared = site.site.storages.find((one) => one.name === storage)?.shared === true;
    const nodes = site.site.nodes.map((node) => node.name);
    for (const node of shared ? [await reachable(site, nodes, signal)] : nodes) {
      const size = (await listing(node, storage)).get(manifest.archive);
      const sent = known[placeOf(site, node, storage, manifest.archive)];
      const reason =
        size === undefined
          ? 'not there'
          : size !== manifest.size
            ? `there with ${size} bytes`
            : sent !== undefined && sent !== manifest.sha256
              ? 'there with other content'
              : null;
      pushes.push({
        ...{ template: name, version, storage, node, size: manifest.size },
        action: reason === null ? 'keep' : 'upload',
        reason: reason ?? 'there',
      });
    }
  }
  return pushes;
}

/** A node that is online. */
async function reachable(site: OpenSite, nodes: readonly string[], signal: AbortSignal): Promise<string> {
  // Not /nodes: there a node whose pvestatd hangs is "unknown".
  const list = await site.client.request<readonly { name?: string; online?: number }[]>(
    'GET',
    '/cluster/status',
    {},
    { signal },
  );
  const online = nodes.find((node) => list.some(({ name, online }) => node === name && Number(online) === 1));
  if (online !== undefined) return online;
  throw new CliError('Unable to push: no node of the site is online.', { fix: 'Look at: psactl status' });
}

/** Archives of a storage with their sizes. */
async function archivesOn(site: OpenSite, node: string, storage: string, signal: AbortSignal) {
  const content = await site.client.request<readonly { volid: string; size: number }[]>(
    'GET',
    apiPath`/nodes/${node}/storage/${storage}/content`,
    { content: 'vztmpl' },
    { signal },
  );
  return new Map(content.map(({ volid, size }) => [volid.split('/').at(-1)!, size]));
}

// Proxmox VE names sizes only. What was sent with which checksum is kept beside the inventory.
const SENT = 'templates.json';

const placeOf = (site: KnownSite, node: string, storage: string, archive: string) =>
  site.site.storages.find((one) => one.name === storage)?.shared
    ? `${storage}/${archive}`
    : `${storage}@${node}/${archive}`;

async function remembered(site: KnownSite): Promise<Record<string, string>> {
  try {
    return JSON.parse(await readFile(site.folder.file(SENT), 'utf8')) as Record<string, string>;
  } catch {
    // Not there, or broken: sizes decide.
    return {};
  }
}

async function remember(site: KnownSite, place: string, sha256: string): Promise<void> {
  const all = { ...(await remembered(site)), [place]: sha256 };
  await writeWhole(site.folder.file(SENT), `${JSON.stringify(all, null, 2)}\n`, 0o600);
}
