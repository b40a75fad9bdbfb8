import { readDatacenter } from '../../cluster/datacenter.ts';
import { badParameter, denied, failure } from '../../errors.ts';
import { removeBackupLocks } from '../../guests/boot.ts';
import { isTemplate } from '../../guests/values.ts';
import type { Lab } from '../../lab.ts';
import type { TaskHandle } from '../../tasks/task-manager.ts';
import { migrate } from '../lxc/migrate.ts';
import { resume, shutdown, start } from '../lxc/status.ts';
import { RouteParams } from '../params.ts';
import { anyone, type RequestContext, type Route } from '../route.ts';

interface Guest {
  readonly vmid: number;
  readonly node: string;
  readonly order: number;
  /** Seconds, as `startup` says. */
  readonly up: number | null;
  readonly down: number | null;
}

/** @throws 403: the right on everything, or on each guest that is named */
function requireRight(context: RequestContext, params: RouteParams, rights: readonly string[]): void {
  if (context.may('/', rights)) return;
  const vmids = params.list('vms');
  if (vmids.length === 0) throw denied(`/, ${rights.join(' && ')}`);
  for (const vmid of vmids) context.check(`/vms/${vmid}`, rights.slice(0, 1));
}

interface Choice {
  /** Of all nodes where none is given. */
  readonly node?: string;
  readonly named: readonly string[];
  readonly templates?: boolean;
  readonly managed?: boolean;
}

/** Guests by `startup`; templates are none, and HA's only where guests are named. */
function chosen(lab: Lab, options: Choice): readonly Guest[] {
  const { node = null, named } = options;
  return lab.guests
    .all()
    .filter((guest) => node === null || guest.node === node)
    .filter(({ vmid }) => named.length === 0 || named.includes(String(vmid)))
    .map((guest) => ({ ...guest, values: lab.guests.load(guest.node, guest.vmid).conf.values }))
    .filter(({ values }) => options.templates || !isTemplate(values))
    .filter(({ vmid }) => options.managed || named.length > 0 || lab.ha.guest(vmid) === null)
    .map(({ vmid, node, values: { startup = '' } }) => {
      const part = (name: string) => {
        const text = new RegExp(`(?:^|,)${name}=(\\d+)`).exec(startup)?.[1];
        return text === undefined ? null : Number(text);
      };
      const order = part('order') ?? Number(/(?:^|,)(\d+)/.exec(startup)?.[1] ?? Number.MAX_SAFE_INTEGER);
      return { vmid, node, order, up: part('up'), down: part('down') };
    })
    .sort((a, b) => a.order - b.order || a.vmid - b.vmid);
}

const guestsOf = (
  { lab, node }: RequestContext,
  params: RouteParams,
  options: { readonly templates?: boolean; readonly managed?: boolean } = {},
) => chosen(lab, { node, named: params.list('vms'), ...options });

const paramsFor = (node: string, vmid: number, more: Record<string, string | number> = {}) =>
  new RouteParams({ node, vmid, ...more });

/** Runs one task per guest, one after another; what refuses is said in the log. @returns how many there were */
async function each(
  context: RequestContext,
  guests: readonly Guest[],
  task: TaskHandle,
  run: (guest: Guest) => Promise<string | null>,
): Promise<readonly [vmid: number, status: string][]> {
  const ended: [number, string][] = [];
  for (const guest of guests) {
    if (task.signal.aborted) break;
    try {
      const upid = await run(guest);
      if (upid !== null) ended.push([guest.vmid, await context.lab.tasks.wait(upid)]);
    } catch (error) {
      task.log((error as Error).message);
    }
  }
  return ended;
}

const inTask = (
  { lab, node, caller }: RequestContext,
  type: string,
  work: (task: TaskHandle) => Promise<void>,
): string => lab.tasks.start({ node, type, id: '', user: caller.id }, work);

function startAll(context: RequestContext, params: RouteParams): string {
  requireRight(context, params, ['VM.PowerMgmt']);
  const { lab, node } = context;
  return inTask(context, 'startall', async (task) => {
    await removeBackupLocks(lab, node, (line) => task.log(line));
    const guests = guestsOf(context, params).filter(
      ({ vmid }) => params.flag('force') || lab.guests.load(node, vmid).conf.values.onboot === '1',
    );
    const ended = await each(context, guests, task, async ({ vmid, up }) => {
      if (await lab.stats.isRunning(node, vmid)) return null;
      task.log(`Starting CT ${vmid}`);
      const upid = await start(context, paramsFor(node, vmid));
      if (up) task.log(`Waiting for ${up} seconds (startup delay)`);
      return upid;
    });
    for (const [vmid, status] of ended)
      if (status !== 'OK' && !status.startsWith('WARNINGS'))
        task.log(`Starting CT ${vmid} failed: ${status}`);
  });
}

