import { createReadStream } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { ownerOf, type StorageConf } from '../../cluster/storages.ts';
import { failure } from '../../errors.ts';
import { sizeOf, volumeOf } from '../../guests/values.ts';
import type { Lab } from '../../lab.ts';
import type { VolumeId } from '../../ports.ts';
import type { RequestContext } from '../route.ts';
import { besides, fileNameOf, isBackupFile, parseBackupName, volumeNameOf } from './archive-name.ts';

/** Kinds of files that a storage may keep. */
export type FileContent = 'vztmpl' | 'backup' | 'iso' | 'snippets' | 'import';

/** A file on a storage. */
export interface StoredFile {
  /** `shared:backup/vzdump-lxc-101-….tar.zst` */
  readonly volid: string;
  readonly storage: string;
  readonly content: FileContent;
  readonly name: string;
  /** Where it is on the machine. */
  readonly file: string;
  readonly size: number;
  readonly ctime: number;
  readonly format: string;
  /** The container that a backup is of; null: none, or nobody knows. */
  readonly vmid: number | null;
  readonly notes: string | null;
  readonly isProtected: boolean;
  /** What a backup server has found when it last looked; null: it has not, or is none. */
  readonly verification: string | null;
}

const FOLDERS: Readonly<Record<FileContent, string>> = {
  ...{ vztmpl: 'template/cache', iso: 'template/iso', backup: 'dump' },
  ...{ snippets: 'snippets', import: 'import' },
};
const NAMES: Readonly<Record<FileContent, RegExp>> = {
  vztmpl: /\.tar\.(gz|xz|zst|bz2)$/,
  iso: /\.(iso|img)$/i,
  backup: /^/,
  snippets: /^/,
  import: /\.(ova|ovf|qcow2|raw|vmdk)$/i,
};
/** Kinds of files, as a storage lists them. */
export const FILE_CONTENTS = Object.keys(FOLDERS) as FileContent[];

/** Whether a file may have this name as this kind. */
export const fitsContent = (name: string, content: FileContent): boolean => NAMES[content].test(name);

/** Where a node has a file of a storage, as logs and answers show it (on the machine it is elsewhere). */
export function shownPath(conf: StorageConf, content: FileContent, name: string): string {
  return `${conf.path ?? `/mnt/pve/${conf.name}`}/${FOLDERS[content]}/${name}`;
}

/** Files of a kind on a storage, the oldest first. */
export async function listFiles(
  lab: Lab,
  node: string,
  conf: StorageConf,
  content: FileContent,
): Promise<readonly StoredFile[]> {
  if (!conf.content.includes(content)) return [];
  const folder = await lab.volumes.folder(node, conf.name, content);
  const names = await readdir(folder).catch(() => [] as string[]);
  const fitting = names.filter((name) =>
    content === 'backup' ? isBackupFile(name) : fitsContent(name, content),
  );
  const files = await Promise.all(fitting.map((name) => readEntry(folder, conf, content, name)));
  return files
    .filter((one) => one !== null)
    .sort((a, b) => a.ctime - b.ctime || (a.volid < b.volid ? -1 : 1));
}

/** One file of a storage; null: there is none. */
export async function findFile(
  lab: Lab,
  node: string,
  conf: StorageConf,
  content: FileContent,
  name: string,
): Promise<StoredFile | null> {
  if (name.includes('/')) return null;
  return readEntry(await lab.volumes.folder(node, conf.name, content), conf, content, name);
}

async function readEntry(
  folder: string,
  { name: storage, type }: StorageConf,
  content: FileContent,
  name: string,
): Promise<StoredFile | null> {
  const file = join(folder, name);
  const found = await stat(file).catch(() => null);
  if (!found?.isFile()) return null;
  const backup = content === 'backup' ? parseBackupName(name) : null;
  const beside = besides(file);
  const exists = (path: string) => stat(path).then(Boolean, () => false);
  return {
    volid: `${storage}:${content === 'backup' ? volumeNameOf(type, name) : `${content}/${name}`}`,
    ...{ storage, content, name, file, size: found.size },
    ctime: backup?.ctime ?? Math.floor(found.mtimeMs / 1000),
    format: type === 'pbs' ? 'pbs-ct' : formatOf(content, name),
    vmid: ownerByName(content, name),
    notes: content === 'backup' ? await readFile(beside.notes, 'utf8').catch(() => null) : null,
    isProtected: content === 'backup' && (await exists(beside.protection)),
    verification:
      type === 'pbs' ? (await readFile(beside.verification, 'utf8').catch(() => '')).trim() || null : null,
  };
}

