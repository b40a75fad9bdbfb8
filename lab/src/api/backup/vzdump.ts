import { failure } from '../errors.ts';
import type { RouteParams } from '../params.ts';
import { anyone, type RequestContext, type Route } from '../route.ts';
import { type DumpJob, dumpGuest } from './dump-guest.ts';
import { parseKeep } from './prune.ts';
import { checkUse, findFile, parseBackupVolume, readBackupConfig } from './stored-files.ts';
import { checkOptions, checkSelection, commandLine, selectedGuests } from './vzdump-options.ts';

/** Backups of containers, and what a backup says of its container. */
export const VZDUMP_ROUTES: readonly Route[] = [
  { method: 'POST', path: '/nodes/{node}/vzdump', permission: anyone, handler: vzdump },
  {
    method: 'GET',
    path: '/nodes/{node}/vzdump/extractconfig',
    permission: anyone,
    handler: async (context, params) => {
      const { lab, node } = context;
      const { storage, name, vmid } = parseBackupVolume(params.need('volume'));
      const conf = lab.storages.onNode(node, storage);
      checkUse(context, storage, 'backup', vmid);
      const found = await findFile(lab, node, conf, 'backup', name);
      if (!found) throw failure(`volume '${params.need('volume')}' does not exist`);
      return readBackupConfig(found.file);
    },
  },
];

function vzdump(context: RequestContext, params: RouteParams): string {
  const { lab, node, caller } = context;
  checkOptions(context, params);
  checkSelection(params, true);
  const keep = parseKeep(params.text('prune-backups'));
  const storage = params.text('storage') ?? 'local';
  if (lab.storages.all.some((one) => one.name === storage))
    context.check(`/storage/${storage}`, ['Datastore.AllocateSpace']);
  const vmids = selectedGuests(context, params).filter((vmid) => {
    const owner = lab.guests.nodeOf(vmid);
    if (owner === null) return params.has('vmid');
    return owner === node && (params.has('vmid') || context.may(`/vms/${vmid}`, ['VM.Backup']));
  });
  for (const vmid of vmids)
    if (lab.guests.nodeOf(vmid) === node) context.check(`/vms/${vmid}`, ['VM.Backup']);
  // Guests of other nodes are their nodes' affair; when none is left there is nothing to do, and no task.
  if (vmids.length === 0) return 'OK';
  const id = vmids.length === 1 ? String(vmids[0]) : '';
  return lab.tasks.start({ node, type: 'vzdump', id, user: caller.id }, async (task) => {
    const conf = lab.storages.on(node).find((one) => one.name === storage);
    if (!conf) {
      const reason = `storage '${storage}' does not exist`;
      throw failure(
        `could not activate storage '${storage}': ${reason} could not get storage information for '${storage}': ${reason}`,
      );
    }
    if (!conf.content.includes('backup'))
      throw failure(
        `could not get storage information for '${storage}': storage '${storage}' does not support backups`,
      );
    const job: DumpJob = {
      ...{ node, conf, mode: (params.text('mode') ?? 'snapshot') as DumpJob['mode'] },
      compress: params.text('compress') ?? '0',
      notes: params.text('notes-template'),
      isProtected: params.flag('protected'),
      keep: params.flag('remove', true) ? (keep ?? parseKeep(conf.pruneBackups ?? null)) : null,
    };
    // One job at a time on a node, as its lock file has it.
    const late = () => failure("can't acquire lock '/var/run/vzdump.lock' - got timeout");
    const wait = (params.number('lockwait') ?? 180) * 60_000;
    await lab.locks.hold(`vzdump-${node}`, wait, late, async () => {
      task.log(`INFO: starting new backup job: ${commandLine(params, vmids)}`);
      let errors = 0;
      for (const vmid of vmids)
        await dumpGuest(lab, job, vmid, task).catch(() => {
          errors++;
        });
      task.log(`INFO: Backup job finished ${errors > 0 ? 'with errors' : 'successfully'}`);
      if (errors > 0) throw failure('job errors');
    });
  });
}
