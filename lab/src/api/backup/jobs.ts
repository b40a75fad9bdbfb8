import { randomUUID } from 'node:crypto';
import { type BackupJob, type BackupJobs, readJobs, updateJobs } from '../../cluster/backup-jobs.ts';
import { nextEvent } from '../../cluster/calendar-event.ts';
import { badParameter, denied, failure, plain } from '../../errors.ts';
import { nameOf } from '../../guests/values.ts';
import type { Lab } from '../../lab.ts';
import type { RouteParams } from '../params.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';
import { coverage } from './coverage.ts';
import { parseKeep, printKeep } from './prune.ts';
import {
  checkOptions,
  checkStorageOwner,
  choosesAll,
  type Options,
  selectedGuests,
  verifyOptions,
} from './vzdump-options.ts';

const PATH = '/cluster/backup';
const mayRead = needs('/', ['Sys.Audit']);
const now = () => Math.floor(Date.now() / 1000);
const mayWrite = needs('/', ['Sys.Modify']);

/** Backup jobs of the cluster, what they cover and what they do not (PVE::API2::Backup). */
export const JOB_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: PATH,
    permission: mayRead,
    // The list alone says when a job runs next, whether it is switched on or not.
    handler: ({ lab }) =>
      Object.entries(readJobs(lab.files)).map(([id, job]) => {
        const next = nextEvent(String(job.schedule ?? ''), now());
        return { ...(entryOf(id, job) as object), ...(next === null ? {} : { 'next-run': next }) };
      }),
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
        const id = params.need('id');
        if (!jobs[id]) throw badParameter({ id: `No such job '${id}'` });
        delete jobs[id];
      }),
  },
  {
    method: 'GET',
    path: `${PATH}/{id}/included_volumes`,
    permission: mayRead,
    handler: (context, params) => included(context, jobOf(context.lab, params)),
  },
  { method: 'GET', path: '/cluster/jobs/schedule-analyze', permission: anyone, handler: analyze },
  {
    method: 'GET',
    path: '/cluster/backup-info',
    permission: null,
    handler: () => [{ subdir: 'not-backed-up' }],
  },
  {
    method: 'GET',
    path: '/cluster/backup-info/not-backed-up',
    permission: mayRead,
    handler: (context) => {
      const { lab } = context;
      // A job that is switched off counts as well.
      const covered = new Set(Object.values(readJobs(lab.files)).flatMap((job) => guestsOf(lab, job)));
      return lab.guests
        .all()
        .filter(({ vmid }) => !covered.has(vmid) && context.may(`/vms/${vmid}`, ['VM.Audit']))
        .map(({ vmid, node }) => ({
          ...{ vmid, type: 'lxc', name: nameOf(vmid, lab.guests.load(node, vmid).conf.values) },
        }));
    },
  },
];

/** The next times at which a schedule is due (PVE::API2::Cluster::Jobs). */
function analyze(_: RequestContext, params: RouteParams): unknown {
  const found: { timestamp: number; utc: string }[] = [];
  let time: number | null = params.number('starttime') ?? now();
  for (let count = params.number('iterations') ?? 10; count > 0; count -= 1) {
    time = nextEvent(params.need('schedule'), time);
    if (time === null) break;
    // Sun, 29 Nov 2026 02:00:00 GMT → Sun Nov 29 02:00:00 2026
    const [weekday = '', day, month, year, clock] = new Date(time * 1000).toUTCString().split(' ');
    found.push({
      timestamp: time,
      utc: `${weekday.slice(0, 3)} ${month} ${String(Number(day)).padStart(2)} ${clock} ${year}`,
    });
  }
  return found;
}

function jobOf(lab: Lab, params: RouteParams): BackupJob {
  const id = params.need('id');
  const job = readJobs(lab.files)[id];
  if (!job) throw badParameter({ id: `No such job '${id}'` });
  return job;
}

/** Changes jobs under the cluster's lock; what it refuses there comes as a plain failure, with its status in the text. */
async function edit({ lab, node }: RequestContext, work: (jobs: BackupJobs) => void): Promise<void> {
  if (!lab.membership.isQuorate(node)) throw failure("cfs-lock 'file-jobs_cfg' error: no quorum!");
  await lab.locks.cluster('file-jobs_cfg', () => {
    try {
      updateJobs(lab.files, work);
    } catch (error) {
      throw plain(error);
    }
  });
}

/** The options of a job, in the form in which options of a request are checked. */
const optionsOfJob = (job: BackupJob): Options => ({
  has: (key) => job[key] !== undefined,
  text: (key) => (Array.isArray(job[key]) ? job[key].join(',') : ((job[key] as string | undefined) ?? null)),
});

/** Options of a job that a request gives: none of the path's, none that only say what to do. */
function given(params: RouteParams): BackupJob {
  const { id, delete: _, starttime, dow, 'exclude-path': __, ...options } = params.texts();
  const paths = params.values('exclude-path');
  const days = params.list('dow').join(',');
  const every = ['', 'mon,tue,wed,thu,fri,sat,sun'].includes(days);
  const keep = parseKeep(options['prune-backups'] ?? null);
  return {
    ...options,
    ...(keep?.all ? { 'prune-backups': printKeep(keep) } : {}),
    ...(paths.length > 0 ? { 'exclude-path': paths } : {}),
    ...(starttime === undefined ? {} : { schedule: every ? starttime : `${days} ${starttime}` }),
  };
}

function checkSchedule(params: RouteParams, isNeeded: boolean): void {
  if (params.has('schedule') && params.has('starttime'))
    throw badParameter({ starttime: "'starttime' and 'schedule' cannot both be set" });
  if (isNeeded && !params.has('schedule') && !params.has('starttime'))
    throw badParameter({ schedule: "neither 'starttime' nor 'schedule' were set" });
}

