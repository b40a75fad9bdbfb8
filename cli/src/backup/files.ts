import { createWriteStream, existsSync } from 'node:fs';
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { apiPath } from '@psa/proxmox/client/encode';
import { ProxmoxError } from '@psa/proxmox/client/errors';
import type { SiteManifest } from '@psa/recovery/manifest';
import { readShelf } from '@psa/recovery/shelf';
import { pack } from '@psa/recovery/tar';
import { CliError } from '../errors.ts';
import type { Cluster } from '../site/cluster.ts';
import { readDeployed } from '../site/deployed.ts';
import { MOUNTS_FILE } from '../site/mounts.ts';
import { signatureFile } from '../site/signature.ts';
import type { KnownSite } from '../site/site.ts';
import { type Part, type Run, takeFile } from './part.ts';

/** Where a backup of files is gathered; it goes whatever happens. */
async function gathering<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'psa-backup-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What of a node says how it is made: the files of the cluster, its network, its storages' mounts. */
const OF_NODE = `set -- etc/pve etc/network etc/hosts etc/fstab etc/apt/sources.list.d
cd / && [ -d etc/pve ] || exit 66
for one in "$@"; do [ -e "$one" ] && found="$found $one"; done
exec tar -cf - --ignore-failed-read $found`;
const NO_CLUSTER_FILES = 66;

/** What the API says of the cluster, which the files do not say to a reader. */
const OF_CLUSTER = [
  '/cluster/status',
  '/cluster/options',
  '/cluster/resources',
  '/cluster/ha/resources',
  '/cluster/backup',
  '/storage',
  '/pools',
  '/access/users',
  '/access/acl',
  '/access/roles',
] as const;

/** What of a container's files is configuration, by the group; what is not there is left out. */
const OF_CONTAINER: Readonly<Record<string, readonly string[]>> = {
  haproxy: ['/etc/haproxy', '/etc/keepalived'],
  postgres: ['/etc/patroni', '/etc/pgbouncer', '/etc/default/etcd'],
  redis: ['/etc/redis'],
  rabbitmq: ['/etc/rabbitmq'],
  monitoring: ['/etc/prometheus', '/etc/alertmanager'],
};

/** Configurations of Proxmox, HAProxy, Patroni and the others, the firewall's where somebody gives it, and the inventory. */
export function configsPart(cluster: Cluster): Part {
  return {
    ...{ item: 'configs', name: 'configurations', how: 'files of nodes and containers', skip: null },
    take: (run) => gathering((folder) => takeConfigs(run, cluster, folder)),
  };
}

async function takeConfigs(run: Run, cluster: Cluster, folder: string): Promise<SiteManifest> {
  const { site } = cluster;
  const warnings: string[] = [];
  await copyFile(site.file, join(folder, 'appliance.yaml'));
  await mkdir(join(folder, 'proxmox'));
  const said: Record<string, unknown> = {};
  for (const path of OF_CLUSTER)
    said[path] = await cluster
      .get(path)
      .catch((error) => refused(error, warnings, `Proxmox did not give ${path}`));
  for (const { container, node } of await cluster.placed())
    if (node !== null) {
      const path = apiPath`/nodes/${node}/lxc/${container.id}/config`;
      said[path] = await cluster
        .get(path)
        .catch((error) => refused(error, warnings, `Proxmox did not give ${path}`));
    }
  await writeFile(join(folder, 'proxmox/api.json'), `${JSON.stringify(said, null, 2)}\n`, { mode: 0o600 });
  for (const { name } of site.site.nodes) {
    const file = join(folder, 'proxmox', `${name}.tar`);
    const code = await intoFile(file, (out) =>
      site.shell.onNode(name, 'read its configuration', OF_NODE, {
        ...{ stdout: out, signal: cluster.signal, timeoutMs: 5 * 60_000 },
      }),
    ).catch((error: Error) => error.message);
    if (code === 0) continue;
    await rm(file, { force: true });
    warnings.push(
      code === NO_CLUSTER_FILES ? `${name} has no /etc/pve.` : `${name} did not give its files: ${code}`,
    );
  }
  for (const { container, state } of await cluster.placed()) {
    const paths = OF_CONTAINER[container.group];
    if (paths === undefined) continue;
    if (state !== 'running') {
      warnings.push(`${container.name} does not run: its files are missing.`);
      continue;
    }
    await mkdir(join(folder, container.group), { recursive: true });
    const line = `for one in ${paths.join(' ')}; do [ -e "$one" ] && found="$found $one"; done; tar -cf - $found 2>/dev/null`;
    const code = await intoFile(join(folder, container.group, `${container.name}.tar`), (out) =>
      cluster.exec(container.id, ['sh', '-c', line], { stdout: out }),
    );
    if (code !== 0) warnings.push(`${container.name} did not give its files: tar ended with ${code}.`);
  }
  const given = site.inventory.backup.pfsense_config_file;
  if (given !== undefined) {
    await mkdir(join(folder, 'pfsense'));
    await copyFile(site.path(given), join(folder, 'pfsense/config.xml')).catch((error: Error) => {
      throw new CliError('Unable to back up the configuration of the firewall.', {
        why: `backup.pfsense_config_file: ${error.message}`,
        fix: 'Put its config.xml there, or take the field out of the inventory.',
      });
    });
  }
  return packFolder(run, 'configs', folder, { warnings });
}

