import { storageKind } from '@psa/appliance/inventory/storages';
import { splitList } from '@psa/proxmox/schema/perl';
import { digestOf } from '../../cluster/cluster-files.ts';
import { storageOptions } from '../../cluster/storages.ts';
import { failure, under } from '../../errors.ts';
import type { Lab } from '../../lab.ts';
import type { RouteParams } from '../params.ts';
import { needs, type RequestContext, type Route } from '../route.ts';

const permission = needs('/storage', ['Datastore.Allocate']);

/** Options that a kind of storage must have, and those that it may; of what it must have nothing changes later. */
interface Kind {
  readonly fixed: readonly string[];
  readonly may: readonly string[];
  readonly content: string;
}

const COMMON = ['content', 'nodes', 'disable', 'bwlimit'];
const FILES = [
  ...['prune-backups', 'max-protected-backups', 'format', 'preallocation', 'mkdir', 'content-dirs'],
  ...['create-base-path', 'create-subdirs', 'snapshot-as-volume-chain'],
];

/** The plugins of PVE::Storage. */
const KINDS: Readonly<Record<string, Kind>> = {
  dir: { fixed: ['path'], may: [...FILES, 'shared', 'is_mountpoint'], content: 'images,rootdir' },
  btrfs: {
    ...{ fixed: ['path'], content: 'images,rootdir' },
    may: [...FILES, 'shared', 'is_mountpoint', 'nocow'],
  },
  nfs: { fixed: ['server', 'export'], may: [...FILES, 'path', 'options'], content: 'images' },
  cifs: {
    ...{ fixed: ['server', 'share'], content: 'images' },
    may: [...FILES, 'path', 'subdir', 'username', 'password', 'domain', 'smbversion', 'options'],
  },
  lvm: {
    ...{ fixed: ['vgname'], content: 'images' },
    may: ['shared', 'saferemove', 'saferemove_throughput', 'base', 'tagged_only', 'snapshot-as-volume-chain'],
  },
  lvmthin: { fixed: ['thinpool', 'vgname'], may: [], content: 'images,rootdir' },
  zfspool: { fixed: ['pool'], may: ['blocksize', 'sparse', 'mountpoint'], content: 'images,rootdir' },
  rbd: {
    ...{ fixed: ['pool'], content: 'images' },
    may: ['monhost', 'namespace', 'data-pool', 'username', 'krbd', 'keyring'],
  },
  cephfs: {
    ...{ fixed: [], content: 'backup' },
    may: [...FILES, 'path', 'monhost', 'subdir', 'fuse', 'fs-name', 'username', 'keyring', 'options'],
  },
  pbs: {
    ...{ fixed: ['server', 'datastore'], content: 'backup' },
    may: [
      ...['namespace', 'port', 'username', 'password', 'fingerprint', 'encryption-key', 'master-pubkey'],
      ...['prune-backups', 'max-protected-backups'],
    ],
  },
};

/** What is no option of a storage; secrets are kept elsewhere. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  ...[
    'storage',
    'type',
    'digest',
    'delete',
    'node',
    'password',
    'keyring',
    'encryption-key',
    'master-pubkey',
  ],
]);

/** What is kept of a request's parameters. */
const given = (params: RouteParams): Record<string, string> =>
  Object.fromEntries(Object.entries(params.texts()).filter(([key]) => !LEFT_OUT.has(key)));

function requireKnown(kind: Kind | undefined, options: Readonly<Record<string, string>>): void {
  const known = kind && new Set([...COMMON, ...kind.fixed, ...kind.may]);
  const unknown = known && Object.keys(options).find((key) => !known.has(key));
  if (unknown !== undefined) throw failure(`unexpected property '${unknown}'`);
}

/** What no node of a lab ever reaches, unless the inventory has it. */
const isServed = (type: string): boolean => type === 'nfs' || type === 'cifs';

/** A folder as it is kept: no slash at its end, none doubled (File::Spec, canonpath). */
function plainPath(path: string): string {
  if (!/^\/[-/a-zA-Z0-9_.@]+$/.test(path)) throw failure(`illegal path for directory storage: ${path}`);
  return path.replaceAll(/\/+(?:\.\/+)*/g, '/').replace(/(.)\/\.?$/, '$1');
}

/** Leaves out what a kind of storage cannot hold. @throws when nothing is left, or `none` stands beside others */
function requireContent(type: string, options: Record<string, string>): void {
  const known: readonly string[] | undefined = storageKind(type)?.content;
  if (options.content === undefined || known === undefined) return;
  const can = [
    ...known,
    ...(known.includes('iso') ? ['import'] : []),
    ...(/^(dir|btrfs|pbs)$/.test(type) ? ['none'] : []),
  ];
  const kept = [...new Set(splitList(options.content))].filter((one) => can.includes(one));
  if (kept.includes('none') && kept.length > 1)
    throw failure("unable to combine 'none' with other content types");
  if (kept.length === 0 && !can.includes('none'))
    throw failure("storage does not support content type 'none'");
  options.content = kept.join(',') || 'none';
}

