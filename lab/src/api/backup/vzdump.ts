import type { StorageConf } from '../../cluster/storages.ts';
import { badParameter, failure } from '../../errors.ts';
import type { RouteParams } from '../params.ts';
import { anyone, type RequestContext, type Route } from '../route.ts';
import { type DumpJob, dumpGuest, untilGone } from './dump-guest.ts';
import { parseKeep } from './prune.ts';
import { backupVolume, findFile, readBackupConfig, shownPath } from './stored-files.ts';
import {
  checkOptions,
  checkStorageOwner,
  choosesAll,
  commandLine,
  selectedGuests,
  storageOf,
  verifyOptions,
} from './vzdump-options.ts';

/** Backups of containers, and what a backup says of its container (PVE::API2::VZDump). */
export const VZDUMP_ROUTES: readonly Route[] = [
  { method: 'POST', path: '/nodes/{node}/vzdump', permission: anyone, handler: vzdump },
  { method: 'GET', path: '/nodes/{node}/vzdump/defaults', permission: anyone, handler: defaults },
  {
    method: 'GET',
    path: '/nodes/{node}/vzdump/extractconfig',
    permission: anyone,
    handler: async (context, params) => {
      const { lab, node } = context;
      const { conf, name, vmid } = backupVolume(context, params.need('volume'));
      context.check(`/vms/${vmid ?? ''}`, ['VM.Backup']);
      const found = await findFile(lab, node, conf, 'backup', name);
      if (!found) throw failure(`volume '${params.need('volume')}' does not exist`);
      return readBackupConfig(found.file);
    },
  },
];

/** What a backup does where nothing is said (the schema of PVE::VZDump::Common; a node has no file of its own). */
const DEFAULTS = {
  ...{ all: 0, bwlimit: 0, compress: '0', ionice: 7, lockwait: 180, mailnotification: 'always' },
  ...{ mode: 'snapshot', 'notification-mode': 'auto', pigz: 0, quiet: 0, remove: 1, stdexcludes: 1 },
  ...{ stop: 0, stopwait: 10, zstd: 1, fleecing: { enabled: 0 } },
  performance: { 'max-workers': 16, 'pbs-entries-max': 1_048_576 },
};

function defaults(context: RequestContext, params: RouteParams): unknown {
  const { lab, node } = context;
  const storage = params.text('storage') ?? 'local';
  context.check(`/storage/${storage}`, ['Datastore.Audit', 'Datastore.AllocateSpace'], true);
  const conf = lab.storages.get(storage);
  requireBackups(conf);
  const { ionice, ...shown } = DEFAULTS;
  const isAuditor = context.may(`/nodes/${node}`, ['Sys.Audit']);
  return {
    ...{ ...shown, storage, 'prune-backups': conf.pruneBackups ?? 'keep-all=1' },
    ...(isAuditor ? { ionice, dumpdir: shownPath(conf, 'backup', '').replace(/\/$/, '') } : {}),
  };
}

function requireBackups(conf: StorageConf): void {
  if (!conf.content.includes('backup'))
    throw failure(`can't use storage '${conf.name}' for backups - wrong content type`);
}

