import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadInventory } from '@psa/appliance/inventory/load';
import type { SiteManifest } from '@psa/recovery/manifest';
import { type Comparison, compare } from '@psa/recovery/proof';
import type { Catalogued } from '../backup/catalogue.ts';
import { CliError } from '../errors.ts';
import { planConfig, restoreConfig } from '../restore/config.ts';
import { checkArchive } from '../site/archive.ts';
import type { Tried } from './database.ts';
import { type Drilling, preparing } from './place.ts';
import { keyOf } from './redis.ts';

/** Unpacks configurations, secrets or releases as a restore does, reads every file, and takes them away again. */
export async function drillUnpacked(
  drilling: Drilling,
  { id: backup, file }: Catalogued,
  manifest: SiteManifest,
): Promise<Tried> {
  const { journal } = drilling;
  const began = performance.now();
  const identity = manifest.recipients.length > 0 ? keyOf(drilling) : null;
  // For its owner alone: there are keys in it.
  const folder = await mkdtemp(join(tmpdir(), 'psa-drill-'));
  try {
    const to = join(folder, 'unpacked');
    const plan = await preparing(drilling, () => planConfig(file, manifest, to, identity));
    await journal.step(backup, 'unpack it', () => restoreConfig(plan, manifest, identity));
    const restore_ms = Math.round(performance.now() - began);
    const compared = await journal.step(backup, 'read what is in it', () =>
      manifest.kind === 'releases'
        ? readReleases(drilling, to, manifest)
        : readFiles(drilling, to, manifest.kind),
    );
    return { restore_ms, compared, notes: [] };
  } finally {
    await journal.step(backup, 'take it away', () => rm(folder, { recursive: true, force: true }));
  }
}

/** Every release of the backup, its signature and the sums of its files. */
async function readReleases(
  { cluster }: Drilling,
  folder: string,
  { version }: SiteManifest,
): Promise<readonly Comparison[]> {
  const wanted = (version ?? '').split(' ').filter((name) => name !== '');
  const { inventory } = cluster.site;
  const home = {
    inventory: { ...inventory, releases: { ...inventory.releases, directory: folder } },
    path: (named: string) => named,
  };
  const compared: Comparison[] = [];
  for (const name of wanted) {
    const [, release] = /^psa-platform-(.+)\.tar\.zst$/.exec(name) ?? [];
    if (release === undefined) throw new CliError(`${name} is no release.`);
    const { files } = await checkArchive(home, release);
    compared.push(compare(`files of the release ${release}, signed and with their sums`, null, files));
  }
  const there = (await readdir(folder)).filter((name) => name.endsWith('.tar.zst'));
  return [compare('releases', wanted.length, there.length), ...compared];
}

/** What must be in it, by kind: without it nothing could be restored by it. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  configs: ['appliance.yaml', 'proxmox/api.json'],
  secrets: ['appliance.yaml', 'site/secrets.json', 'WHERE.txt'],
};

async function readFiles(
  { cluster }: Drilling,
  folder: string,
  kind: string,
): Promise<readonly Comparison[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  let bytes = 0;
  for (const path of files) {
    const content = await readFile(path);
    bytes += content.length;
    // What psactl wrote itself; a configuration of somebody else's is his.
    if (/\/(site|proxmox)\/[^/]*\.json$/.test(path)) parseJson(content, path.slice(folder.length + 1));
    if (path.endsWith('.tar')) await promisify(execFile)('tar', ['-tf', path], { maxBuffer: 2 ** 28 });
  }
  const names = new Set(files.map((path) => path.slice(folder.length + 1)));
  const needed = NEEDED[kind] ?? [];
  const loaded = loadInventory(await readFile(join(folder, 'appliance.yaml'), 'utf8'), 'appliance.yaml');
  return [
    compare(
      'files without which nothing comes back',
      needed.length,
      needed.filter((one) => names.has(one)).length,
    ),
    compare(
      'appliance that its inventory is of',
      cluster.site.inventory.name,
      loaded.ok ? loaded.inventory.name : '',
    ),
    compare('files that were read', null, files.length),
    compare('bytes in them', null, bytes),
  ];
}

function parseJson(content: Buffer, name: string): void {
  try {
    JSON.parse(content.toString('utf8'));
  } catch (cause) {
    throw new CliError(`${name} in it cannot be read.`, { why: (cause as Error).message });
  }
}
