import type { StorageConf } from '../../cluster/storages.ts';
import { failure } from '../../errors.ts';
import type { Lab } from '../../lab.ts';
import type { RouteParams } from '../params.ts';
import { anyone, needs, type Route } from '../route.ts';
import { parseBackupName } from './archive-name.ts';
import { type KeepOptions, type PruneMark, parseKeep, pruneMarks } from './prune.ts';
import { listFiles, removeFile, type StoredFile } from './stored-files.ts';

const PATH = '/nodes/{node}/storage/{storage}/prunebackups';

/** Retention of the backups of a storage: what would go, and letting it go. */
export const PRUNE_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: PATH,
    permission: needs('/storage/{storage}', ['Datastore.Audit', 'Datastore.AllocateSpace'], true),
    handler: async ({ lab, node }, params) => {
      const judged = await judge(lab, node, asked(lab, params));
      return judged.map(({ file, mark }) => ({
        ...{ volid: file.volid, ctime: file.ctime, mark, type: typeOf(file) },
        ...(file.vmid === null ? {} : { vmid: file.vmid }),
      }));
    },
  },
  {
    method: 'DELETE',
    path: PATH,
    permission: anyone,
    handler: (context, params) => {
      const { lab, node, caller } = context;
      const storage = params.need('storage');
      const vmid = params.number('vmid');
      if (vmid === null) context.check(`/storage/${storage}`, ['Datastore.Allocate']);
      else {
        context.check(`/storage/${storage}`, ['Datastore.AllocateSpace']);
        context.check(`/vms/${vmid}`, ['VM.Backup']);
      }
      const id = vmid === null ? storage : `${vmid}@${storage}`;
      return lab.tasks.start({ node, type: 'prunebackups', id, user: caller.id }, async (task) => {
        await pruneBackups(lab, node, asked(lab, params), (line) => task.log(line));
      });
    },
  },
];

/** What is judged, and by which rules. */
export interface Pruning {
  readonly conf: StorageConf;
  readonly keep: KeepOptions | null;
  readonly vmid: number | null;
  readonly type?: string | null;
}

/** @throws for a storage without backups, and one without rules when none are given */
function asked(lab: Lab, params: RouteParams): Pruning {
  const conf = lab.storages.get(params.need('storage'));
  if (!conf.content.includes('backup')) throw failure(`storage '${conf.name}' does not support backups`);
  const keep = parseKeep(params.text('prune-backups') ?? conf.pruneBackups ?? null);
  if (keep === null) throw failure(`no prune-backups options configured for storage '${conf.name}'`);
  return { conf, keep, vmid: params.number('vmid'), type: params.text('type') };
}

const typeOf = (file: StoredFile): string => /^vzdump-(lxc|openvz|qemu)-/.exec(file.name)?.[1] ?? 'unknown';

async function judge(
  lab: Lab,
  node: string,
  { conf, keep, vmid, type = null }: Pruning,
): Promise<readonly { readonly file: StoredFile; readonly mark: PruneMark }[]> {
  const files = (await listFiles(lab, node, conf, 'backup')).filter(
    (file) => (vmid === null || file.vmid === vmid) && (type === null || typeOf(file) === type),
  );
  const marks = pruneMarks(
    files.map((file) => ({
      ...{ volid: file.volid, ctime: file.ctime, protected: file.isProtected, group: String(file.vmid) },
      renamed: parseBackupName(file.name) === null,
    })),
    keep,
  );
  return files.map((file) => ({ file, mark: marks.get(file.volid) ?? 'keep' }));
}

/** Removes what retention does not cover. @returns how many backups went */
export async function pruneBackups(
  lab: Lab,
  node: string,
  pruning: Pruning,
  log: (line: string) => void,
): Promise<number> {
  const judged = await judge(lab, node, pruning);
  const going = judged.filter(({ mark }) => mark === 'remove');
  for (const { file } of going) {
    log(`removing backup '${file.volid}'`);
    await removeFile(file);
  }
  return going.length;
}
