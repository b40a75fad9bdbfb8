import { storageKind } from '@psa/appliance/inventory/storages';
import type { StorageConf } from '../../cluster/storages.ts';
import { badParameter, failure } from '../../errors.ts';
import type { RouteParams } from '../params.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';
import { checkNamed, named } from './content.ts';

const STORAGE = '/nodes/{node}/storage/{storage}';
const IMAGE = /^(?:((?:vm|base|subvol)-\d+-[^/\s]+|[^/\s]+)\.(raw|qcow2|vmdk|subvol))$/;

/** Formats of disks by kind of storage (`plugindata` of its plugin); others have raw ones alone. */
const FORMATS: Readonly<Record<string, readonly string[]>> = {
  btrfs: ['raw', 'subvol'],
  cifs: ['qcow2', 'raw', 'vmdk'],
  dir: ['qcow2', 'raw', 'subvol', 'vmdk'],
  lvm: ['qcow2', 'raw'],
  nfs: ['qcow2', 'raw', 'vmdk'],
  zfspool: ['raw', 'subvol'],
};

/** What a list of storages says of formats when it is asked for them. */
export function formatsOf({ type }: StorageConf): Record<string, unknown> {
  const supported = FORMATS[type] ?? ['raw'];
  const flags = Object.fromEntries(supported.map((format) => [format, 1]));
  return { formats: { supported, default: 'raw' }, format: [flags, 'raw'] };
}

function sizeKb(text: string): number {
  const [, number, unit] = /^(\d+)([MG]?)$/.exec(text) ?? [];
  return Number(number) * (unit === 'G' ? 1024 ** 2 : unit === 'M' ? 1024 : 1);
}

/** Makes an empty disk by hand (PVE::API2::Storage::Content, create). */
async function allocate(context: RequestContext, params: RouteParams): Promise<string> {
  const { lab, node } = context;
  const name = params.need('filename');
  const vmid = params.int('vmid');
  const kb = sizeKb(params.need('size'));
  const given = params.text('format');
  const ending = /\.(raw|qcow2|vmdk)$/.exec(name)?.[1];
  if (ending !== undefined && given !== null && given !== ending)
    throw badParameter({ format: `different storage formats (${given} != ${ending})` });
  const format = ending ?? given ?? 'raw';
  const conf = lab.storages.onNode(node, params.need('storage'));
  if (storageKind(conf.type)?.disk !== 'file') {
    const wanted = format === 'subvol' ? 'subvol' : 'vm';
    if (!(FORMATS[conf.type] ?? ['raw']).includes(format)) throw failure(`unsupported format '${format}'`);
    if (!name.startsWith(`${wanted}-${vmid}-`))
      throw failure(`illegal name '${name}' - should be '${wanted}-${vmid}-*'`);
    const volume = { storage: conf.name, name };
    if (await lab.volumes.exists(node, volume)) throw failure(`disk image '${name}' already exists`);
    await lab.volumes.create(node, volume, { archive: null, unprivileged: true, sizeBytes: kb * 1024 });
    return `${conf.name}:${name}`;
  }
  const [, base, own] = IMAGE.exec(name) ?? [];
  if (base === undefined) throw failure(`unable to parse volume filename '${name}'`);
  if (own !== format)
    throw failure(`illegal name '${name}' - wrong extension for format ('${own} != '${format}')`);
  const volume = { storage: conf.name, name: own === 'raw' ? base : name };
  const shown = `${conf.path ?? `/mnt/pve/${conf.name}`}/images/${vmid}/${name}`;
  if (await lab.volumes.exists(node, volume)) throw failure(`disk image '${shown}' already exists`);
  if (format === 'subvol' && kb !== 0) throw failure('storage does not support subvol quotas');
  await lab.volumes.create(node, volume, { archive: null, unprivileged: true, sizeBytes: kb * 1024 });
  return `${conf.name}:${vmid}/${name}`;
}

/** Files of a backup are shown by Proxmox Backup Server alone. */
function fileRestore(context: RequestContext, params: RouteParams): never {
  const storage = params.need('storage');
  const text = params.need('volume');
  const [, given] = /^([a-z][a-z0-9\-_.]*[a-z0-9]):.+$/i.exec(text) ?? [];
  if (given !== undefined && given !== storage)
    throw badParameter({ volume: `storage ID mismatch (${given} != ${storage}).` });
  const volid =
    given !== undefined ? text : `${storage}:${text.startsWith('backup/') ? text : `backup/${text}`}`;
  const volume = named(context, volid, null);
  if (volume.file?.content !== 'backup')
    throw failure(`unable to use volume ${volid} - content type needs to be 'backup'`);
  checkNamed(context, volume);
  throw badParameter({ storage: 'Only PBS storages supported for file-restore.' });
}

/** What a foreign guest on a storage would be made with: there are none. */
function importMetadata(context: RequestContext, params: RouteParams): never {
  const volume = named(context, `${params.need('storage')}:${params.need('volume')}`, null);
  checkNamed(context, volume);
  throw failure('storage does not support the importer API');
}

/** Images of a registry need a program that a node does not have unless someone installs it. */
function pull(): never {
  throw failure("Install 'skopeo' to pull OCI images from registries.");
}

/** What is made on a storage by hand, or looked into. */
export const ALLOCATE_ROUTES: readonly Route[] = [
  {
    ...{ method: 'POST', path: `${STORAGE}/content`, handler: allocate },
    permission: needs('/storage/{storage}', ['Datastore.AllocateSpace']),
  },
  { method: 'GET', path: `${STORAGE}/file-restore/list`, permission: anyone, handler: fileRestore },
  { method: 'GET', path: `${STORAGE}/file-restore/download`, permission: anyone, handler: fileRestore },
  { method: 'GET', path: `${STORAGE}/import-metadata`, permission: anyone, handler: importMetadata },
  {
    ...{ method: 'POST', path: `${STORAGE}/oci-registry-pull`, handler: pull },
    permission: {
      check: [
        'and',
        ['perm', '/storage/{storage}', ['Datastore.AllocateTemplate']],
        ['perm', '/nodes/{node}', ['Sys.AccessNetwork']],
      ],
    },
  },
];
