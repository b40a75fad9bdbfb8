import { requireUnlocked } from '../../cluster/guests.ts';
import { badParameter, failure } from '../../errors.ts';
import { rebootGuest, shutdownGuest, startGuest, stopGuest } from '../../guests/actions.ts';
import { isTemplate, nameOf, sizeOf } from '../../guests/values.ts';
import { type HaRequest, haTask } from '../../ha/port.ts';
import type { Lab } from '../../lab.ts';
import type { TaskHandle } from '../../tasks/task-manager.ts';
import type { RouteParams } from '../params.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';

const BASE = '/nodes/{node}/lxc/{vmid}/status';
const power = needs('/vms/{vmid}', ['VM.PowerMgmt']);

/** A container as lists and `status/current` show it. */
export async function guestSummary(
  lab: Lab,
  node: string,
  vmid: number,
): Promise<Record<string, unknown> & { status: string }> {
  const { values } = lab.guests.load(node, vmid).conf;
  const use = await lab.stats.sample(node, vmid);
  const isRunning = use.state !== 'stopped';
  const mb = 1024 ** 2;
  const maxdisk = sizeOf(values.rootfs) || 4 * 1024 ** 3;
  return {
    ...{ vmid, type: 'lxc', name: nameOf(vmid, values), status: isRunning ? 'running' : 'stopped' },
    // A limit is a text of its own, as it stands in the configuration.
    cpus:
      Number(values.cores ?? 0) ||
      (Number(values.cpulimit ?? 0) === 0 ? lab.membership.node(node).cores : values.cpulimit),
    ...{ cpu: use.cpu, uptime: use.uptime, mem: use.memory, swap: use.swap },
    maxmem: Number(values.memory ?? 512) * mb,
    maxswap: Number(values.swap ?? 0) * mb,
    ...{ disk: isRunning ? await diskUse(lab, node, values.rootfs) : 0, maxdisk },
    ...{ netin: use.netIn, netout: use.netOut, diskread: 0, diskwrite: 0 },
    ...(isRunning && use.pid !== null ? { pid: use.pid } : {}),
    ...(values.lock === undefined ? {} : { lock: values.lock }),
    ...(values.tags === undefined ? {} : { tags: values.tags }),
    ...(isTemplate(values) ? { template: 1 } : {}),
  };
}

async function diskUse(lab: Lab, node: string, rootfs: string | undefined): Promise<number> {
  const volume = lab.storages.parse(rootfs?.split(',')[0] ?? '');
  if (!volume) return 0;
  return lab.volumes.usage(node, volume).then(
    (usage) => usage.used,
    () => 0,
  );
}

async function current({ lab, node }: RequestContext, params: RouteParams): Promise<unknown> {
  const vmid = params.int('vmid');
  const summary = await guestSummary(lab, node, vmid);
  const ha = lab.ha.guest(vmid);
  const pressure =
    summary.status === 'running'
      ? Object.fromEntries(
          ['cpusome', 'cpufull', 'iosome', 'iofull', 'memorysome', 'memoryfull'].map((name) => [
            `pressure${name}`,
            null,
          ]),
        )
      : {};
  return {
    ...summary,
    ...pressure,
    ha: ha === null ? { managed: 0 } : { managed: 1, state: ha.state },
  };
}

/**
 * Whether the request is one for the HA manager; then its task runs `ha-manager`, which only writes the wish down, and
 * fails as that command does.
 */
export function askHa(context: RequestContext, vmid: number, request: HaRequest): string | null {
  const { lab, node, caller } = context;
  if (lab.ha.guest(vmid) === null) return null;
  const { type, line, command } = haTask(vmid, request);
  return lab.tasks.start({ node, type, id: String(vmid), user: caller.id }, (task) => {
    task.log(line);
    try {
      lab.ha.request(node, vmid, request);
      if ('target' in request) tellMotion(lab, vmid, request, task);
    } catch (error) {
      for (const said of (error as Error).message.split('\n')) task.log(said);
      throw failure(`command '${command}' failed: exit code 2`);
    }
  });
}

