import type { GuestConf, GuestValues } from '../../cluster/guest-conf.ts';
import { requireUnlocked } from '../../cluster/guests.ts';
import { failure } from '../../errors.ts';
import { addUnused, isInUse } from '../../guests/disks.ts';
import { haveFeature } from '../../guests/features.ts';
import { apiValue, diskKeys, isTemplate, optionsOf, volumeOf } from '../../guests/values.ts';
import type { Lab } from '../../lab.ts';
import type { VolumeId } from '../../ports.ts';
import type { TaskHandle } from '../../tasks/task-manager.ts';
import { guestTask, start } from '../lxc/status.ts';
import { RouteParams } from '../params.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';

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
    isLocal: true,
    permission: anyone,
    handler: () => [{ cmd: 'rollback' }, { cmd: 'config' }],
  },
  { method: 'DELETE', path: `${PATH}/{snapname}`, permission: maySnapshot, handler: remove },
  { method: 'POST', path: `${PATH}/{snapname}/rollback`, permission: mayRollback, handler: rollback },
  {
    method: 'GET',
    path: `${PATH}/{snapname}/config`,
    permission: needs('/vms/{vmid}', ['VM.Snapshot', 'VM.Snapshot.Rollback', 'VM.Audit'], true),
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
      const { description } = optionsOf(params.texts());
      if (description === undefined) return;
      lab.guests.update(node, params.int('vmid'), (conf) => {
        requireUnlocked(conf);
        snapshotOf(conf, params.need('snapname')).description = description;
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
  check: (conf: GuestConf) => void,
  work: (conf: GuestConf) => Promise<void>,
): Promise<void> {
  await lab.locks.guest(vmid, async () => {
    const { conf } = lab.guests.load(node, vmid);
    check(conf);
    conf.values.lock = lock;
    lab.guests.save(node, vmid, conf);
    try {
      await work(conf);
    } finally {
      // A snapshot that is stopped is undone; a way back or a removal leaves its lock.
      if (!task.gone.aborted || lock === 'snapshot')
        lab.guests.update(node, vmid, (after) => {
          delete after.values.lock;
        });
    }
  });
}

/** The volumes that a snapshot is of. */
const disksOf = (lab: Lab, values: GuestValues): readonly VolumeId[] =>
  diskKeys(values).flatMap((key) => lab.storages.parse(volumeOf(values[key]!)) ?? []);

/** Volumes of a section that another one does not have stay with the container, unused. */
function keepOthers(lab: Lab, from: GuestValues, to: GuestValues): void {
  for (const volume of disksOf(lab, from))
    if (!isInUse(to, lab.storages.print(volume))) addUnused(to, lab.storages.print(volume));
}

/** All but a reserved name is found out by the task. */
function create(context: RequestContext, params: RouteParams): string {
  const { lab, node } = context;
  const vmid = params.int('vmid');
  const name = params.need('snapname');
  if (name === 'current' || name === 'vzdump')
    throw failure(`unable to use snapshot name '${name}' (reserved name)`);
  const check = (conf: GuestConf) => {
    if (isTemplate(conf.values)) throw failure("you can't take a snapshot if it's a template");
    requireUnlocked(conf);
    if (conf.snapshots[name]) throw failure(`snapshot name '${name}' already used`);
    if (!haveFeature(lab, 'snapshot', conf.values, null)) throw failure('snapshot feature is not available');
    lab.membership.requireQuorum(node);
  };
  return guestTask(context, 'vzsnapshot', vmid, (task) =>
    whileLocked(context, vmid, 'snapshot', task, check, async (conf) => {
      const isRunning = await lab.stats.isRunning(node, vmid);
      if (isRunning) await lab.runtime.freeze(node, vmid);
      try {
        for (const volume of disksOf(lab, conf.values)) await lab.volumes.snapshot(node, volume, name);
      } finally {
        if (isRunning) await lab.runtime.unfreeze(node, vmid);
      }
      const { lock, description: _, snaptime, ...values } = conf.values;
      for (const key of Object.keys(values)) if (key.startsWith('unused')) delete values[key];
      const { description } = optionsOf(params.texts());
      lab.guests.update(node, vmid, (changed) => {
        changed.snapshots[name] = {
          ...values,
          snaptime: String(Math.floor(Date.now() / 1000)),
          ...(description ? { description } : {}),
        };
        changed.values.parent = name;
      });
    }),
  );
}

function rollback(context: RequestContext, params: RouteParams): string {
  const { lab, node } = context;
  const vmid = params.int('vmid');
  const name = params.need('snapname');
  const check = (conf: GuestConf) => {
    if (isTemplate(conf.values)) throw failure("you can't rollback if vm is a template");
    snapshotOf(conf, name);
    requireUnlocked(conf);
    lab.membership.requireQuorum(node);
  };
  return guestTask(context, 'vzrollback', vmid, async (task) => {
    await whileLocked(context, vmid, 'rollback', task, check, async (conf) => {
      const past = snapshotOf(conf, name);
      if (await lab.stats.isRunning(node, vmid)) await lab.runtime.stop(node, vmid);
      for (const volume of disksOf(lab, past)) await lab.volumes.rollback(node, volume, name);
      const { snaptime, description: _, ...values } = past;
      lab.guests.update(node, vmid, (changed) => {
        const before = changed.values;
        const kept = Object.entries(before).filter(([key]) => /^(description|unused\d+)$/.test(key));
        changed.values = { ...values, ...Object.fromEntries(kept), lock: 'rollback', parent: name };
        keepOthers(lab, before, changed.values);
        changed.pending = {};
        changed.pendingDelete = [];
      });
    });
    if (params.flag('start')) await start(context, new RouteParams({ node, vmid }));
  });
}

function remove(context: RequestContext, params: RouteParams): string {
  const { lab, node } = context;
  const vmid = params.int('vmid');
  const name = params.need('snapname');
  const isForced = params.flag('force');
  const check = (conf: GuestConf) => {
    snapshotOf(conf, name);
    requireUnlocked(conf);
    if (isTemplate(conf.values)) throw failure("you can't delete a snapshot if vm is a template");
    lab.membership.requireQuorum(node);
  };
  return guestTask(context, 'vzdelsnapshot', vmid, (task) =>
    whileLocked(context, vmid, 'snapshot-delete', task, check, async (conf) => {
      const past = snapshotOf(conf, name);
      for (const volume of disksOf(lab, past))
        await lab.volumes.removeSnapshot(node, volume, name).catch((error: unknown) => {
          if (!isForced) throw error;
        });
      lab.guests.update(node, vmid, (changed) => {
        delete changed.snapshots[name];
        keepOthers(lab, past, changed.values);
        for (const values of [changed.values, ...Object.values(changed.snapshots)])
          if (values.parent === name) {
            if (past.parent === undefined) delete values.parent;
            else values.parent = past.parent;
          }
      });
    }),
  );
}