/** The digest of all storages' options. */
export const storagesDigest = ({ storages }: Lab): string =>
  digestOf(JSON.stringify(storages.all.map((one) => [one.name, storageOptions(one)])));

async function edit<T>({ lab, node }: RequestContext, what: string, work: () => T | Promise<T>): Promise<T> {
  try {
    if (!lab.membership.isQuorate(node)) throw failure("cfs-lock 'file-storage_cfg' error: no quorum!");
    return await lab.locks.cluster('file-storage_cfg', work);
  } catch (error) {
    throw under(what, error);
  }
}

async function create(context: RequestContext, params: RouteParams): Promise<unknown> {
  const { storages } = context.lab;
  const [storage, type] = [params.need('storage'), params.need('type')];
  const kind = KINDS[type];
  const options = given(params);
  if (options.nodes === '') delete options.nodes;
  requireKnown(kind, options);
  const missing = kind?.fixed.find((key) => options[key] === undefined);
  if (missing !== undefined) throw failure(`missing value for required option '${missing}'`);
  requireContent(type, options);
  if (type === 'dir' || type === 'btrfs') options.path = plainPath(options.path!);
  return edit(context, 'create storage failed', async () => {
    if (storages.all.some((one) => one.name === storage))
      throw failure(`storage ID '${storage}' already defined`);
    const made: Record<string, string> = { type, content: kind?.content ?? 'images', ...options };
    if (kind?.may.includes('path')) made.path ??= `/mnt/pve/${storage}`;
    if (isServed(type) && storages.isOn(context.node, made))
      throw failure(`storage '${storage}' is not online`);
    if (made['create-base-path'] === '0' || made.mkdir === '0')
      throw failure(
        `unable to activate storage '${storage}' - directory '${made.path}' does not exist or is unreachable`,
      );
    // Of a backup server the lab plays the server, too; other servers are somebody's.
    if (type === 'dir' || type === 'pbs')
      await context.lab.volumes.adopt(storage, type === 'pbs' || made.shared === '1');
    storages.change(storage, made);
    return { storage, type };
  });
}

async function update(context: RequestContext, params: RouteParams): Promise<unknown> {
  const { lab } = context;
  const storage = params.need('storage');
  return edit(context, 'update storage failed', () => {
    const digest = params.text('digest');
    if (digest !== null && digest !== storagesDigest(lab))
      throw failure('detected modified configuration - file changed by other user? Try again.');
    const conf = lab.storages.get(storage);
    const kind = KINDS[conf.type];
    const options = given(params);
    requireKnown(kind, options);
    requireContent(conf.type, options);
    const fixed = kind?.fixed.find((key) => options[key] !== undefined);
    if (fixed !== undefined) throw failure(`can't change value of fixed parameter '${fixed}'`);
    const next: Record<string, string> = { ...storageOptions(conf) };
    for (const key of params.list('delete')) {
      if (kind && ![...COMMON, ...kind.fixed, ...kind.may].includes(key))
        throw failure(`no such option '${key}'`);
      if (kind?.fixed.includes(key)) throw failure(`unable to delete required option '${key}'`);
      if (options[key] !== undefined)
        throw failure(`cannot set and delete property '${key}' at the same time!`);
      delete next[key];
    }
    lab.storages.change(storage, { content: kind?.content ?? 'images', ...next, ...options });
    return { storage, type: conf.type };
  });
}

async function remove(context: RequestContext, params: RouteParams): Promise<null> {
  const { lab } = context;
  const storage = params.need('storage');
  await edit(context, 'delete storage failed', () => {
    lab.storages.get(storage);
    lab.storages.change(storage, null);
  });
  lab.access.update((data) => {
    data.acl = data.acl.filter((rule) => rule.path !== `/storage/${storage}`);
    for (const [name, pool] of Object.entries(data.pools))
      data.pools[name] = { ...pool, storage: pool.storage.filter((one) => one !== storage) };
  });
  return null;
}

/**
 * Storages' options (PVE::API2::Storage::Config). Those of a lab follow from its inventory; what is made by the API
 * alone has no room on any node, and shows as not active.
 */
export const STORAGE_EDIT_ROUTES: readonly Route[] = [
  { method: 'POST', path: '/storage', permission, handler: create },
  { method: 'PUT', path: '/storage/{storage}', permission, handler: update },
  { method: 'DELETE', path: '/storage/{storage}', permission, handler: remove },
];