/** What `ha-manager migrate` prints of others that a move concerns. @throws when one is in its way */
function tellMotion(
  lab: Lab,
  vmid: number,
  { kind, target }: Extract<HaRequest, { target: string }>,
  task: TaskHandle,
): void {
  const sid = `ct:${vmid}`;
  const motion = lab.ha.motion(sid);
  const blocking = motion.blocking(target);
  if (blocking.length > 0)
    throw failure(
      [
        `cannot ${kind} resource '${sid}' to node '${target}':`,
        '',
        ...blocking.map(
          (other) =>
            `- resource '${other}' on target node '${target}' in negative affinity with resource '${sid}'`,
        ),
      ].join('\n'),
    );
  for (const other of motion.comigrated)
    task.log(
      `also ${kind} resource '${other}' in positive affinity with resource '${sid}' to target node '${target}'`,
    );
}

/** Whether locks do not count. @throws 400 for all but root */
function skipsLock({ caller }: RequestContext, params: RouteParams): boolean {
  const skips = params.flag('skiplock');
  if (skips && caller.id !== 'root@pam') throw badParameter({ skiplock: 'Only root may use this option.' });
  return skips;
}

/** A task about a container, in the name of the caller. */
export function guestTask(
  { lab, node, caller }: RequestContext,
  type: string,
  vmid: number,
  work: Parameters<Lab['tasks']['start']>[1],
): string {
  const spec = { node, type, id: String(vmid), user: caller.id };
  return lab.tasks.start(WAITS.has(type) ? { ...spec, ends: 'killed' } : spec, work);
}

/** Tasks that wait for a guest's end: to stop them is to kill them. */
const WAITS: ReadonlySet<string> = new Set(['vzstop', 'vzshutdown', 'vzreboot']);

/** @throws `CT 101 not running` */
async function requireRunning({ lab, node }: RequestContext, vmid: number, kind = 'CT'): Promise<void> {
  if (!(await lab.stats.isRunning(node, vmid))) throw failure(`${kind} ${vmid} not running`);
}

/** Starts a container: what `POST …/status/start` does. */
export async function start(context: RequestContext, params: RouteParams): Promise<string> {
  const vmid = params.int('vmid');
  const skiplock = skipsLock(context, params);
  const { lab, node } = context;
  if (await lab.stats.isRunning(node, vmid)) throw failure(`CT ${vmid} already running`);
  lab.membership.requireQuorum(node);
  return (
    askHa(context, vmid, { kind: 'start' }) ??
    guestTask(context, 'vzstart', vmid, () => startGuest(lab, node, vmid, { skiplock }))
  );
}

async function stop(context: RequestContext, params: RouteParams): Promise<string> {
  const vmid = params.int('vmid');
  const skiplock = skipsLock(context, params);
  await requireRunning(context, vmid);
  const { lab, node } = context;
  const overrules = params.flag('overrule-shutdown');
  if (lab.ha.guest(vmid) !== null && overrules)
    throw badParameter({ 'overrule-shutdown': 'Not applicable for HA resources.' });
  return (
    askHa(context, vmid, { kind: 'stop', timeout: 0 }) ??
    guestTask(context, 'vzstop', vmid, async (task) => {
      if (overrules) await endShutdowns(lab, node, vmid, task);
      await stopGuest(lab, node, vmid, { skiplock });
    })
  );
}

/** Ends tasks that wait for a container to shut down. */
async function endShutdowns(lab: Lab, node: string, vmid: number, task: TaskHandle): Promise<void> {
  const upids = lab.tasks
    .list(node)
    .filter(({ upid, type, id }) => type === 'vzshutdown' && id === String(vmid) && lab.tasks.isRunning(upid))
    .map(({ upid }) => upid);
  for (const upid of upids) await lab.tasks.abort(upid);
  if (upids.length > 0) task.log(`overruled vzshutdown tasks: ${upids.join(', ')}`);
}

/** Asks it to end: what `POST …/status/shutdown` does. */
export async function shutdown(context: RequestContext, params: RouteParams): Promise<string> {
  const vmid = params.int('vmid');
  const timeout = params.number('timeout') ?? 60;
  await requireRunning(context, vmid);
  const { lab, node } = context;
  const options = { timeout, force: params.flag('forceStop') };
  return (
    askHa(context, vmid, { kind: 'stop', timeout }) ??
    guestTask(context, 'vzshutdown', vmid, (task) => shutdownGuest(lab, node, vmid, options, task))
  );
}

