import { createReadStream } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { ownerOf, type StorageConf } from '../../cluster/storages.ts';
import type { VolumeId } from '../../ports.ts';
import { denied, failure } from '../errors.ts';
import type { Lab } from '../lab.ts';
import { volumesOf } from '../lxc/disks.ts';
import { sizeOf, volumeOf } from '../lxc/values.ts';
import type { RequestContext } from '../route.ts';
import { besides, isBackupFile, parseBackupName } from './archive-name.ts';

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
  const files = await Promise.all(fitting.map((name) => readEntry(folder, conf.name, content, name)));
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
  return readEntry(await lab.volumes.folder(node, conf.name, content), conf.name, content, name);
}

async function readEntry(
  folder: string,
  storage: string,
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
    ...{ volid: `${storage}:${content}/${name}`, storage, content, name, file, size: found.size },
    ctime: backup?.ctime ?? Math.floor(found.mtimeMs / 1000),
    format: formatOf(content, name),
    vmid: backup?.vmid ?? null,
    notes: content === 'backup' ? await readFile(beside.notes, 'utf8').catch(() => null) : null,
    isProtected: content === 'backup' && (await exists(beside.protection)),
  };
}

function formatOf(content: FileContent, name: string): string {
  if (content === 'backup') return /\.(tar(\.(gz|lzo|zst))?|tgz)$/.exec(name)?.[1] ?? 'raw';
  if (content === 'vztmpl') return `t${/\.tar\.(\w+)$/.exec(name)?.[1] ?? 'ar'}`;
  return content === 'snippets' ? 'snippet' : (/\.(\w+)$/.exec(name)?.[1]?.toLowerCase() ?? 'raw');
}

/** Removes a backup with all that stands beside it, or any other file. @throws for a protected one */
export async function removeFile(found: StoredFile): Promise<void> {
  if (found.isProtected)
    throw failure(`cannot remove protected volume '${found.content}/${found.name}' on '${found.storage}'`);
  await rm(found.file);
  if (found.content !== 'backup') return;
  const { log, notes } = besides(found.file);
  await Promise.all([log, notes].map((path) => rm(path, { force: true })));
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

/** Containers' disks on a storage, as far as a configuration names them. */
export function listDisks(
  lab: Lab,
  node: string,
  conf: StorageConf,
): readonly { volume: VolumeId; volid: string; vmid: number; size: number }[] {
  return lab.guests
    .all()
    .filter((guest) => conf.shared || guest.node === node)
    .flatMap((guest) => {
      const loaded = lab.guests.load(guest.node, guest.vmid);
      return volumesOf(lab, loaded.conf)
        .filter((volume) => volume.storage === conf.name)
        .map((volume) => {
          const volid = lab.storages.print(volume);
          const setting = Object.values(loaded.conf.values).find((text) => volumeOf(text) === volid);
          return { volume, volid, vmid: ownerOf(volume) ?? guest.vmid, size: sizeOf(setting) };
        });
    });
}

/** Whether the caller may see and use a file of a storage. */
export function mayUse(
  context: RequestContext,
  storage: string,
  content: FileContent,
  vmid: number | null,
): boolean {
  const path = `/storage/${storage}`;
  if (context.may(path, ['Datastore.Allocate'])) return true;
  if (content !== 'backup')
    return context.may(
      path,
      ['Datastore.AllocateSpace', 'Datastore.AllocateTemplate', 'Datastore.Audit'],
      true,
    );
  return (
    context.may(path, ['Datastore.AllocateSpace']) &&
    vmid !== null &&
    context.may(`/vms/${vmid}`, ['VM.Backup'])
  );
}

/** @throws 403 unless {@link mayUse} */
export function checkUse(
  context: RequestContext,
  storage: string,
  content: FileContent,
  vmid: number | null,
): void {
  if (mayUse(context, storage, content, vmid)) return;
  context.check(`/storage/${storage}`, ['Datastore.AllocateSpace']);
  if (vmid === null) throw denied();
  context.check(`/vms/${vmid}`, ['VM.Backup']);
}

/** A backup as a request names it: `shared:backup/…`. @throws 500 when it is no such name */
export function parseBackupVolume(text: string): {
  readonly storage: string;
  readonly name: string;
  readonly vmid: number | null;
} {
  const [, storage, name] = /^([a-zA-Z][a-zA-Z0-9._-]*):backup\/([^/]+)$/.exec(text) ?? [];
  if (storage === undefined || name === undefined) throw failure(`unable to parse volume ID '${text}'`);
  return { storage, name, vmid: parseBackupName(name)?.vmid ?? null };
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