function stopAll(context: RequestContext, params: RouteParams): string {
  requireRight(context, params, ['VM.PowerMgmt']);
  const { lab, node } = context;
  return inTask(context, 'stopall', async (task) => {
    const guests = guestsOf(context, params).toReversed();
    await each(context, guests, task, async ({ vmid, down }) => {
      if (!(await lab.stats.isRunning(node, vmid))) return null;
      const timeout = down ?? params.number('timeout') ?? 180;
      task.log(`Stopping CT ${vmid} (timeout = ${timeout} seconds)`);
      const forceStop = params.flag('force-stop', true) ? 1 : 0;
      return shutdown(context, paramsFor(node, vmid, { timeout, forceStop }));
    });
  });
}

/** Containers cannot be suspended to a disk. */
function suspendAll(context: RequestContext, params: RouteParams): string {
  requireRight(context, params, ['VM.PowerMgmt', 'VM.Config.Disk']);
  return inTask(context, 'suspendall', async (task) => {
    for (const { vmid } of guestsOf(context, params).toReversed())
      task.warn(`skipping ${vmid}, only VMs can be suspended`);
  });
}

function migrateAll(context: RequestContext, params: RouteParams): string {
  requireRight(context, params, ['VM.Migrate']);
  const { lab, node } = context;
  const target = params.need('target');
  if (target === node) throw badParameter({ target: 'target is local node.' });
  lab.membership.requireQuorum(node);
  if (!lab.membership.has(target)) throw failure(`no such cluster node '${target}'`);
  const workers =
    params.number('max-workers') ?? params.number('maxworkers') ?? readDatacenter(lab.files).max_workers;
  if (!workers) throw failure("either 'max-workers' parameter or max_workers in datacenter.cfg must be set!");
  return inTask(context, 'migrateall', async (task) => {
    const guests = guestsOf(context, params, { templates: true, managed: true });
    if (guests.length === 0) {
      task.log('no virtual guests matched, nothing to do..');
      return;
    }
    const byId = guests.toSorted((a, b) => (String(a.vmid) < String(b.vmid) ? -1 : 1));
    const ended = await each(context, byId, task, async ({ vmid }) => {
      const restart = (await lab.stats.isRunning(node, vmid)) ? 1 : 0;
      task.log(`Migrating CT ${vmid}`);
      return migrate(context, paramsFor(node, vmid, { target, restart }));
    });
    if (ended.length === 0) throw failure('no migrations worker started...');
    task.log(`All jobs finished, used ${ended.length} workers in total.`);
  });
}

/** How one kind of task treats the guests of the whole cluster. */
interface ClusterBulk {
  readonly right: string;
  readonly title: string;
  /** What is said of guests whose task failed. */
  readonly failed: string;
  readonly failedAll: string;
  readonly isReversed?: boolean;
  readonly run: (
    context: RequestContext,
    guest: Guest,
    params: RouteParams,
    task: TaskHandle,
  ) => string | null | Promise<string | null>;
  /** Seconds to wait once it is done. */
  readonly wait?: (guest: Guest) => number | null;
}

