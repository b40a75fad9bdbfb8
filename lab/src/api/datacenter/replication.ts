import { nextEvent } from '../../cluster/calendar-event.ts';
import { digestOf } from '../../cluster/cluster-files.ts';
import {
  guestOfJob,
  type ReplicationJob,
  readReplication,
  updateReplication,
} from '../../cluster/replication.ts';
import { badParameter, denied, failure } from '../../errors.ts';
import { diskKeys, volumeOf } from '../../guests/values.ts';
import type { Lab } from '../../lab.ts';
import type { RouteParams } from '../params.ts';
import { anyone, type RequestContext, type Route } from '../route.ts';

const ONE = '/cluster/replication/{id}';
const OF_NODE = '/nodes/{node}/replication/{id}';
/** Options of a job; of these only `target` must be there, and stays what it is. */
const OPTIONS = ['target', 'disable', 'comment', 'rate', 'schedule', 'remove_job', 'source'];

const digest = ({ lab }: RequestContext) => digestOf(JSON.stringify(readReplication(lab.files)));

function shown(id: string, { disable, rate, ...job }: ReplicationJob): Record<string, unknown> {
  return {
    ...{ ...job, id, guest: guestOfJob(id), jobnum: Number(id.split('-')[1]) },
    ...(disable === undefined ? {} : { disable: Number(disable) }),
    ...(rate === undefined ? {} : { rate }),
  };
}

/** The job's id as numbers: `0101-00` is `101-0`. */
const idOf = (params: RouteParams): string => params.need('id').split('-').map(Number).join('-');

/** What a job of a guest would copy: its own disks that only its node has. @throws for one that cannot be copied */
function replicated(lab: Lab, node: string, vmid: number): number {
  const { values } = lab.guests.load(node, vmid).conf;
  let count = 0;
  for (const key of diskKeys(values)) {
    const setting = values[key]!;
    const volid = volumeOf(setting);
    const volume = lab.storages.parse(volid);
    const isWanted = !/,replicate=0(,|$)/.test(setting);
    if (!volume) {
      if (isWanted)
        throw failure(
          `unable to replicate mountpoint type '${volid.startsWith('/dev') ? 'device' : 'bind'}'`,
        );
      continue;
    }
    const conf = lab.storages.get(volume.storage);
    if (conf.shared || !isWanted) continue;
    if (conf.type !== 'zfspool') throw failure(`missing replicate feature on volume '${volid}'`);
    count++;
  }
  return count;
}

function locked(context: RequestContext, work: Parameters<typeof updateReplication>[1]): Promise<null> {
  const { lab, entry } = context;
  if (!lab.membership.isQuorate(entry)) throw failure("cfs-lock 'file-replication_cfg' error: no quorum!");
  return lab.locks.cluster('file-replication_cfg', () => {
    updateReplication(lab.files, work);
    return null;
  });
}

async function create(context: RequestContext, params: RouteParams): Promise<null> {
  const { lab } = context;
  const id = idOf(params);
  const guest = guestOfJob(id);
  context.check(`/vms/${guest}`, ['VM.Replicate']);
  const node = lab.guests.nodeOf(guest);
  const target = params.need('target');
  const source = params.text('source');
  if (node === null) throw failure(`Guest '${guest}' does not exist.`);
  if (!lab.membership.has(target)) throw failure(`Target '${target}' does not exist.`);
  if (source !== null && source !== node)
    throw failure(`Source '${source}' does not match current node of guest '${guest}' (${node})`);
  if (target === node) throw failure('Source and target must not be identical');
  if (replicated(lab, node, guest) === 0) throw failure('No replicatable volumes found');
  return locked(context, (jobs) => {
    if (jobs[id]) throw failure(`replication job '${id}' already exists`);
    if (Object.entries(jobs).some(([other, job]) => guestOfJob(other) === guest && job.target === target))
      throw failure(`replication job for guest '${guest}' to target 'local/${target}' already exists`);
    const { id: _, digest: _digest, ...options } = params.texts();
    jobs[id] = { type: 'local', ...options, source: node };
  });
}

async function update(context: RequestContext, params: RouteParams): Promise<null> {
  const id = idOf(params);
  context.check(`/vms/${guestOfJob(id)}`, ['VM.Replicate']);
  return locked(context, (jobs) => {
    const given = params.text('digest');
    if (given !== null && given !== digest(context))
      throw failure('detected modified configuration - file changed by other user? Try again.');
    const job = jobs[id];
    if (!job) throw failure(`no such job '${id}'`);
    const { id: _, digest: _digest, delete: _delete, ...options } = params.texts();
    const changed: Record<string, string> = { ...job, ...options };
    for (const option of params.list('delete')) {
      if (!OPTIONS.includes(option)) throw failure(`no such option '${option}'`);
      if (option === 'target') throw failure(`unable to delete required option '${option}'`);
      delete changed[option];
    }
    jobs[id] = changed;
  });
}

