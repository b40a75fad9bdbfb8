import type { GuestConf } from '../../cluster/guest-conf.ts';
import { requireDigest, requireUnlocked } from '../../cluster/guests.ts';
import { badParameter, failure } from '../errors.ts';
import type { Lab } from '../lab.ts';
import type { RouteParams } from '../params.ts';
import { needs, type RequestContext, type Route } from '../route.ts';
import { refuseMounts } from './disks.ts';
import { checkBridges, checkChange, poolOf } from './rights.ts';
import { limitsOf } from './run-spec.ts';
import { apiValue, isOption, optionsOf, withPending } from './values.ts';

const PATH = '/nodes/{node}/lxc/{vmid}/config';

/** What changes at once, also in a container that runs; all else waits for its next start. */
const AT_ONCE: ReadonlySet<string> = new Set([
  ...['description', 'onboot', 'startup', 'protection', 'hostname', 'hookscript', 'tags', 'lock', 'template'],
]);
const LIMITS: ReadonlySet<string> = new Set(['memory', 'swap', 'cores', 'cpulimit', 'cpuunits']);
const REQUIRED: ReadonlySet<string> = new Set(['rootfs']);

function read({ lab, node }: RequestContext, params: RouteParams): unknown {
  const { conf, digest } = lab.guests.load(node, params.int('vmid'));
  const name = params.text('snapshot');
  const values =
    name === null ? (params.flag('current') ? conf.values : withPending(conf)) : conf.snapshots[name];
  if (!values) throw failure(`snapshot '${name}' does not exist`);
  return {
    ...Object.fromEntries(Object.entries(values).map(([key, value]) => [key, apiValue(key, value)])),
    digest,
  };
}

function pending({ lab, node }: RequestContext, params: RouteParams): unknown {
  const { conf, digest } = lab.guests.load(node, params.int('vmid'));
  const known = Object.entries(conf.values).map(([key, value]) => ({
    ...{ key, value: apiValue(key, value) },
    ...(conf.pending[key] === undefined ? {} : { pending: apiValue(key, conf.pending[key]) }),
    ...(conf.pendingDelete.includes(key) ? { delete: 1 } : {}),
  }));
  const added = Object.entries(conf.pending)
    .filter(([key]) => conf.values[key] === undefined)
    .map(([key, value]) => ({ key, pending: apiValue(key, value) }));
  return [{ key: 'digest', value: digest }, ...known, ...added];
}

async function update(context: RequestContext, params: RouteParams): Promise<null> {
  const { lab, node } = context;
  const vmid = params.int('vmid');
  lab.membership.requireQuorum(node);
  const values = optionsOf(params);
  const gone = params.list('delete');
  const reverted = params.list('revert');
  for (const key of gone) {
    if (!isOption(key)) throw badParameter({ delete: `unknown option '${key}'` });
    if (values[key] !== undefined)
      throw badParameter({ delete: `You can't use '-${key}' and -delete ${key}' at the same time` });
  }
  const { conf: before } = lab.guests.load(node, vmid);
  const changed = { ...values, ...Object.fromEntries(gone.map((key) => [key, null])) };
  checkChange(context, vmid, poolOf(context, vmid), changed, before.values.unprivileged === '1');
  refuseMounts(values);
  if (values.unprivileged !== undefined && values.unprivileged !== (before.values.unprivileged ?? '0'))
    throw badParameter({ unprivileged: "unable to modify read-only option: 'unprivileged'" });
  await lab.locks.guest(vmid, async () => {
    const { conf, digest } = lab.guests.load(node, vmid);
    requireDigest(params.text('digest'), digest);
    requireUnlocked(conf);
    for (const key of gone) if (REQUIRED.has(key)) throw failure(`unable to delete required option '${key}'`);
    const isRunning = await lab.stats.isRunning(node, vmid);
    for (const key of reverted) revert(conf, key);
    for (const [key, value] of Object.entries(values)) set(conf, key, value, isRunning);
    for (const key of gone) remove(conf, key, isRunning);
    lab.guests.save(node, vmid, conf);
    if (!isRunning) return;
    if ([...Object.keys(values), ...gone].some((key) => LIMITS.has(key)))
      await hotplugLimits(lab, node, vmid, conf);
    // As on a real node, what does not work is said and saved all the same.
    checkBridges(context, values);
  });
  return null;
}

const waits = (key: string, isRunning: boolean) => isRunning && !AT_ONCE.has(key) && !LIMITS.has(key);

function set(conf: GuestConf, key: string, value: string, isRunning: boolean): void {
  conf.pendingDelete = conf.pendingDelete.filter((one) => one !== key);
  delete conf.pending[key];
  if (conf.values[key] === value) return;
  if (waits(key, isRunning)) conf.pending[key] = value;
  else conf.values[key] = value;
}

function remove(conf: GuestConf, key: string, isRunning: boolean): void {
  delete conf.pending[key];
  if (conf.values[key] === undefined) return;
  if (waits(key, isRunning)) conf.pendingDelete = [...new Set([...conf.pendingDelete, key])];
  else delete conf.values[key];
}

function revert(conf: GuestConf, key: string): void {
  delete conf.pending[key];
  conf.pendingDelete = conf.pendingDelete.filter((one) => one !== key);
}

/** New limits for a container that runs. One that it does not take waits for the next start. */
async function hotplugLimits(lab: Lab, node: string, vmid: number, conf: GuestConf): Promise<void> {
  try {
    await lab.runtime.setLimits(node, vmid, limitsOf(conf.values));
  } catch (error) {
    throw badParameter({ memory: `hotplug problem - ${(error as Error).message}\n` });
  }
}

/** A container's configuration. */
export const CONFIG_ROUTES: readonly Route[] = [
  { method: 'GET', path: PATH, permission: needs('/vms/{vmid}', ['VM.Audit']), handler: read },
  {
    method: 'PUT',
    path: PATH,
    permission: needs(
      '/vms/{vmid}',
      ['VM.Config.Disk', 'VM.Config.CPU', 'VM.Config.Memory', 'VM.Config.Network', 'VM.Config.Options'],
      true,
    ),
    handler: update,
  },
  {
    method: 'GET',
    path: '/nodes/{node}/lxc/{vmid}/pending',
    permission: needs('/vms/{vmid}', ['VM.Audit']),
    handler: pending,
  },
];