async function vzdump(context: RequestContext, params: RouteParams): Promise<string> {
  const { lab, node, caller } = context;
  if (params.flag('stdout'))
    throw badParameter({ stdout: 'option is only allowed on the command line interface.' });
  checkOptions(context, params);
  if (caller.id !== 'root@pam' && params.has('prune-backups')) checkStorageOwner(context, params);
  verifyOptions(params, true);
  const all = selectedGuests(lab, params);
  const isHere = (vmid: number) => [node, null].includes(lab.guests.nodeOf(vmid));
  // Unknown guests fail visibly; those of other nodes are their nodes' affair.
  const vmids = all.filter(isHere);
  const elsewhere = all.filter((vmid) => !isHere(vmid));
  if (params.flag('stop')) {
    context.check(`/nodes/${node}`, ['Sys.Modify']);
    await stopBackups(context);
    if (vmids.length === 0) return 'OK';
  }
  const isAll = choosesAll(params);
  if (vmids.length === 0 && !isAll) return 'OK';
  const storage = storageOf(params);
  if (storage !== null) context.check(`/storage/${storage}`, ['Datastore.AllocateSpace']);
  const id = vmids.length === 1 ? String(vmids[0]) : '';
  const spec = { node, type: 'vzdump', id, user: caller.id, ends: 'itself', isProcess: true } as const;
  return lab.tasks.start(spec, async (task) => {
    const job = jobOf(context, params, storage ?? 'local');
    // One job at a time on a node, as its lock file has it.
    const late = () => failure("can't acquire lock '/var/run/vzdump.lock' - got timeout");
    const wait = (params.number('lockwait') ?? 180) * 60_000;
    await lab.locks.hold(`vzdump-${node}`, wait, late, async () => {
      task.log(`INFO: starting new backup job: ${commandLine(params)}`);
      if (elsewhere.length > 0) task.log(`INFO: skip external VMs: ${elsewhere.join(', ')}`);
      const mine = vmids.filter((vmid) => {
        if (lab.guests.nodeOf(vmid) === null || context.may(`/vms/${vmid}`, ['VM.Backup'])) return true;
        if (isAll) return false;
        throw failure(`403 Permission check failed (/vms/${vmid}, VM.Backup)`);
      });
      let errors = 0;
      for (const vmid of mine)
        await untilGone(task, dumpGuest(lab, job, vmid, task)).catch((error: Error) => {
          // The lock of the node goes with the process, and with it the guests that were to follow.
          task.gone.throwIfAborted();
          errors++;
          if (error.message === INTERRUPTED) {
            task.log(`ERROR: Backup job failed - ${INTERRUPTED}`);
            throw error;
          }
        });
      task.log(`INFO: Backup job finished ${errors > 0 ? 'with errors' : 'successfully'}`);
      if (errors > 0) throw failure('job errors');
    });
  });
}

/** What a signal says that comes while no command runs. */
export const INTERRUPTED = 'interrupted by signal';

/** Ends the backup that runs on the node. */
async function stopBackups({ lab, node }: RequestContext): Promise<void> {
  const running = lab.tasks.list(node).filter((one) => one.type === 'vzdump' && one.status === undefined);
  await Promise.all(running.map((one) => lab.tasks.abort(one.upid)));
}

/** @throws what makes the task fail before any guest: a storage that is not there, or is not for backups */
function jobOf(context: RequestContext, params: RouteParams, storage: string): DumpJob {
  const { lab, node } = context;
  const conf = lab.storages.all.find((one) => one.name === storage);
  const unusable = (reason: string) =>
    failure(
      `could not activate storage '${storage}': ${reason} could not get storage information for '${storage}': ${reason}`,
    );
  if (!conf) throw unusable(`storage '${storage}' does not exist`);
  try {
    lab.storages.onNode(node, storage);
  } catch (error) {
    throw failure(`could not activate storage '${storage}': ${(error as Error).message}`);
  }
  if (!conf.content.includes('backup'))
    throw failure(
      `could not get storage information for '${storage}': can't use storage '${storage}' for backups - wrong content type`,
    );
  const keep = parseKeep(params.text('prune-backups')) ?? parseKeep(conf.pruneBackups ?? null);
  return {
    ...{ node, conf, mode: (params.text('mode') ?? 'snapshot') as DumpJob['mode'], keep },
    // A backup server has its own, whatever is asked for.
    compress: conf.type === 'pbs' ? 'zstd' : (params.text('compress') ?? '0'),
    bwlimit: params.number('bwlimit') ?? 0,
    ionice: params.number('ionice') ?? DEFAULTS.ionice,
    notes: params.text('notes-template'),
    isProtected: params.flag('protected'),
    removes: params.flag('remove', true),
    protectedAtMost: context.may(`/storage/${storage}`, ['Datastore.Allocate']) ? null : 5,
  };
}