async function remove(context: RequestContext, params: RouteParams): Promise<null> {
  const id = idOf(params);
  context.check(`/vms/${guestOfJob(id)}`, ['VM.Replicate']);
  return locked(context, (jobs) => {
    if (params.flag('force')) {
      if (params.flag('keep')) throw badParameter({ keep: "conflicts with parameter 'force'" });
    } else if (!jobs[id]) throw failure(`no such job '${id}'`);
    // The job that takes away what was copied is over at once: nothing was.
    delete jobs[id];
  });
}

/** @throws `no such replication job '101-0'` */
function jobOf({ lab }: RequestContext, id: string): ReplicationJob {
  const job = readReplication(lab.files)[id];
  if (!job) throw failure(`no such replication job '${id}'`);
  return job;
}

/** A job as its node sees it. It never runs: nothing is copied in the lab. */
const state = (id: string, job: ReplicationJob) => ({
  ...shown(id, job),
  // It was never tried, so it is due since the first time after all time's beginning.
  next_sync: nextEvent(String(job.schedule ?? '*/15'), 0) ?? 0,
  ...{ vmtype: 'lxc', fail_count: 0, last_sync: 0, last_try: 0, duration: 0 },
});

const ofNode = ({ lab, node }: RequestContext) =>
  Object.entries(readReplication(lab.files)).filter(([id]) => lab.guests.nodeOf(guestOfJob(id)) === node);

/** Replication jobs, which the lab keeps and never runs (PVE::API2::ReplicationConfig, Replication). */
export const REPLICATION_ROUTES: readonly Route[] = [
  {
    ...{ method: 'GET', path: '/cluster/replication', permission: anyone },
    handler: (context) =>
      Object.entries(readReplication(context.lab.files))
        .filter(([id]) => context.may(`/vms/${guestOfJob(id)}`, ['VM.Audit']))
        .map(([id, job]) => shown(id, job)),
  },
  { method: 'POST', path: '/cluster/replication', permission: anyone, handler: create },
  {
    ...{ method: 'GET', path: ONE, permission: anyone },
    handler: (context, params) => {
      const id = params.need('id');
      const job = jobOf(context, id);
      context.check(`/vms/${guestOfJob(id)}`, ['VM.Audit']);
      return { ...shown(id, job), digest: digest(context) };
    },
  },
  { method: 'PUT', path: ONE, permission: anyone, handler: update },
  { method: 'DELETE', path: ONE, permission: anyone, handler: remove },
  {
    ...{ method: 'GET', path: '/nodes/{node}/replication', permission: anyone },
    handler: (context, params) =>
      ofNode(context)
        .filter(([id]) => (params.number('guest') ?? guestOfJob(id)) === guestOfJob(id))
        .filter(([id]) => context.may(`/vms/${guestOfJob(id)}`, ['VM.Audit']))
        .map(([id, job]) => state(id, job)),
  },
  {
    ...{ method: 'GET', path: OF_NODE, permission: anyone, isLocal: true },
    handler: () => ['schedule_now', 'log', 'status'].map((name) => ({ name })),
  },
  {
    ...{ method: 'GET', path: `${OF_NODE}/status`, permission: anyone },
    handler: (context, params) => {
      const id = params.need('id');
      const job = ofNode(context).find(([known]) => known === id)?.[1];
      if (!job) throw failure(`no such replication job '${id}'`);
      context.check(`/vms/${guestOfJob(id)}`, ['VM.Audit']);
      return state(id, job);
    },
  },
  {
    ...{ method: 'GET', path: `${OF_NODE}/log`, permission: anyone },
    handler: (context, params) => {
      const id = params.need('id');
      jobOf(context, id);
      const isAllowed =
        context.may(`/vms/${guestOfJob(id)}`, ['VM.Audit']) ||
        context.may(`/nodes/${context.node}`, ['Sys.Audit']);
      if (!isAllowed) throw denied();
      context.total = 1;
      return [{ n: 1, t: 'unable to open file - No such file or directory' }];
    },
  },
  {
    ...{ method: 'POST', path: `${OF_NODE}/schedule_now`, permission: anyone },
    handler: (context, params) => {
      const id = idOf(params);
      context.check(`/vms/${guestOfJob(id)}`, ['VM.Replicate']);
      jobOf(context, id);
    },
  },
];
