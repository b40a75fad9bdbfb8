import { badParameter, failure } from '../errors.ts';
import type { RouteParams } from '../params.ts';
import { needs, type RequestContext, type Route } from '../route.ts';
import { volumesOf } from './disks.ts';
import { migrateGuest } from './move.ts';
import { askHa, guestTask } from './status.ts';

const PATH = '/nodes/{node}/lxc/{vmid}/migrate';
const permission = needs('/vms/{vmid}', ['VM.Migrate']);

async function migrate(context: RequestContext, params: RouteParams): Promise<string> {
  const { lab, node } = context;
  const vmid = params.int('vmid');
  const target = params.need('target');
  if (target === node) throw badParameter({ target: 'target is local node.' });
  if (!lab.membership.has(target)) throw failure(`no such cluster node '${target}'`);
  lab.membership.requireQuorum(node);
  lab.guests.load(node, vmid);
  const managed = askHa(context, vmid, { kind: 'migrate', target });
  if (managed !== null) return managed;
  const online = params.flag('online');
  const restart = params.flag('restart');
  if (!online && !restart && (await lab.stats.isRunning(node, vmid)))
    throw failure("can't migrate running container without --online or --restart");
  const options = { target, online, restart, timeout: params.number('timeout') ?? 180, start: true };
  return guestTask(context, 'vzmigrate', vmid, (task) => migrateGuest(lab, node, vmid, options, task));
}

async function precondition({ lab, node }: RequestContext, params: RouteParams): Promise<unknown> {
  const vmid = params.int('vmid');
  const { conf } = lab.guests.load(node, vmid);
  const allowed: string[] = [];
  const refused: Record<string, unknown> = {};
  for (const { name } of lab.membership.nodes) {
    if (name === node) continue;
    const missing = volumesOf(lab, conf)
      .map((volume) => volume.storage)
      .filter((storage) => !lab.storages.on(name).some((one) => one.name === storage));
    if (missing.length === 0) allowed.push(name);
    else refused[name] = { unavailable_storages: [...new Set(missing)] };
  }
  return {
    running: (await lab.stats.isRunning(node, vmid)) ? 1 : 0,
    'allowed-nodes': allowed,
    'not-allowed-nodes': refused,
  };
}

/** Moving containers. */
export const MIGRATE_ROUTES: readonly Route[] = [
  { method: 'GET', path: PATH, permission, handler: precondition },
  { method: 'POST', path: PATH, permission, handler: migrate },
];
