import type { StorageConf } from '../../cluster/storages.ts';
import type { Lab } from '../lab.ts';
import type { RouteParams } from '../params.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';
import { parseBackupName } from './archive-name.ts';
import { type KeepOptions, type PruneMark, parseKeep, pruneMarks } from './prune.ts';
import { checkUse, listFiles, mayUse, removeFile, type StoredFile } from './stored-files.ts';

const PATH = '/nodes/{node}/storage/{storage}/prunebackups';

/** Retention of the backups of a storage: what would go, and letting it go. */
export const PRUNE_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: PATH,
    permission: needs('/storage/{storage}', ['Datastore.Audit', 'Datastore.AllocateSpace'], true),
    handler: async (context, params) => {
      const { conf, keep, vmid } = asked(context, params);
      const judged = await judge(context.lab, context.node, conf, keep, vmid);
      return judged
        .filter(({ file }) => mayUse(context, conf.name, 'backup', file.vmid))
        .map(({ file, mark }) => ({
          ...{ volid: file.volid, ctime: file.ctime, mark },
          type: file.vmid === null ? 'unknown' : 'lxc',
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
      const { conf, keep, vmid } = asked(context, params);
      if (vmid === null) context.check(`/storage/${conf.name}`, ['Datastore.Allocate']);
      else checkUse(context, conf.name, 'backup', vmid);
      const id = vmid === null ? conf.name : `${vmid}@${conf.name}`;
      return lab.tasks.start({ node, type: 'prunebackups', id, user: caller.id }, async (task) => {
        await pruneBackups(lab, node, conf, keep, vmid, (line) => task.log(line));
      });
    },
  },
];

function asked({ lab, node }: RequestContext, params: RouteParams) {
  const conf = lab.storages.onNode(node, params.need('storage'));
  return {
    conf,
    keep: parseKeep(params.text('prune-backups') ?? conf.pruneBackups ?? null),
    vmid: params.number('vmid'),
  };
}

async function judge(
  lab: Lab,
  node: string,
  conf: StorageConf,
  keep: KeepOptions | null,
  vmid: number | null,
): Promise<readonly { readonly file: StoredFile; readonly mark: PruneMark }[]> {
  const files = (await listFiles(lab, node, conf, 'backup')).filter(
    (file) => vmid === null || file.vmid === vmid,
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
  conf: StorageConf,
  keep: KeepOptions | null,
  vmid: number | null,
  log: (line: string) => void,
): Promise<number> {
  const judged = await judge(lab, node, conf, keep, vmid);
  const going = judged.filter(({ mark }) => mark === 'remove');
  for (const { file } of going) {
    log(`removing backup '${file.volid}'`);
    await removeFile(file);
  }
  return going.length;
}
