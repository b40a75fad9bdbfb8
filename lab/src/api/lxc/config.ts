import type { GuestValues } from '../../cluster/guest-conf.ts';
import { requireDigest, requireUnlocked } from '../../cluster/guests.ts';
import { badParameter, failure } from '../../errors.ts';
import { applyPending, type Change, hotplug, requireRunnable, stage } from '../../guests/change.ts';
import { apiValue, isOption, optionsOf, withPending } from '../../guests/values.ts';
import type { RouteParams } from '../params.ts';
import { needs, type RequestContext, type Route } from '../route.ts';
import { checkChange, poolOf } from './rights.ts';

const PATH = '/nodes/{node}/lxc/{vmid}/config';

/** Values of a section as the API gives them. */
export const shownValues = (values: GuestValues): Record<string, string | number> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, apiValue(key, value)]));

function read({ lab, node }: RequestContext, params: RouteParams): unknown {
  const name = params.text('snapshot');
  if (name && params.flag('current')) {
    const both = "cannot use 'snapshot' parameter with 'current'";
    throw badParameter({ snapshot: both, current: both });
  }
  const { conf, digest } = lab.guests.load(node, params.int('vmid'));
  const values = name ? conf.snapshots[name] : params.flag('current') ? conf.values : withPending(conf);
  if (!values) throw failure(`snapshot '${name}' does not exist`);
  return { ...shownValues(values), digest };
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

/** `PUT …/config`, in the order of PVE::API2::LXC::Config, update_vm. */
async function update(context: RequestContext, params: RouteParams): Promise<null> {
  const { lab, node } = context;
  const vmid = params.int('vmid');
  if (params.keys().every((key) => ['node', 'vmid', 'digest'].includes(key)))
    throw failure('no options specified');
  const given = params.texts();
  const change = {
    gone: params.list('delete'),
    reverted: params.list('revert'),
  };
  await lab.locks.guest(vmid, async () => {
    const { conf, digest } = lab.guests.load(node, vmid);
    requireUnlocked(conf);
    requireDigest(params.text('digest') || null, digest);
    const before = conf.values;
    const pool = poolOf(context, vmid);
    const checkAll = (values: GuestValues, gone: readonly string[]) =>
      checkChange(context, vmid, pool, { before, values, gone }, before.unprivileged === '1');
    checkAll({}, [...change.gone, ...change.reverted]);
    requireOptions(change, given);
    const values = optionsOf(given);
    checkAll(values, []);
    lab.membership.requireQuorum(node);
    const isRunning = await lab.stats.isRunning(node, vmid);
    const concerned = stage(lab, vmid, conf, { ...change, values });
    // What cannot be done is told, and nothing is saved.
    if (isRunning) await hotplug(lab, node, vmid, conf, concerned);
    else await applyPending(lab, node, vmid, conf, concerned);
    lab.guests.save(node, vmid, conf);
    // What will not start is saved, and told with every change from now on.
    requireRunnable(lab, node, lab.guests.load(node, vmid).conf);
  });
  return null;
}

/** @throws 400 for names that are no options, or that are set as well */
function requireOptions({ gone, reverted }: Omit<Change, 'values'>, given: Record<string, string>): void {
  for (const key of reverted) {
    if (!isOption(key)) throw badParameter({ revert: `unknown option '${key}'` });
    if (given[key] !== undefined)
      throw badParameter({ revert: `you can't use '-${key}' and '-revert ${key}' at the same time` });
  }
  for (const key of gone) {
    if (!isOption(key)) throw badParameter({ delete: `unknown option '${key}'` });
    if (given[key] !== undefined)
      throw badParameter({ delete: `you can't use '-${key}' and -delete ${key}' at the same time` });
    if (reverted.includes(key))
      throw badParameter({
        delete: `you can't use '-delete ${key}' and '-revert ${key}' at the same time`,
      });
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
