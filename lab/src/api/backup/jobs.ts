import { randomUUID } from 'node:crypto';
import { type ApiError, badParameter, failure } from '../errors.ts';
import type { Lab } from '../lab.ts';
import { nameOf, volumeOf } from '../lxc/values.ts';
import type { RouteParams } from '../params.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';
import { parseKeep } from './prune.ts';
import { checkOptions, checkSelection } from './vzdump-options.ts';

const FILE = 'jobs.json';
const PATH = '/cluster/backup';
const mayRead = needs('/', ['Sys.Audit']);
const mayWrite = needs('/', ['Sys.Modify']);

/** A job's options, as they were given. */
type Job = Record<string, string>;
type Jobs = Record<string, Job>;

/** Backup jobs of the cluster, what they cover and what they do not; replication, for which the lab's disks are not made. */
export const JOB_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: PATH,
    permission: mayRead,
    handler: ({ lab }) => Object.entries(read(lab)).map(([id, job]) => entryOf(id, job)),
  },
  { method: 'POST', path: PATH, permission: mayWrite, handler: create },
  {
    method: 'GET',
    path: `${PATH}/{id}`,
    permission: mayRead,
    handler: ({ lab }, params) => entryOf(params.need('id'), jobOf(lab, params)),
  },
  { method: 'PUT', path: `${PATH}/{id}`, permission: mayWrite, handler: change },
  {
    method: 'DELETE',
    path: `${PATH}/{id}`,
    permission: mayWrite,
    handler: (context, params) =>
      edit(context, (jobs) => {
        if (!jobs[params.need('id')]) throw missing(params.need('id'));
        delete jobs[params.need('id')];
      }),
  },
  {
    method: 'GET',
    path: `${PATH}/{id}/included_volumes`,
    permission: mayRead,
    handler: ({ lab }, params) => included(lab, jobOf(lab, params)),
  },
  {
    method: 'GET',
    path: '/cluster/backup-info',
    permission: anyone,
    handler: () => [{ subdir: 'not-backed-up' }],
  },
  {
    method: 'GET',
    path: '/cluster/backup-info/not-backed-up',
    permission: mayRead,
    handler: ({ lab }) => {
      const covered = new Set(
        Object.values(read(lab))
          .filter((job) => job.enabled !== '0')
          .flatMap((job) => guestsOf(lab, job)),
      );
      return lab.guests
        .all()
        .filter(({ vmid }) => !covered.has(vmid))
        .map(({ vmid, node }) => ({
          ...{ vmid, type: 'lxc', name: nameOf(vmid, lab.guests.load(node, vmid).conf.values) },
        }));
    },
  },
  { method: 'GET', path: '/cluster/replication', permission: anyone, handler: () => [] },
  {
    method: 'POST',
    path: '/cluster/replication',
    permission: anyone,
    handler: (context, params) => {
      const vmid = Number(params.need('id').split('-')[0]);
      context.check(`/vms/${vmid}`, ['VM.Replicate']);
      if (context.lab.guests.nodeOf(vmid) === null) throw failure(`guest '${vmid}' does not exist`);
      throw failure('No replicatable volumes found');
    },
  },
];

const read = (lab: Lab): Jobs => lab.files.readJson<Jobs>(FILE, {});

const missing = (id: string): ApiError =>
  failure(`400 Parameter verification failed.\nid: No such job '${id}'`);

function jobOf(lab: Lab, params: RouteParams): Job {
  const id = params.need('id');
  const job = read(lab)[id];
  if (!job) throw badParameter({ id: `No such job '${id}'` });
  return job;
}

function edit({ lab, node }: RequestContext, work: (jobs: Jobs) => void): void {
  if (!lab.membership.isQuorate(node)) throw failure("cfs-lock 'file-jobs_cfg' error: no quorum!");
  const jobs = read(lab);
  work(jobs);
  lab.files.writeJson(FILE, jobs);
}

