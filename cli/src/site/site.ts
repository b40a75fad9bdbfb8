import { access, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { type Container, expand } from '@psa/appliance/inventory/expand';
import { loadInventory } from '@psa/appliance/inventory/load';
import { formatInventoryError } from '@psa/appliance/inventory/problem';
import type { Inventory } from '@psa/appliance/inventory/schema';
import { inventoryOf } from '@psa/appliance/inventory/site-inventory';
import type { Site } from '@psa/appliance/inventory/site-schema';
import type { ProxmoxClient } from '@psa/proxmox/client/client';
import type { PctShell } from '@psa/proxmox/ssh';
import type { Context, Io } from '../command.ts';
import { CliError } from '../errors.ts';
import { endpointsOf } from './endpoints.ts';
import { SiteFolder } from './folder.ts';

/** What every command that works on a cluster gets from the command line. */
export interface SiteOptions {
  readonly inventory?: string;
  readonly site?: string;
}

/** A site as the inventory has it. */
export interface KnownSite {
  /** The inventory's file, absolute. */
  readonly file: string;
  /** As this site has it: with as many replicas and members as it carries. */
  readonly inventory: Inventory;
  readonly site: Site;
  /** Every container that there shall be, placed. */
  readonly containers: readonly Container[];
  readonly folder: SiteFolder;
  /** Path that the inventory names: `~/` is the home folder, others are beside the inventory. */
  path(named: string): string;
}

/** A site that can be talked to. */
export interface OpenSite extends KnownSite {
  readonly client: ProxmoxClient;
  readonly shell: PctShell;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** With `progress` it is told of the locks that are waited for. */
type SiteContext = Pick<Context<unknown>, 'options' | 'io'> & Partial<Pick<Context<unknown>, 'progress'>>;

/** Where `psactl lab` keeps its state. */
export const labFolder = (env: Io['env']): string => env.PSA_LAB_DIR || '/var/lib/psa-lab';

/** Reads the inventory and finds the site; speaks to nobody. Its errors name file, line and field. */
export async function readSite({ options, io }: SiteContext): Promise<KnownSite> {
  const { inventory: file, site: name } = options as SiteOptions;
  const given = file ?? (io.env.PSA_INVENTORY || undefined);
  const first = resolve(io.cwd, given ?? 'appliance.yaml');
  const lab = join(labFolder(io.env), 'appliance.yaml');
  let found = await inventoryIn(first);
  let at = first;
  const has = (inventory: Inventory | null) => inventory?.sites.some((site) => site.name === name) ?? false;
  if (name === 'lab' && file === undefined && !has(found)) {
    const fromLab = await inventoryIn(lab);
    if (fromLab) [found, at] = [fromLab, lab];
  }
  if (!found) {
    throw new CliError(`Unable to read the inventory: there is no file ${first}.`, {
      ...{ outcome: 'not_found', code: 'NO_INVENTORY' },
      fix: 'Give it with --inventory or PSA_INVENTORY, or write one with: psactl init',
    });
  }
  const whole = found;
  const site = name === undefined ? whole.sites[0] : whole.sites.find((one) => one.name === name);
  if (!site) {
    throw new CliError(`Unable to find the site "${name}" in ${at}.`, {
      outcome: 'not_found',
      why: `It has: ${whole.sites.map((one) => one.name).join(', ')}.`,
      fix: name === 'lab' ? 'Start the lab with: psactl lab up' : 'Name one of these with --site.',
    });
  }
  const inventory = inventoryOf(whole, site);
  const home = io.env.HOME || homedir();
  const path = (named: string) =>
    named.startsWith('~/') ? join(home, named.slice(2)) : resolve(dirname(at), named);
  return {
    ...{ file: at, inventory, site, path },
    containers: expand(inventory, site),
    folder: new SiteFolder(join(dirname(at), '.psactl', site.name)),
  };
}

/** Reads the inventory and opens the site: its API with the token, its nodes by ssh. Close it when done. */
export async function openSite(context: SiteContext): Promise<OpenSite> {
  const known = await readSite(context);
  const { site, path } = known;
  const credentials = await tokenOf(path(site.token_file));
  const key = path(site.ssh.key_file);
  // Loading these takes half a second, which the help need not wait for.
  const [{ ProxmoxClient }, { PctShell }] = await Promise.all([
    import('@psa/proxmox/client/client'),
    import('@psa/proxmox/ssh'),
  ]);
  const client = new ProxmoxClient({
    endpoints: endpointsOf(known.inventory, site),
    credentials,
    onWait: ({ method, path, lock, waitedMs, boundMs }) => {
      if (waitedMs > 0) return;
      const what = lock.kind === 'guest' ? `the lock "${lock.name}"` : `the lock ${lock.name}`;
      context.progress?.note(
        `waits for ${what}, up to ${Math.round(boundMs / 1000)} s: ${method} ${path}. ${lock.hint}`,
      );
    },
  });
  const shell = new PctShell({
    nodes: Object.fromEntries(
      site.nodes.map((node) => {
        const [host, port] = node.ssh?.split(':') ?? [];
        const target = { host: host ?? node.address, port: Number(port ?? site.ssh.port ?? 22) };
        return [node.name, { ...target, user: site.ssh.user }];
      }),
    ),
    knownHosts: join(dirname(key), 'known_hosts'),
    ...((await isThere(key)) ? { identity: key } : {}),
  });
  return {
    ...known,
    ...{ client, shell },
    async close() {
      await Promise.all([client.close(), shell.close()]);
    },
  };
}

/** Opens a site for as long as `work` takes. */
export async function withSite<T>(context: SiteContext, work: (site: OpenSite) => Promise<T>): Promise<T> {
  const site = await openSite(context);
  try {
    return await work(site);
  } finally {
    await site.close();
  }
}

/** The inventory of a file; null when there is no such file. */
async function inventoryIn(file: string): Promise<Inventory | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new CliError(`Unable to read the inventory ${file}.`, { why: message, cause });
  }
  const loaded = loadInventory(text, file);
  if (loaded.ok) return loaded.inventory;
  const place = (error: (typeof loaded.errors)[number]) =>
    `${basename(error.file)}:${error.line}:${error.column}`;
  throw new CliError(`Unable to use the inventory ${file}.`, {
    outcome: 'usage',
    code: 'INVENTORY_INVALID',
    details: loaded.errors.map((error) => ({
      field: place(error),
      message: formatInventoryError(error).slice(`${error.file}:${error.line}:${error.column}: `.length),
    })),
    fix: 'Mend the fields named above.',
  });
}

const isForbidden = (error: unknown) =>
  ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');

async function tokenOf(file: string): Promise<{ tokenId: string; secret: string }> {
  let text: string;
  try {
    text = (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new CliError(`Unable to read the API token in ${file}.`, {
      ...{ outcome: 'not_authorised', code: isForbidden(cause) ? undefined : 'NO_TOKEN' },
      why: (cause as Error).message,
      fix: isForbidden(cause)
        ? 'Only its owner may read it: run psactl as that user (a lab of real containers: with sudo).'
        : 'Make a token on the cluster (the Ansible playbooks do) and write it there as user@realm!name=secret.',
      cause,
    });
  }
  const [, tokenId, secret] = /^([^\s:/!=]+@[^\s:/!=]+![^\s:/!=]+)=(\S+)$/.exec(text) ?? [];
  if (tokenId === undefined || secret === undefined) {
    throw new CliError(`Unable to use the API token in ${file}.`, {
      outcome: 'not_authorised',
      why: 'It is not of the form user@realm!name=secret.',
      fix: 'Write the token there as Proxmox showed it when it was made.',
    });
  }
  return { tokenId, secret };
}

const isThere = (file: string) =>
  access(file).then(
    () => true,
    () => false,
  );
