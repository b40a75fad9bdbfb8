import type { GuestConf, GuestValues } from '../../cluster/guest-conf.ts';
import { requireUnlocked } from '../../cluster/guests.ts';
import type { VolumeId } from '../../ports.ts';
import type { TaskHandle } from '../../tasks/task-manager.ts';
import { failure } from '../errors.ts';
import type { Lab } from '../lab.ts';
import { startGuest } from '../lxc/actions.ts';
import { guestTask } from '../lxc/status.ts';
import { apiValue, volumeOf } from '../lxc/values.ts';
import type { RouteParams } from '../params.ts';
import { needs, type RequestContext, type Route } from '../route.ts';

const PATH = '/nodes/{node}/lxc/{vmid}/snapshot';
const mayRead = needs('/vms/{vmid}', ['VM.Audit']);
const maySnapshot = needs('/vms/{vmid}', ['VM.Snapshot']);
const mayRollback = needs('/vms/{vmid}', ['VM.Snapshot', 'VM.Snapshot.Rollback'], true);

/** Snapshots of containers. On a storage that has none the task fails, not the request. */
export const SNAPSHOT_ROUTES: readonly Route[] = [
  { method: 'GET', path: PATH, permission: mayRead, handler: list },
  { method: 'POST', path: PATH, permission: maySnapshot, handler: create },
  {
    method: 'GET',
    path: `${PATH}/{snapname}`,
    permission: mayRead,
    handler: () => [{ cmd: 'rollback' }, { cmd: 'config' }],
  },
  { method: 'DELETE', path: `${PATH}/{snapname}`, permission: maySnapshot, handler: remove },
  { method: 'POST', path: `${PATH}/{snapname}/rollback`, permission: mayRollback, handler: rollback },
  {
    method: 'GET',
    path: `${PATH}/{snapname}/config`,
    permission: mayRead,
    handler: ({ lab, node }, params) => {
      const values = snapshotOf(lab.guests.load(node, params.int('vmid')).conf, params.need('snapname'));
      return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, apiValue(key, value)]));
    },
  },
  {
    method: 'PUT',
    path: `${PATH}/{snapname}/config`,
    permission: maySnapshot,
    handler: ({ lab, node }, params) => {
      lab.guests.update(node, params.int('vmid'), (conf) => {
        const values = snapshotOf(conf, params.need('snapname'));
        const description = params.text('description');
        if (description === null || description === '') delete values.description;
        else values.description = description;
      });
    },
  },
];

function snapshotOf(conf: GuestConf, name: string): GuestValues {
  const values = conf.snapshots[name];
  if (!values) throw failure(`snapshot '${name}' does not exist`);
  return values;
}

async function list({ lab, node }: RequestContext, params: RouteParams): Promise<unknown> {
  const vmid = params.int('vmid');
  const { conf, digest } = lab.guests.load(node, vmid);
  return [
    ...Object.entries(conf.snapshots).map(([name, values]) => ({
      ...{ name, snaptime: Number(values.snaptime ?? 0), description: values.description ?? '' },
      ...(values.parent === undefined ? {} : { parent: values.parent }),
    })),
    {
      ...{ name: 'current', description: 'You are here!', digest },
      running: (await lab.stats.isRunning(node, vmid)) ? 1 : 0,
      ...(conf.values.parent === undefined ? {} : { parent: conf.values.parent }),
    },
  ];
}

/** Locks a guest for a task, and takes the lock away whatever happens. */
async function whileLocked(
  { lab, node }: RequestContext,
  vmid: number,
  lock: string,
  task: TaskHandle,
  work: (conf: GuestConf) => Promise<void>,
): Promise<void> {
  await lab.locks.guest(vmid, async () => {
    const { conf } = lab.guests.load(node, vmid);
    requireUnlocked(conf);
    conf.values.lock = lock;
    lab.guests.save(node, vmid, conf);
    try {
      await work(conf);
    } finally {
      if (!task.signal.aborted)
        lab.guests.update(node, vmid, (after) => {
          delete after.values.lock;
        });
    }
  });
}

