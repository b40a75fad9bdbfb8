import { splitList } from '@psa/proxmox/schema/perl';
import { badParameter, failure } from '../../errors.ts';
import { type MoveOptions, migrateGuest } from '../../guests/move.ts';
import type { RouteParams } from '../params.ts';
import { needs, type RequestContext, type Route } from '../route.ts';
import { poolOf, requireGuestRight, wishedLimit } from './rights.ts';
import { askHa, guestTask } from './status.ts';

const PATH = '/nodes/{node}/lxc/{vmid}/migrate';
const permission = needs('/vms/{vmid}', ['VM.Migrate']);

/** In the order of PVE::API2::LXC, migrate_vm: what runs is refused before the HA manager is asked. */
export async function migrate(context: RequestContext, params: RouteParams): Promise<string> {
  const { lab, node } = context;
  const vmid = params.int('vmid');
  const target = params.need('target');
  if (target === node) throw badParameter({ target: 'target is local node.' });
  lab.membership.requireQuorum(node);
  if (!lab.membership.has(target)) throw failure(`no such cluster node '${target}'`);
  lab.guests.load(node, vmid);
  const online = params.flag('online');
  const restart = params.flag('restart');
  if (!online && !restart && (await lab.stats.isRunning(node, vmid)))
    throw failure("can't migrate running container without --online or --restart");
  const storages = storageMap(context, params, vmid, target);
  const managed = askHa(context, vmid, { kind: 'migrate', target });
  if (managed !== null) return managed;
  const options = {
    ...{ target, online, restart, timeout: params.number('timeout') ?? 180 },
    ...(storages ? { storages } : {}),
    limit: wishedLimit(context, params),
  };
  return guestTask(context, 'vzmigrate', vmid, (task) => migrateGuest(lab, node, vmid, options, task));
}

/** `target-storage`: one storage for all, pairs of storages, or `1` for each to itself. */
function storageMap(
  context: RequestContext,
  params: RouteParams,
  vmid: number,
  target: string,
): MoveOptions['storages'] {
  const text = params.text('target-storage');
  if (!text) return undefined;
  const pairs = new Map<string, string>();
  let rest: string | null = null;
  let isIdentity = false;
  const wrong = (what: string) =>
    badParameter({ 'target-storage': `failed to parse storage map: ${what}\n` });
  for (const entry of splitList(text)) {
    const [from = '', to] = entry.split(':');
    if (entry === '1') isIdentity = true;
    else if (to !== undefined) {
      if (pairs.has(from)) throw wrong(`duplicate mapping for source '${from}'`);
      pairs.set(from, to);
    } else if (rest !== null) throw wrong('default target ID can only be provided once');
    else rest = entry;
  }
  if (isIdentity && (rest !== null || pairs.size > 0))
    throw wrong('identity mapping cannot be combined with other mappings');
  if (!isIdentity) requireGuestRight(context, vmid, poolOf(context, vmid), 'VM.Config.Disk');
  for (const storage of [...pairs.values(), ...(rest === null ? [] : [rest])]) {
    const conf = context.lab.storages.onNode(target, storage);
    context.check(`/storage/${storage}`, ['Datastore.AllocateSpace']);
    if (!conf.content.includes('rootdir')) throw failure(`storage '${storage}' does not support CT rootdirs`);
  }
  return (storage) => pairs.get(storage) ?? rest ?? storage;
}

/** What stands in the way of a move. Storages do not count, for containers. */
async function precondition({ lab, node }: RequestContext, params: RouteParams): Promise<unknown> {
  const vmid = params.int('vmid');
  lab.membership.requireQuorum(node);
  const { conf } = lab.guests.load(node, vmid);
  if (conf.values.lock !== undefined) throw failure(`CT is locked (${conf.values.lock})`);
  const motion = lab.ha.guest(vmid) === null ? null : lab.ha.motion(`ct:${vmid}`);
  const allowed: string[] = [];
  const refused: Record<string, unknown> = {};
  for (const { name } of lab.membership.nodes) {
    if (name === node) continue;
    const blocking = motion?.blocking(name) ?? [];
    if (blocking.length === 0) allowed.push(name);
    else
      refused[name] = {
        'blocking-ha-resources': blocking.map((sid) => ({ sid, cause: 'resource-affinity' })),
      };
  }
  return {
    running: (await lab.stats.isRunning(node, vmid)) ? 1 : 0,
    'allowed-nodes': allowed,
    'not-allowed-nodes': refused,
    ...(motion === null ? {} : { 'dependent-ha-resources': motion.comigrated }),
  };
}

/** Moving containers. */
export const MIGRATE_ROUTES: readonly Route[] = [
  { method: 'GET', path: PATH, permission, handler: precondition },
  { method: 'POST', path: PATH, permission, handler: migrate },
];