const CLUSTER_BULK: Readonly<Record<string, ClusterBulk>> = {
  start: {
    ...{ right: 'VM.PowerMgmt', title: 'Starting', failed: 'Starting', failedAll: 'start:' },
    run: async (context, { vmid, node }, _, task) => {
      const isRunning = await context.lab.stats.isRunning(node, vmid);
      task.log(`Starting CT ${vmid}`);
      // Only of a VM is it known whether it is paused: a container that runs is resumed.
      return isRunning ? resume(context, paramsFor(node, vmid)) : start(context, paramsFor(node, vmid));
    },
    wait: ({ up }) => up,
  },
  shutdown: {
    ...{ right: 'VM.PowerMgmt', title: 'Shutting down', failed: 'Stopping', failedAll: 'shutdown' },
    isReversed: true,
    run: async (context, { vmid, node, down }, params, task) => {
      if (!(await context.lab.stats.isRunning(node, vmid))) {
        task.warn(`Skipping CT ${vmid}, not running.`);
        return null;
      }
      const timeout = down ?? params.number('timeout') ?? 180;
      task.log(`Shutting down CT ${vmid} (Timeout = ${timeout} seconds)`);
      const forceStop = params.flag('force-stop', true) ? 1 : 0;
      return shutdown(context, paramsFor(node, vmid, { timeout, forceStop }));
    },
  },
  suspend: {
    ...{ right: 'VM.PowerMgmt', title: 'Suspending', failed: 'Stopping', failedAll: 'suspend' },
    isReversed: true,
    run: (_, { vmid }, __, task) => {
      task.warn(`skipping ${vmid}, only VMs can be suspended`);
      return null;
    },
  },
  migrate: {
    ...{ right: 'VM.Migrate', title: 'Migrating', failed: 'Migrating', failedAll: 'migrate' },
    run: (context, { vmid, node }, params, task) => {
      const target = params.need('target');
      if (node === target) {
        task.warn(`CT ${vmid} already on ${node}, skipping.`);
        return null;
      }
      task.log(`Migrating CT ${vmid}`);
      const restart: Record<string, number> = params.has('online')
        ? { restart: params.flag('online') ? 1 : 0 }
        : {};
      return migrate(context, paramsFor(node, vmid, { target, ...restart }));
    },
  },
};

function inCluster(name: string, bulk: ClusterBulk): Route['handler'] {
  return (context, params) => {
    const { lab } = context;
    const named = params.values('vms');
    const rights =
      name === 'suspend' && params.flag('to-disk') ? [bulk.right, 'VM.Config.Disk'] : [bulk.right];
    for (const right of rights) {
      if (named.length === 0 && !context.may('/', [right])) throw denied(`/, ${right}`);
      for (const vmid of named) context.check(`/vms/${vmid}`, [right]);
    }
    const storage = params.text('statestorage');
    if (rights.length > 1 && storage) context.check(`/storage/${storage}`, ['Datastore.AllocateSpace']);
    return inTask(context, `bulk-${name}`, async (task) => {
      const moves = name === 'migrate';
      const guests = chosen(lab, { named, templates: moves, managed: moves });
      const ordered = guests.toSorted((a, b) =>
        moves ? a.vmid - b.vmid : (a.order - b.order) * (bulk.isReversed ? -1 : 1) || a.vmid - b.vmid,
      );
      const where = moves ? ` to ${params.need('target')}` : '';
      task.log(
        named.length > 0
          ? `${bulk.title} guests${where}: ${named.join(', ')}`
          : `${bulk.title} all guests${where}`,
      );
      const failed: number[] = [];
      for (const guest of ordered) {
        if (task.signal.aborted) break;
        try {
          const upid = await bulk.run({ ...context, node: guest.node }, guest, params, task);
          const status = upid === null ? 'OK' : await lab.tasks.wait(upid);
          if (status !== 'OK' && !status.startsWith('WARNINGS')) {
            failed.push(guest.vmid);
            task.warn(`${bulk.failed} CT ${guest.vmid} failed: ${status}`);
          } else if (bulk.wait?.(guest)) task.log(`Waiting for ${bulk.wait(guest)} seconds (startup delay)`);
        } catch (error) {
          task.warn((error as Error).message);
          failed.push(guest.vmid);
        }
      }
      if (failed.length > 0) throw failure(`Some guests failed to ${bulk.failedAll} ${failed.join(', ')}`);
    });
  };
}

/** What is done to all guests of a node, or of the cluster (PVE::API2::Nodes, PVE::API2::Cluster::BulkAction::Guest). */
export const BULK_ROUTES: readonly Route[] = [
  ...Object.entries(CLUSTER_BULK).map(
    ([name, bulk]): Route => ({
      ...{ method: 'POST', path: `/cluster/bulk-action/guest/${name}`, permission: anyone },
      handler: inCluster(name, bulk),
    }),
  ),
  { method: 'POST', path: '/nodes/{node}/startall', permission: anyone, handler: startAll },
  { method: 'POST', path: '/nodes/{node}/stopall', permission: anyone, handler: stopAll },
  { method: 'POST', path: '/nodes/{node}/suspendall', permission: anyone, handler: suspendAll },
  { method: 'POST', path: '/nodes/{node}/migrateall', permission: anyone, handler: migrateAll },
];