/** The guest that a file belongs to, by its name; null: none, or nobody knows. */
export function ownerByName(content: FileContent, name: string): number | null {
  const id = content === 'backup' ? /^vzdump-(?:openvz|lxc|qemu)-(\d+)-.+/.exec(name)?.[1] : undefined;
  return id === undefined ? null : Number(id);
}

function formatOf(content: FileContent, name: string): string {
  if (content === 'backup') return /\.(tar(\.(gz|lzo|zst))?|tgz)$/.exec(name)?.[1] ?? 'raw';
  if (content === 'vztmpl') return `t${/\.tar\.(\w+)$/.exec(name)?.[1] ?? 'ar'}`;
  return content === 'snippets' ? 'snippet' : (/\.(\w+)$/.exec(name)?.[1]?.toLowerCase() ?? 'raw');
}

/** Removes a backup with all that stands beside it, or any other file. @throws for a protected one */
export async function removeFile(found: StoredFile): Promise<void> {
  if (found.isProtected)
    throw failure(
      `cannot remove protected volume '${found.volid.slice(found.storage.length + 1)}' on '${found.storage}'`,
    );
  await rm(found.file);
  if (found.content !== 'backup') return;
  const { log, notes, verification } = besides(found.file);
  await Promise.all([log, notes, verification].map((path) => rm(path, { force: true })));
}

/** Sets or takes away a backup's notes and its protection. */
export async function markBackup(
  file: string,
  marks: { readonly notes?: string | null; readonly isProtected?: boolean | null },
): Promise<void> {
  const { notes, protection } = besides(file);
  if (typeof marks.notes === 'string') {
    if (marks.notes === '') await rm(notes, { force: true });
    else await writeFile(notes, marks.notes);
  }
  if (marks.isProtected === true) await writeFile(protection, '');
  if (marks.isProtected === false) await rm(protection, { force: true });
}

/** A disk on a storage, and whose it is. */
export interface StoredDisk {
  readonly volume: VolumeId;
  readonly volid: string;
  readonly vmid: number;
  readonly size: number;
  readonly used: number;
  readonly ctime: number;
  readonly format: string;
  /** `rootdir` where a container of that id is there; else `images`. */
  readonly content: 'rootdir' | 'images';
}

/** Every disk on a storage: its size as a configuration says it, or else as the storage does. */
export async function listDisks(lab: Lab, node: string, conf: StorageConf): Promise<readonly StoredDisk[]> {
  const sizes = new Map<string, number>();
  for (const guest of lab.guests.all()) {
    const { values } = lab.guests.load(guest.node, guest.vmid).conf;
    for (const setting of Object.values(values))
      if (sizeOf(setting) > 0) sizes.set(volumeOf(setting), sizeOf(setting));
  }
  const names = await lab.volumes.list(node, conf.name);
  const disks = await Promise.all(
    names.map(async (name): Promise<StoredDisk | null> => {
      const volume = { storage: conf.name, name };
      const vmid = ownerOf(volume);
      if (vmid === null) return null;
      const usage = await lab.volumes.usage(node, volume).catch(() => null);
      const made = await stat(await lab.volumes.path(node, volume)).catch(() => null);
      if (!usage || !made) return null;
      const volid = lab.storages.print(volume);
      return {
        ...{ volume, volid, vmid, size: sizes.get(volid) ?? usage.size, used: usage.used },
        ctime: Math.floor(made.ctimeMs / 1000),
        format: /\.(qcow2|vmdk|subvol)$/.exec(name)?.[1] ?? 'raw',
        content: lab.guests.nodeOf(vmid) === null ? 'images' : 'rootdir',
      };
    }),
  );
  return disks.filter((one) => one !== null);
}

/** A volume as rights on it are decided. */
export interface VolumeUse {
  readonly storage: string;
  readonly volid: string;
  /** `images`: a disk. */
  readonly kind: FileContent | 'images';
  readonly owner: number | null;
}