/** Options of a job that are kept: none of the path's, none that only say what to do. */
function optionsOf(params: RouteParams): Job {
  const { id, delete: _, ...options } = params.texts();
  return options;
}

function check(context: RequestContext, params: RouteParams): void {
  checkOptions(context, params);
  checkSelection(params, false);
  parseKeep(params.text('prune-backups'));
}

function create(context: RequestContext, params: RouteParams): void {
  checkSelection(params, true);
  check(context, params);
  if (params.has('starttime') && params.has('schedule'))
    throw badParameter({ starttime: "'starttime' and 'schedule' cannot both be set" });
  if (!params.has('starttime') && !params.has('schedule'))
    throw badParameter({ schedule: 'neither starttime nor schedule are set' });
  const id = params.text('id') ?? randomUUID();
  edit(context, (jobs) => {
    if (jobs[id]) throw failure(`Job '${id}' already exists`);
    const { starttime, dow, ...options } = optionsOf(params);
    const schedule =
      starttime === undefined ? options.schedule! : `${dow === undefined ? '' : `${dow} `}${starttime}`;
    jobs[id] = { enabled: '1', ...options, schedule };
  });
}

function change(context: RequestContext, params: RouteParams): void {
  check(context, params);
  const id = params.need('id');
  edit(context, (jobs) => {
    const job = jobs[id];
    if (!job) throw missing(id);
    for (const key of params.list('delete')) delete job[key];
    // A new choice of guests takes the place of the old one.
    for (const kind of ['vmid', 'all', 'pool'])
      if (params.has(kind)) for (const old of ['vmid', 'all', 'pool', 'exclude']) delete job[old];
    Object.assign(job, optionsOf(params));
  });
}

const NUMBERS: ReadonlySet<string> = new Set([
  ...['all', 'enabled', 'bwlimit', 'ionice', 'lockwait', 'pigz', 'protected', 'quiet', 'remove'],
  ...['repeat-missed', 'stdexcludes', 'stopwait', 'zstd'],
]);

function entryOf(id: string, job: Job): unknown {
  return {
    ...Object.fromEntries(
      Object.entries(job).map(([key, value]) => [key, NUMBERS.has(key) ? Number(value) : value]),
    ),
    ...{ id, type: 'vzdump' },
    ...(job['prune-backups'] === undefined
      ? {}
      : {
          'prune-backups': Object.fromEntries(
            job['prune-backups'].split(',').map((one) => one.split('=') as [string, string]),
          ),
        }),
  };
}

/** The guests that a job covers. */
function guestsOf(lab: Lab, job: Job): readonly number[] {
  const listed = (text: string | undefined) => (text ?? '').split(/[,;\s]+/).filter((one) => one !== '');
  if (job.vmid !== undefined) return listed(job.vmid).map(Number);
  const excluded = new Set(listed(job.exclude).map(Number));
  const pool = job.pool === undefined ? null : (lab.access.read().pools[job.pool]?.vms ?? []);
  return lab.guests
    .all()
    .filter((guest) => job.node === undefined || guest.node === job.node)
    .map((guest) => guest.vmid)
    .filter((vmid) => !excluded.has(vmid) && (pool === null || pool.includes(vmid)));
}

function included(lab: Lab, job: Job): unknown {
  const children = guestsOf(lab, job).map((vmid) => {
    const node = lab.guests.nodeOf(vmid);
    if (node === null) return { id: vmid, type: 'unknown', leaf: 1 };
    const { values } = lab.guests.load(node, vmid).conf;
    return {
      ...{ id: vmid, type: 'lxc', name: nameOf(vmid, values), leaf: 0 },
      children: [
        {
          ...{ id: `${vmid}:rootfs`, name: volumeOf(values.rootfs ?? ''), leaf: 1 },
          ...{ included: 1, reason: 'rootfs' },
        },
      ],
    };
  });
  return { children };
}
