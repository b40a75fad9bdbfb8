import type { StorageConf } from '../../cluster/storages.ts';
import { failure } from '../errors.ts';
import type { RouteParams } from '../params.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';
import { parseBackupName } from './archive-name.ts';
import {
  checkUse,
  FILE_CONTENTS,
  type FileContent,
  findFile,
  listDisks,
  listFiles,
  markBackup,
  mayUse,
  removeFile,
  type StoredFile,
  shownPath,
} from './stored-files.ts';

const PATH = '/nodes/{node}/storage/{storage}/content';

/** What is on the storages: lists, attributes, notes, protection, removal. */
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
  const shown = files
    .filter((one) => vmid === null || one.vmid === vmid)
    .filter((one) => mayUse(context, conf.name, one.content, one.vmid))
    .map(fileEntry);
  if (wanted !== null && wanted !== 'rootdir' && wanted !== 'images') return shown;
  const disks = conf.content.includes('rootdir') ? listDisks(lab, node, conf) : [];
  return [
    ...shown,
    ...disks
      .filter((one) => vmid === null || one.vmid === vmid)
      .filter(
        (one) =>
          context.may(`/storage/${conf.name}`, ['Datastore.Allocate']) ||
          context.may(`/vms/${one.vmid}`, ['VM.Audit']),
      )
      .map(({ volid, vmid: owner, size }) => ({
        ...{ volid, vmid: owner, size, content: 'rootdir', format: 'raw' },
      })),
  ];
}

function fileEntry(one: StoredFile): unknown {
  return {
    ...{ volid: one.volid, content: one.content, format: one.format, size: one.size, ctime: one.ctime },
    ...(one.content === 'backup' && one.vmid !== null ? { vmid: one.vmid, subtype: 'lxc' } : {}),
    ...(one.notes === null ? {} : { notes: one.notes }),
    ...(one.isProtected ? { protected: 1 } : {}),
  };
}

interface Named {
  readonly conf: StorageConf;
  readonly volid: string;
  /** Null: a container's disk. */
  readonly file: { readonly content: FileContent; readonly name: string } | null;
}

/** The volume of a path: `shared:backup/x`, or `backup/x` of the storage beside it. */
function named({ lab, node }: RequestContext, params: RouteParams): Named {
  const storage = params.text('storage');
  const text = params.need('volume');
  const [, given, rest = text] = /^([a-zA-Z][a-zA-Z0-9._-]*):(.+)$/.exec(text) ?? [];
  if (given !== undefined && storage !== null && given !== storage)
    throw failure(`storage ID does not match - '${given}' != '${storage}'`);
  const name = given ?? storage;
  if (name === null || name === undefined) throw failure(`no storage ID specified`);
  const conf = lab.storages.onNode(node, name);
  const [, content, file] = /^([a-z]+)\/([^/]+)$/.exec(rest) ?? [];
  const kind = FILE_CONTENTS.find((one) => one === content);
  return {
    ...{ conf, volid: `${name}:${rest}` },
    file: kind === undefined || file === undefined ? null : { content: kind, name: file },
  };
}

async function known(context: RequestContext, volume: Named): Promise<StoredFile> {
  const { conf, file } = volume;
  if (!file) throw failure(`volume '${volume.volid}' is no file`);
  checkUse(context, conf.name, file.content, parseBackupName(file.name)?.vmid ?? null);
  const found = await findFile(context.lab, context.node, conf, file.content, file.name);
  if (!found) throw failure(`volume '${volume.volid}' does not exist`);
  return found;
}

async function attributes(context: RequestContext, params: RouteParams): Promise<unknown> {
  const volume = named(context, params);
  const { lab, node } = context;
  if (!volume.file) {
    const disk = listDisks(lab, node, volume.conf).find((one) => one.volid === volume.volid);
    if (!disk) throw failure(`volume '${volume.volid}' does not exist`);
    context.check(`/vms/${disk.vmid}`, ['VM.Audit']);
    const usage = await lab.volumes.usage(node, disk.volume);
    return { path: volume.volid, size: disk.size, used: usage.used, format: 'raw' };
  }
  const found = await known(context, volume);
  return {
    path: shownPath(volume.conf, found.content, found.name),
    ...{ size: found.size, used: found.size, format: 'raw' },
    ...(found.content === 'backup' ? { protected: found.isProtected ? 1 : 0 } : {}),
    ...(found.notes === null ? {} : { notes: found.notes }),
  };
}

async function change(context: RequestContext, params: RouteParams): Promise<void> {
  const volume = named(context, params);
  if (volume.file?.content !== 'backup')
    throw failure(`updating attributes of '${volume.volid}' is not supported`);
  const found = await known(context, volume);
  await markBackup(found.file, {
    notes: params.text('notes'),
    isProtected: params.has('protected') ? params.flag('protected') : null,
  });
}

async function remove(context: RequestContext, params: RouteParams): Promise<unknown> {
  const volume = named(context, params);
  const { lab, node, caller } = context;
  const { conf, file, volid } = volume;
  if (!file) {
    const disk = listDisks(lab, node, conf).find((one) => one.volid === volid);
    const owner = disk?.vmid ?? Number(/(?:vm|base|subvol)-(\d+)-/.exec(volid)?.[1]);
    if (lab.guests.nodeOf(owner) !== null)
      throw failure(
        `Cannot remove image, a guest with VMID '${owner}' exists!\nYou can delete the image from the guest's hardware pane`,
      );
    context.check(`/storage/${conf.name}`, ['Datastore.Allocate']);
    const loose = lab.storages.parse(volid);
    if (!loose) throw failure(`unable to parse volume ID '${volid}'`);
    return lab.tasks.start(
      { node, type: 'imgdel', id: `${owner}@${conf.name}`, user: caller.id },
      async (task) => {
        await lab.volumes.remove(node, loose);
        task.log(`Removed volume '${volid}'`);
      },
    );
  }
  const vmid = parseBackupName(file.name)?.vmid ?? null;
  checkUse(context, conf.name, file.content, vmid);
  if (file.content !== 'backup')
    context.check(`/storage/${conf.name}`, ['Datastore.Allocate', 'Datastore.AllocateTemplate'], true);
  const id = vmid === null ? conf.name : `${vmid}@${conf.name}`;
  return lab.tasks.start({ node, type: 'imgdel', id, user: caller.id }, async (task) => {
    const found = await findFile(lab, node, conf, file.content, file.name);
    if (!found)
      throw failure(
        `unlink '${shownPath(conf, file.content, file.name)}' failed - No such file or directory`,
      );
    await removeFile(found);
    task.log(`Removed volume '${volid}'`);
  });
}
