import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { storageKind } from '@psa/appliance/inventory/storages';
import type { StorageConf } from '../../cluster/storages.ts';
import { badParameter, failure } from '../../errors.ts';
import type { VolumeId } from '../../ports.ts';
import type { RouteParams } from '../params.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';
import { besides, fileNameOf } from './archive-name.ts';
import {
  checkVolume,
  FILE_CONTENTS,
  type FileContent,
  findFile,
  fitsContent,
  listDisks,
  listFiles,
  markBackup,
  mayUse,
  ownerByName,
  removeFile,
  type StoredFile,
  shownPath,
} from './stored-files.ts';

const PATH = '/nodes/{node}/storage/{storage}/content';

/** What is on the storages: lists, attributes, notes, protection, removal (PVE::API2::Storage::Content). */
export const CONTENT_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: PATH,
    permission: needs('/storage/{storage}', ['Datastore.Audit', 'Datastore.AllocateSpace'], true),
    handler: list,
  },
  { method: 'GET', path: `${PATH}/{volume}`, permission: anyone, handler: attributes },
  { method: 'PUT', path: `${PATH}/{volume}`, permission: anyone, handler: change },
  { method: 'DELETE', path: `${PATH}/{volume}`, permission: anyone, handler: remove },
];

async function list(context: RequestContext, params: RouteParams): Promise<unknown> {
  const { lab, node } = context;
  const conf = lab.storages.onNode(node, params.need('storage'));
  const wanted = params.text('content');
  const vmid = params.number('vmid');
  const kinds = FILE_CONTENTS.filter((kind) => wanted === null || wanted === kind);
  const files = (await Promise.all(kinds.map((kind) => listFiles(lab, node, conf, kind)))).flat();
  const isOf = (one: StoredFile) =>
    vmid === null || (one.content === 'backup' ? one.vmid === vmid : /^(snippets|import)$/.test(one.content));
  const shown = files
    .filter(isOf)
    .filter((one) => mayUse(context, conf.name, one.content, one.vmid))
    .map(fileEntry);
  const entries = [...shown, ...(await diskEntries(context, conf, wanted, vmid))];
  const key = (one: unknown) => (one as { volid: string }).volid.toLowerCase();
  return entries.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** Disks: of containers that are there, and of guests that are none or not there. */
async function diskEntries(
  context: RequestContext,
  conf: StorageConf,
  wanted: string | null,
  vmid: number | null,
): Promise<readonly { volid: string }[]> {
  const { lab, node } = context;
  const kinds = ['rootdir', 'images'].filter(
    (kind) => (wanted === null || wanted === kind) && conf.content.includes(kind),
  );
  if (kinds.length === 0) return [];
  const isSeen = (owner: number) =>
    context.may(`/storage/${conf.name}`, ['Datastore.Allocate']) ||
    (context.may(`/storage/${conf.name}`, ['Datastore.Audit']) &&
      context.may(`/vms/${owner}`, ['VM.Config.Disk']));
  const disks = (await listDisks(lab, node, conf)).filter(
    ({ vmid: owner, content }) =>
      kinds.includes(content) && (vmid === null || owner === vmid) && isSeen(owner),
  );
  // What a kind of storage says of its disks beside their size.
  const isFile = storageKind(conf.type)?.disk === 'file';
  return disks.map(({ volid, vmid: owner, size, used, ctime, content, format }) => ({
    ...{ volid, vmid: owner, size, content, format },
    ...(isFile ? { used, parent: null } : {}),
    ...(conf.type === 'zfspool' ? { parent: null } : { ctime }),
  }));
}

/** The backup server's own task. */
const VERIFIED_BY = 'UPID:pbs:000003E8:00001F40:00000001:65D00000:verificationjob:vault:root@pam:';

function fileEntry(one: StoredFile): { volid: string } {
  const isBackup = one.content === 'backup';
  // A list shows the first line of the notes.
  const notes = one.notes?.split('\n')[0];
  return {
    ...{ volid: one.volid, content: one.content, format: one.format, size: one.size, ctime: one.ctime },
    ...(isBackup ? { subtype: /^vzdump-(lxc|openvz|qemu)-/.exec(one.name)?.[1] ?? 'unknown' } : {}),
    ...(isBackup && one.vmid !== null ? { vmid: one.vmid } : {}),
    ...(notes ? { notes } : {}),
    ...(one.isProtected ? { protected: 1 } : {}),
    ...(one.verification === null ? {} : { verification: { state: one.verification, upid: VERIFIED_BY } }),
  };
}

/** What a volume's name says of it. */
export interface Named {
  readonly conf: StorageConf;
  readonly volid: string;
  /** `backup/x.tar`: behind the storage. */
  readonly rest: string;
  readonly file: { readonly content: FileContent; readonly name: string } | null;
  readonly disk: VolumeId | null;
  /** The guest that it belongs to. */
  readonly owner: number | null;
}

/** The volume of a path: `shared:backup/x`, or `backup/x` of the storage beside it. @throws 400, 500 */
export function named({ lab }: RequestContext, text: string, beside: string | null): Named {
  const [, given, behind] = /^([a-zA-Z][a-zA-Z0-9._-]*[a-zA-Z0-9]):(.+)$/s.exec(text) ?? [];
  if (text.includes(':')) {
    if (given === undefined) throw badParameter({ volume: `unable to parse volume ID '${text}'\n` });
    if (beside !== null && given !== beside)
      throw badParameter({ volume: `storage ID mismatch (${given} != ${beside})\n` });
  }
  const storage = given ?? beside ?? '';
  const rest = behind ?? text;
  const conf = lab.storages.get(storage);
  const volid = `${storage}:${rest}`;
  const backup = fileNameOf(conf.type, rest);
  const [, kind, name] = /^([a-z]+)\/([^/]+)$/.exec(rest) ?? [];
  const content = FILE_CONTENTS.find((one) => one === kind && one !== 'backup');
  const isOther = name !== undefined && content !== undefined && fitsContent(name, content);
  const file =
    backup !== null
      ? { content: 'backup' as const, name: backup }
      : isOther && conf.type !== 'pbs'
        ? { content, name }
        : null;
  const disk = file ? null : lab.storages.parse(volid);
  if (!file && conf.type === 'pbs') throw failure(`unable to parse PBS volume name '${rest}'\n`);
  if (!file && !disk) throw failure(`unable to parse ${kindOf(conf)} volume name '${rest}'`);
  const owner = file ? ownerByName(file.content, file.name) : Number(/-(\d+)-/.exec(disk!.name)?.[1]);
  return { conf, volid, rest, file, disk, owner };
}

const kindOf = ({ type }: StorageConf): string =>
  (({ lvmthin: 'lvm', zfspool: 'zfs', rbd: 'rbd', btrfs: 'btrfs' }) as Record<string, string>)[type] ??
  'directory';

/** @throws 403 */
export const checkNamed = (context: RequestContext, { conf, volid, file, owner }: Named): void =>
  checkVolume(context, { storage: conf.name, volid, kind: file?.content ?? 'images', owner });

async function attributes(context: RequestContext, params: RouteParams): Promise<unknown> {
  const volume = named(context, params.need('volume'), params.text('storage'));
  const { lab, node } = context;
  const { conf, volid, file, disk } = volume;
  checkNamed(context, volume);
  const missing = failure(`volume_size_info on '${volid}' failed - no format`);
  if (disk) {
    const usage = await lab.volumes.usage(node, disk).catch(() => null);
    if (!usage) throw missing;
    const known = (await listDisks(lab, node, conf)).find((one) => one.volid === volid);
    const path = `${conf.path ?? `/mnt/pve/${conf.name}`}/images/${volume.rest}`;
    return { path, size: known?.size ?? usage.size, used: usage.used, format: 'raw' };
  }
  const found = await findFile(lab, node, conf, file!.content, file!.name);
  if (!found) throw missing;
  if (found.size === 0) throw failure(`volume '${volid}' has size zero`);
  return {
    path: shownPath(conf, found.content, found.name),
    ...{ size: found.size, used: found.size, format: 'raw' },
    ...(found.content === 'backup' ? { protected: found.isProtected ? 1 : 0, notes: found.notes ?? '' } : {}),
  };
}

async function change(context: RequestContext, params: RouteParams): Promise<void> {
  const volume = named(context, params.need('volume'), params.text('storage'));
  const { lab, node } = context;
  const { conf, file } = volume;
  checkNamed(context, volume);
  const isBackup = file?.content === 'backup';
  if (params.has('notes') && !isBackup) throw failure('only backups can have notes');
  if (params.has('protected') && !isBackup) throw failure("only backups support attribute 'protected'");
  if (!isBackup) return;
  // The marks stand beside the file, also where there is none.
  const path = join(await lab.volumes.folder(node, conf.name, 'backup'), file.name);
  if (params.flag('protected')) await requireProtectable(context, volume);
  await markBackup(path, {
    notes: params.text('notes'),
    isProtected: params.has('protected') ? params.flag('protected') : null,
  });
}

/** A guest has at most five protected backups, but for who owns the storage. @throws 500 */
async function requireProtectable(context: RequestContext, { conf, volid, owner }: Named): Promise<void> {
  if (owner === null || context.may(`/storage/${conf.name}`, ['Datastore.Allocate'])) return;
  const backups = (await listFiles(context.lab, context.node, conf, 'backup')).filter(
    (one) => one.vmid === owner && one.isProtected,
  );
  if (backups.length >= 5 && !backups.some((one) => one.volid === volid))
    throw failure(`The number of protected backups per guest is limited to 5 on storage '${conf.name}'`);
}

/** How long a request waits for its task, at most, when it was told to. */
const DELAY_STEP_MS = 1_000;

async function remove(context: RequestContext, params: RouteParams): Promise<unknown> {
  const volume = named(context, params.need('volume'), params.text('storage'));
  const { lab, node, caller } = context;
  const { conf, file, disk, volid, owner } = volume;
  const storage = `/storage/${conf.name}`;
  if (file?.content === 'backup' && owner !== null) {
    context.check(storage, ['Datastore.AllocateSpace']);
    context.check(`/vms/${owner}`, ['VM.Backup']);
  } else context.check(storage, ['Datastore.Allocate']);
  const id = owner === null ? conf.name : `${owner}@${conf.name}`;
  const upid = lab.tasks.start({ node, type: 'imgdel', id, user: caller.id }, async (task) => {
    if (disk) {
      if (await lab.volumes.exists(node, disk)) await lab.volumes.remove(node, disk);
      else
        task.log(
          `W: disk image '${conf.path ?? `/mnt/pve/${conf.name}`}/images/${volume.rest}' does not exist`,
        );
    } else {
      const found = await findFile(lab, node, conf, file!.content, file!.name);
      const folder = await lab.volumes.folder(node, conf.name, file!.content);
      const isMarked = await stat(besides(join(folder, file!.name)).protection).then(Boolean, () => false);
      if (!found && isMarked)
        throw failure(`cannot remove protected volume '${volume.rest}' on '${conf.name}'`);
      // What is not there is as good as removed.
      if (found) await removeFile(found);
      else task.log(`W: disk image '${shownPath(conf, file!.content, file!.name)}' does not exist`);
    }
    task.log(`Removed volume '${volid}'`);
  });
  const delay = params.number('delay');
  if (delay === null) return upid;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), delay * DELAY_STEP_MS * lab.timeFactor);
  });
  const status = await Promise.race([lab.tasks.wait(upid), late]);
  clearTimeout(timer);
  if (status === null) return upid;
  if (status !== 'OK' && !status.startsWith('WARNINGS')) throw failure(status);
  return null;
}
