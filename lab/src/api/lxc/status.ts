import { badParameter, failure } from '../errors.ts';
import { type HaRequest, haTask } from '../ha/port.ts';
import type { Lab } from '../lab.ts';
import type { RouteParams } from '../params.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';
import { shutdownGuest, startGuest, stopGuest } from './actions.ts';
import { isTemplate, nameOf, sizeOf } from './values.ts';

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
  const maxdisk = sizeOf(values.rootfs);
  return {
    ...{ vmid, type: 'lxc', name: nameOf(vmid, values), status: isRunning ? 'running' : 'stopped' },
    cpus: values.cores === undefined ? lab.membership.node(node).cores : Number(values.cores),
    ...{ cpu: use.cpu, uptime: use.uptime, mem: use.memory, swap: use.swap },
    maxmem: Number(values.memory ?? 512) * mb,
    maxswap: Number(values.swap ?? 512) * mb,
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
    ha: ha === null ? { managed: 0 } : { managed: 1, state: ha.requested, sid: ha.sid },
  };
}

/** Whether the request is one for the HA manager; then its task only writes the wish down. */
export function askHa(context: RequestContext, vmid: number, request: HaRequest): string | null {
  const { lab, node, caller } = context;
  if (lab.ha.guest(vmid) === null) return null;
  const { type, line } = haTask(vmid, request);
  return lab.tasks.start({ node, type, id: String(vmid), user: caller.id }, (task) => {
    task.log(line);
    lab.ha.request(node, vmid, request);
  });
}

function refuseSkiplock({ caller }: RequestContext, params: RouteParams): void {
  if (params.has('skiplock') && caller.id !== 'root@pam')
    throw badParameter({ skiplock: 'Only root may use this option.' });
}

/** A task about a container, in the name of the caller. */
export function guestTask(
  { lab, node, caller }: RequestContext,
  type: string,
  vmid: number,
  work: Parameters<Lab['tasks']['start']>[1],
): string {
  return lab.tasks.start({ node, type, id: String(vmid), user: caller.id }, work);
}

/** @throws `CT 101 not running` */
async function requireRunning({ lab, node }: RequestContext, vmid: number, kind = 'CT'): Promise<void> {
  if (!(await lab.stats.isRunning(node, vmid))) throw failure(`${kind} ${vmid} not running`);
}

async function start(context: RequestContext, params: RouteParams): Promise<string> {
  const vmid = params.int('vmid');
  refuseSkiplock(context, params);
  const { lab, node } = context;
  if (await lab.stats.isRunning(node, vmid)) throw failure(`CT ${vmid} already running`);
  lab.membership.requireQuorum(node);
  return (
    askHa(context, vmid, { kind: 'start' }) ??
    guestTask(context, 'vzstart', vmid, () => startGuest(lab, node, vmid))
  );
}

async function stop(context: RequestContext, params: RouteParams): Promise<string> {
  const vmid = params.int('vmid');
  refuseSkiplock(context, params);
  await requireRunning(context, vmid);
  const { lab, node } = context;
  return (
    askHa(context, vmid, { kind: 'stop', timeout: 0 }) ??
    guestTask(context, 'vzstop', vmid, () => stopGuest(lab, node, vmid))
  );
}

async function shutdown(context: RequestContext, params: RouteParams): Promise<string> {
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
  const options = { timeout: params.number('timeout') ?? 60, force: false };
  return guestTask(context, 'vzreboot', vmid, async (task) => {
    await shutdownGuest(lab, node, vmid, options, task);
    await startGuest(lab, node, vmid);
  });
}

/** Checkpoints need criu, which a node does not have unless someone installs it. */
function checkpoint(type: 'vzsuspend' | 'vzresume') {
  return async (context: RequestContext, params: RouteParams): Promise<string> => {
    const vmid = params.int('vmid');
    if (type === 'vzsuspend') await requireRunning(context, vmid);
    return guestTask(context, type, vmid, (task) => {
      const isSuspend = type === 'vzsuspend';
      const what = isSuspend ? '-s -D' : '-r --foreground -D';
      const last = isSuspend
        ? `lxc_checkpoint.c: checkpoint: 182 Checkpointing ${vmid} failed`
        : `lxc_checkpoint.c: restore_finalize: 203 Restoring ${vmid} failed`;
      const where = `lxc-checkpoint: ${vmid}: ../src/lxc/`;
      task.log(
        `${where}criu.c: criu_version_ok: 767 No such file or directory - execing criu failed, is it installed?`,
      );
      task.log(`${where}tools/${last}`);
      throw failure(`command 'lxc-checkpoint -n ${vmid} ${what} /var/lib/vz/dump' failed: exit code 1`);
    });
  };
}

async function interfaces({ lab, node }: RequestContext, params: RouteParams): Promise<unknown> {
  const vmid = params.int('vmid');
  lab.guests.load(node, vmid);
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

/** What a container does now, and the switches for it. */
export const STATUS_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: BASE,
    permission: anyone,
    handler: () =>
      ['current', 'reboot', 'resume', 'shutdown', 'start', 'stop', 'suspend'].map((subdir) => ({ subdir })),
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
  { method: 'POST', path: `${BASE}/resume`, permission: power, handler: checkpoint('vzresume') },
  {
    method: 'GET',
    path: '/nodes/{node}/lxc/{vmid}/interfaces',
    permission: needs('/vms/{vmid}', ['VM.Audit']),
    handler: interfaces,
  },
];