function diskOf(lab: Lab, values: GuestValues): VolumeId {
  const volume = lab.storages.parse(volumeOf(values.rootfs ?? ''));
  if (!volume || !lab.storages.canSnapshot(volume.storage))
    throw failure('snapshot feature is not available');
  return volume;
}

function create(context: RequestContext, params: RouteParams): string {
  const { lab, node } = context;
  const vmid = params.int('vmid');
  const name = params.need('snapname');
  const { conf: now } = lab.guests.load(node, vmid);
  lab.membership.requireQuorum(node);
  if (name === 'current') throw failure("unable to use snapshot name 'current' (reserved name)");
  if (name === 'vzdump') throw failure("unable to use snapshot name 'vzdump' (reserved name)");
  if (now.snapshots[name]) throw failure(`snapshot name '${name}' already used`);
  return guestTask(context, 'vzsnapshot', vmid, async (task) => {
    const volume = diskOf(lab, lab.guests.load(node, vmid).conf.values);
    await whileLocked(context, vmid, 'snapshot', task, async (conf) => {
      const isRunning = await lab.stats.isRunning(node, vmid);
      if (isRunning) await lab.runtime.freeze(node, vmid);
      try {
        await lab.volumes.snapshot(node, volume, name);
      } finally {
        if (isRunning) await lab.runtime.unfreeze(node, vmid);
      }
      const { lock, ...values } = conf.values;
      const description = params.text('description');
      lab.guests.update(node, vmid, (changed) => {
        changed.snapshots[name] = {
          ...values,
          snaptime: String(Math.floor(Date.now() / 1000)),
          ...(description === null ? {} : { description }),
        };
        changed.values.parent = name;
      });
    });
  });
}

function rollback(context: RequestContext, params: RouteParams): string {
  const { lab, node } = context;
  const vmid = params.int('vmid');
  const name = params.need('snapname');
  const now = lab.guests.load(node, vmid);
  lab.membership.requireQuorum(node);
  snapshotOf(now.conf, name);
  return guestTask(context, 'vzrollback', vmid, async (task) => {
    await whileLocked(context, vmid, 'rollback', task, async (conf) => {
      const past = snapshotOf(conf, name);
      const volume = diskOf(lab, past);
      if (await lab.stats.isRunning(node, vmid)) await lab.runtime.stop(node, vmid);
      await lab.volumes.rollback(node, volume, name);
      const { snaptime, description, ...values } = past;
      lab.guests.update(node, vmid, (changed) => {
        changed.values = { ...values, lock: 'rollback', parent: name };
        changed.pending = {};
        changed.pendingDelete = [];
      });
    });
    if (params.flag('start')) await startGuest(lab, node, vmid);
  });
}

function remove(context: RequestContext, params: RouteParams): string {
  const { lab, node } = context;
  const vmid = params.int('vmid');
  const name = params.need('snapname');
  const isForced = params.flag('force');
  const now = lab.guests.load(node, vmid);
  lab.membership.requireQuorum(node);
  snapshotOf(now.conf, name);
  return guestTask(context, 'vzdelsnapshot', vmid, (task) =>
    whileLocked(context, vmid, 'snapshot-delete', task, async (conf) => {
      const past = snapshotOf(conf, name);
      await lab.volumes.removeSnapshot(node, diskOf(lab, past), name).catch((error: unknown) => {
        if (!isForced) throw error;
      });
      lab.guests.update(node, vmid, (changed) => {
        delete changed.snapshots[name];
        for (const values of [changed.values, ...Object.values(changed.snapshots)])
          if (values.parent === name) {
            if (past.parent === undefined) delete values.parent;
            else values.parent = past.parent;
          }
      });
    }),
  );
}