/** Whether the caller may use a volume (PVE::Storage, check_volume_access). @throws 403; 500 for kinds that are nobody's */
export function checkVolume(context: RequestContext, { storage, volid, kind, owner }: VolumeUse): void {
  const path = `/storage/${storage}`;
  if (context.may(path, ['Datastore.Allocate'])) return;
  if (kind === 'iso' || kind === 'vztmpl' || kind === 'import')
    context.check(path, ['Datastore.AllocateSpace', 'Datastore.Audit'], true);
  else if (kind === 'backup' && owner !== null) {
    context.check(path, ['Datastore.AllocateSpace']);
    context.check(`/vms/${owner}`, ['VM.Backup']);
  } else if (kind === 'images' && owner !== null) {
    context.check(path, ['Datastore.Audit']);
    context.check(`/vms/${owner}`, ['VM.Config.Disk']);
  } else throw failure(`missing privileges to access ${volid}`);
}

/** Whether the caller may see and use a file of a storage. */
export function mayUse(
  context: RequestContext,
  storage: string,
  kind: FileContent,
  owner: number | null,
): boolean {
  try {
    checkVolume(context, { storage, volid: '', kind, owner });
    return true;
  } catch {
    return false;
  }
}

/** Perl says where it died when a message has no line break at its end. */
const ARBITRARY =
  'Only root can pass arbitrary filesystem paths. at /usr/share/perl5/PVE/Storage.pm line 651.';

/**
 * A backup as a request names it: `shared:backup/…`, and the caller may use it.
 * @throws 500 when it is none; 403
 */
export function backupVolume(
  context: RequestContext,
  volid: string,
): { readonly conf: StorageConf; readonly name: string; readonly vmid: number | null } {
  const [, storage, rest] = /^([a-zA-Z][a-zA-Z0-9._-]*[a-zA-Z0-9]):(.+)$/s.exec(volid) ?? [];
  if (storage === undefined || rest === undefined) throw failure(ARBITRARY);
  const conf = context.lab.storages.get(storage);
  const name = fileNameOf(conf.type, rest);
  if (name === null) {
    const [, content] = /^([a-z]+)\//.exec(rest) ?? [];
    const isOther =
      conf.type !== 'pbs' &&
      (FILE_CONTENTS.some((kind) => kind === content) || context.lab.storages.parse(volid));
    throw failure(
      isOther
        ? `unable to use volume ${volid} - content type needs to be 'backup'`
        : `unable to parse ${conf.type === 'pbs' ? 'PBS' : 'directory'} volume name '${rest}'`,
    );
  }
  const vmid = ownerByName('backup', name);
  checkVolume(context, { storage, volid, kind: 'backup', owner: vmid });
  return { conf, name, vmid };
}

const BLOCK = 512;
const CONFIG = /^(?:\.\/)?etc\/vzdump\/pct\.conf$/;

/** The configuration in a backup. @throws when there is none in it */
export async function readBackupConfig(file: string): Promise<string> {
  const source = createReadStream(file);
  const opened = opener(file, source);
  let held: Buffer = Buffer.alloc(0);
  let skip = 0;
  try {
    for await (const chunk of opened) {
      held = held.length === 0 ? (chunk as Buffer) : Buffer.concat([held, chunk as Buffer]);
      for (;;) {
        const gone = Math.min(skip, held.length);
        held = held.subarray(gone);
        skip -= gone;
        if (skip > 0 || held.length < BLOCK) break;
        const name = held.subarray(0, 100).toString('utf8').replace(/\0.*$/s, '');
        const size =
          Number.parseInt(held.subarray(124, 136).toString('latin1').replace(/\0.*$/s, '').trim(), 8) || 0;
        if (!CONFIG.test(name)) {
          skip = BLOCK + Math.ceil(size / BLOCK) * BLOCK;
          continue;
        }
        if (held.length < BLOCK + size) break;
        return held.subarray(BLOCK, BLOCK + size).toString('utf8');
      }
    }
  } finally {
    source.destroy();
    opened.destroy();
  }
  throw failure(`unable to extract configuration from '${file.split('/').at(-1)}'`);
}

function opener(file: string, source: Readable): Readable {
  const through = file.endsWith('.zst') ? createZstdDecompress() : /gz$/.test(file) ? createGunzip() : null;
  if (through === null) return source;
  source.on('error', (error) => through.destroy(error));
  return source.pipe(through);
}