/** A refusal is worth a line; that nobody answers is a failure. */
function refused(error: unknown, warnings: string[], what: string): null {
  if (!(error instanceof ProxmoxError) || !['forbidden', 'refused'].includes(error.kind)) throw error;
  warnings.push(`${what}: ${error.message.split('\n')[0]}`);
  return null;
}

async function intoFile(
  path: string,
  run: (
    out: NodeJS.WritableStream & { destroy(): void } & import('node:stream').Writable,
  ) => Promise<{ readonly code: number }>,
): Promise<number> {
  const out = createWriteStream(path, { mode: 0o600 });
  const written = finished(out);
  written.catch(() => {});
  try {
    const { code } = await run(out);
    out.end();
    await written;
    return code;
  } finally {
    out.destroy();
  }
}

function packFolder(
  run: Run,
  kind: 'configs' | 'secrets',
  folder: string,
  own: { readonly warnings: readonly string[] },
): Promise<SiteManifest> {
  return takeFile(run, kind, {
    async fill(into) {
      await pack(['--directory', folder, '.'], into, { mayChange: false });
      return own;
    },
  });
}

/** The archives of the releases that services run, or begin with, and where they stand on this machine. */
export async function releaseArchives({
  inventory,
  folder,
  path,
}: Pick<KnownSite, 'inventory' | 'folder' | 'path'>): Promise<{
  /** Absolute. */
  readonly place: string;
  readonly versions: readonly string[];
  readonly archives: readonly string[];
  /** Those of them that are here. */
  readonly there: readonly string[];
}> {
  const deployed = Object.values(await readDeployed(folder.path));
  const versions = [...new Set([...deployed, inventory.releases.version])].sort();
  const place = path(inventory.releases.directory);
  const archives = versions.map((version) => `psa-platform-${version}.tar.zst`);
  return { place, versions, archives, there: archives.filter((name) => existsSync(join(place, name))) };
}

/** The releases that services run, or begin with: what stands in containers is made of these. */
export async function releasesPart(cluster: Cluster): Promise<Part> {
  const base = { item: 'releases' as const, name: 'releases' };
  const { place, versions, archives, there } = await releaseArchives(cluster.site);
  const missing = archives.filter((name) => !there.includes(name));
  if (there.length === 0)
    return {
      ...base,
      how: '',
      skip: `there is none of ${archives.join(', ')} in ${place}`,
      take: async () => null,
    };
  return {
    ...{ ...base, how: versions.join(', '), skip: null },
    async take(run) {
      // A release never changes: one backup of it is enough in each folder.
      const known = await readShelf(run.generation.folder).catch(() => []);
      const version = there.join(' ');
      if (known.some((one) => one.kind === 'releases' && one.state === 'good' && one.version === version))
        return null;
      const files = there
        .flatMap((name) => [name, signatureFile(name)])
        .filter((name) => existsSync(join(place, name)));
      return takeFile(run, 'releases', {
        async fill(into) {
          await pack(['--directory', place, ...files], into, { mayChange: false });
          return { version, warnings: missing.map((name) => `There is no ${name} in ${place}.`) };
        },
      });
    },
  };
}

/** What of the site's folder is made anew, or is no secret and large. */
export const NOT_TAKEN: readonly string[] = [
  ...['backups', 'drills', 'lock', 'lock.holder', 'known_hosts.old'],
  MOUNTS_FILE,
];

/**
 * What psactl holds and nobody can make anew: the site's folder, its token, its ssh key, the inventory. The key that opens
 * backups is not in it: it would be of no use inside of what it opens.
 */
export function secretsPart(cluster: Cluster): Part {
  const { site } = cluster;
  return {
    ...{ item: 'secrets', name: 'secrets', how: `${site.folder.path}, token and keys`, skip: null },
    take: (run) =>
      gathering(async (folder) => {
        await mkdir(join(folder, 'keys'), { mode: 0o700 });
        await copyFile(site.file, join(folder, 'appliance.yaml'));
        for (const name of existsSync(site.folder.path) ? await readdir(site.folder.path) : [])
          if (!NOT_TAKEN.includes(name) && !/\.(part|new)$/.test(name))
            await cp(site.folder.file(name), join(folder, 'site', name), { recursive: true });
        const { token_file, ssh, authorized_keys_file } = site.site;
        const key = site.path(ssh.key_file);
        const named = [site.path(token_file), key, `${key}.pub`, join(dirname(key), 'known_hosts')];
        const warnings: string[] = [];
        for (const file of new Set([...named, site.path(authorized_keys_file)]))
          if (existsSync(file)) await copyFile(file, join(folder, 'keys', basename(file)));
          else warnings.push(`There is no ${file}.`);
        await writeFile(
          join(folder, 'WHERE.txt'),
          `appliance.yaml: ${site.file}\nsite/: ${site.folder.path}\n${named.map((file) => `keys/${basename(file)}: ${file}\n`).join('')}`,
        );
        // So that a backup of nothing is none.
        await readFile(join(folder, 'appliance.yaml'));
        return packFolder(run, 'secrets', folder, { warnings });
      }),
  };
}