function checkPool(context: RequestContext, params: RouteParams): void {
  const pool = params.text('pool');
  if (!pool) return;
  if (!context.lab.access.read().pools[pool]) throw denied(`pool '${pool}' does not exist`);
  context.check(`/pool/${pool}`, ['VM.Backup']);
}

async function create(context: RequestContext, params: RouteParams): Promise<void> {
  const isRoot = context.caller.id === 'root@pam';
  checkOptions(context, params);
  if (!isRoot) checkStorageOwner(context, params);
  checkPool(context, params);
  checkSchedule(params, true);
  const id = params.text('id') ?? randomUUID();
  await edit(context, (jobs) => {
    if (jobs[id]) throw failure(`Job '${id}' already exists`);
    verifyOptions(params, true);
    jobs[id] = { enabled: '1', ...given(params), ...(choosesAll(params) ? { all: '1' } : {}) };
  });
}

async function change(context: RequestContext, params: RouteParams): Promise<void> {
  const gone = params.list('delete');
  const goneOptions: Options = {
    has: (key) => gone.includes(key),
    text: (key) => (gone.includes(key) ? '1' : null),
  };
  const isRoot = context.caller.id === 'root@pam';
  checkOptions(context, params);
  checkOptions(context, goneOptions, true);
  const storage = params.text('storage') ?? (gone.includes('storage') ? 'local' : null);
  if (!isRoot && storage !== null) context.check(`/storage/${storage}`, ['Datastore.Allocate']);
  checkPool(context, params);
  checkSchedule(params, false);
  const id = params.need('id');
  await edit(context, (jobs) => {
    const changes = given(params);
    if (Object.keys(changes).length === 0 && gone.length === 0) throw failure('no options specified');
    verifyOptions(params, false);
    const job = jobs[id];
    if (!job) throw failure('no such vzdump job');
    if (!isRoot) checkStorageOwner(context, optionsOfJob(job));
    for (const key of gone) {
      if (!OPTIONS.has(key)) throw badParameter({ delete: `unknown option '${key}'` });
      delete job[key];
    }
    Object.assign(job, changes);
    choose(job, params);
    verifyOptions(optionsOfJob(job), true);
  });
}

/** A new choice of guests takes the place of the old one. */
function choose(job: BackupJob, params: RouteParams): void {
  const drop = (...keys: string[]) => {
    for (const key of keys) delete job[key];
  };
  if (job.exclude !== undefined && job.pool === undefined) job.all = '1';
  if (params.has('vmid')) drop('all', 'exclude', 'pool');
  else if (params.flag('all')) drop('vmid', 'pool');
  else if (job.pool) drop('vmid', 'all', 'exclude');
}

/** What a job may hold (PVE::VZDump::Common), and a change take away. */
const OPTIONS: ReadonlySet<string> = new Set([
  ...['all', 'bwlimit', 'comment', 'compress', 'dumpdir', 'exclude', 'exclude-path', 'fleecing', 'ionice'],
  ...['lockwait', 'mailnotification', 'mailto', 'mode', 'node', 'notes-template', 'notification-mode'],
  ...['pbs-change-detection-mode', 'performance', 'pigz', 'pool', 'protected', 'prune-backups', 'quiet'],
  ...[
    'remove',
    'repeat-missed',
    'script',
    'stdexcludes',
    'stop',
    'stopwait',
    'storage',
    'tmpdir',
    'vmid',
    'zstd',
  ],
]);

const NUMBERS: ReadonlySet<string> = new Set([
  ...['all', 'enabled', 'bwlimit', 'ionice', 'lockwait', 'pigz', 'protected', 'quiet', 'remove'],
  ...['repeat-missed', 'stdexcludes', 'stopwait', 'zstd'],
]);

/** Options that are made of parts, and are shown so. */
const COMPOSED: readonly string[] = ['prune-backups', 'performance', 'fleecing'];

function entryOf(id: string, job: BackupJob): unknown {
  const shown = Object.entries(job).map(([key, value]): [string, unknown] => {
    if (typeof value !== 'string') return [key, value];
    if (COMPOSED.includes(key))
      return [key, Object.fromEntries(value.split(',').map((one) => one.split('=')))];
    return [key, NUMBERS.has(key) ? Number(value) : value];
  });
  return { ...Object.fromEntries(shown), id, type: 'vzdump' };
}

/** The guests that a job covers. */
function guestsOf(lab: Lab, job: BackupJob): readonly number[] {
  const options = optionsOfJob(job);
  // What is gone is on no node, and of every job that names it.
  const isOn = (vmid: number) => job.node === undefined || [null, job.node].includes(lab.guests.nodeOf(vmid));
  if (options.has('pool') && !lab.access.read().pools[String(job.pool)]) return [];
  return selectedGuests(lab, options).filter(isOn);
}

function included(context: RequestContext, job: BackupJob): unknown {
  const { lab } = context;
  const seen = guestsOf(lab, job).filter((vmid) => context.may(`/vms/${vmid}`, ['VM.Audit']));
  const children = seen.map((vmid) => {
    const node = lab.guests.nodeOf(vmid);
    if (node === null) return { id: vmid, type: 'unknown', leaf: 1 };
    const { values } = lab.guests.load(node, vmid).conf;
    return {
      ...{ id: vmid, type: 'lxc', name: nameOf(vmid, values), leaf: 0 },
      children: coverage(values).map(({ key, volume, isIncluded, reason }) => ({
        ...{ id: `${vmid}:${key}`, name: volume, leaf: 1 },
        ...{ included: isIncluded ? 1 : 0, reason },
      })),
    };
  });
  return { children };
}