async function reboot(context: RequestContext, params: RouteParams): Promise<string> {
  const vmid = params.int('vmid');
  await requireRunning(context, vmid, 'VM');
  const { lab, node } = context;
  const timeout = params.number('timeout') ?? 60;
  return guestTask(context, 'vzreboot', vmid, (task) => rebootGuest(lab, node, vmid, timeout, task));
}

/** Checkpoints need criu, which a node does not have unless someone installs it. */
function checkpoint(type: 'vzsuspend' | 'vzresume') {
  return async (context: RequestContext, params: RouteParams): Promise<string> => {
    const vmid = params.int('vmid');
    const { lab, node } = context;
    if (type === 'vzsuspend') await requireRunning(context, vmid);
    else if (await lab.stats.isRunning(node, vmid)) throw failure(`CT ${vmid} already running`);
    return guestTask(context, type, vmid, (task) => {
      if (type === 'vzsuspend') requireUnlocked(lab.guests.load(node, vmid).conf);
      const isSuspend = type === 'vzsuspend';
      const what = isSuspend ? '-s -D' : '-r --foreground -D';
      const last = isSuspend
        ? `lxc_checkpoint.c: checkpoint: 182 Checkpointing ${vmid} failed`
        : `lxc_checkpoint.c: restore_finalize: 203 Restoring ${vmid} failed`;
      const where = `lxc-checkpoint: ${vmid}: ../src/lxc/`;
      if (lab.guests.nodeOf(vmid) !== null) {
        task.log(
          `${where}criu.c: criu_version_ok: 767 No such file or directory - execing criu failed, is it installed?`,
        );
        task.log(`${where}tools/${last}`);
      } else task.log(`${where}tools/lxc_checkpoint.c: lxc_checkpoint_main: 299 ${vmid} is not defined`);
      throw failure(`command 'lxc-checkpoint -n ${vmid} ${what} /var/lib/vz/dump' failed: exit code 1`);
    });
  };
}

async function interfaces({ lab, node }: RequestContext, params: RouteParams): Promise<unknown> {
  const vmid = params.int('vmid');
  // One that does not exist does not run.
  if (!(await lab.stats.isRunning(node, vmid))) return null;
  return (await lab.runtime.interfaces(node, vmid)).map(({ name, hwaddr, inet }) => ({
    ...{ name, hwaddr, 'hardware-address': hwaddr },
    ...(inet === null ? {} : { inet }),
    'ip-addresses':
      inet === null
        ? []
        : [
            {
              'ip-address': inet.split('/')[0],
              prefix: Number(inet.split('/')[1] ?? 32),
              'ip-address-type': 'inet',
            },
          ],
  }));
}

export const resume = checkpoint('vzresume');

/** What a container does now, and the switches for it. */
export const STATUS_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: BASE,
    permission: anyone,
    handler: ({ lab, node }, params) => {
      lab.guests.load(node, params.int('vmid'));
      return ['current', 'start', 'stop', 'shutdown', 'reboot', 'migrate'].map((subdir) => ({ subdir }));
    },
  },
  {
    method: 'GET',
    path: `${BASE}/current`,
    permission: needs('/vms/{vmid}', ['VM.Audit']),
    handler: current,
  },
  { method: 'POST', path: `${BASE}/start`, permission: power, handler: start },
  { method: 'POST', path: `${BASE}/stop`, permission: power, handler: stop },
  { method: 'POST', path: `${BASE}/shutdown`, permission: power, handler: shutdown },
  { method: 'POST', path: `${BASE}/reboot`, permission: power, handler: reboot },
  { method: 'POST', path: `${BASE}/suspend`, permission: power, handler: checkpoint('vzsuspend') },
  { method: 'POST', path: `${BASE}/resume`, permission: power, handler: resume },
  {
    method: 'GET',
    path: '/nodes/{node}/lxc/{vmid}/interfaces',
    permission: needs('/vms/{vmid}', ['VM.Audit']),
    handler: interfaces,
  },
];
