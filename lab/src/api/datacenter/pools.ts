import type { AccessData, PoolRecord } from '../../cluster/access.ts';
import { failure } from '../../errors.ts';
import { changeAccess } from '../access/change.ts';
import type { RouteParams } from '../params.ts';
import { mayModify } from '../permissions.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';
import { guestEntry, storageEntry } from './resources.ts';

const allocate = needs('/pool/{poolid}', ['Pool.Allocate']);

/** @throws `pool 'x' does not exist` */
function poolOf(data: AccessData, name: string): PoolRecord {
  const pool = data.pools[name];
  if (!pool) throw failure(`pool '${name}' does not exist`);
  return pool;
}

async function create(context: RequestContext, params: RouteParams): Promise<null> {
  const name = params.need('poolid');
  const comment = params.text('comment');
  return changeAccess(context, 'create pool failed', (data) => {
    if (data.pools[name]) throw failure(`pool '${name}' already exists`);
    const parent = name.includes('/') ? name.slice(0, name.lastIndexOf('/')) : null;
    if (parent !== null && !data.pools[parent])
      throw failure(`parent '${parent}' of pool '${name}' does not exist`);
    if (!/^[A-Za-z]/.test(name.split('/').at(-1)!)) throw failure('pool name must start with a letter');
    data.pools[name] = { vms: [], storage: [], ...(comment ? { comment } : {}) };
    return null;
  });
}

async function update(context: RequestContext, params: RouteParams): Promise<null> {
  const name = params.need('poolid');
  const comment = params.text('comment');
  const storage = params.list('storage');
  return changeAccess(context, 'update pools failed', (data) => {
    const before = poolOf(data, name);
    if (comment !== null) data.pools[name] = { ...before, comment };
    for (const vmid of params.list('vms').map(Number)) changeGuest(context, data, params, vmid);
    const pool = poolOf(data, name);
    const kept = new Set(pool.storage);
    for (const one of storage) {
      mayModify(context, `/storage/${one}`, false);
      if (params.flag('delete')) {
        if (!kept.delete(one)) throw failure(`Storage '${one}' is not a pool member`);
      } else if (kept.has(one)) throw failure(`Storage '${one}' is already a pool member`);
      else kept.add(one);
    }
    data.pools[name] = { ...pool, storage: [...kept].sort() };
    return null;
  });
}

/** Puts a guest into the pool of a request, or takes it out. */
function changeGuest(context: RequestContext, data: AccessData, params: RouteParams, vmid: number): void {
  const name = params.need('poolid');
  const pool = poolOf(data, name);
  mayModify(context, `/vms/${vmid}`, false);
  const isIn = pool.vms.includes(vmid);
  if (params.flag('delete')) {
    if (!isIn) throw failure(`VM ${vmid} is not a pool member`);
    data.pools[name] = { ...pool, vms: pool.vms.filter((one) => one !== vmid) };
    return;
  }
  if (isIn) throw failure(`VM ${vmid} is already a pool member`);
  const other = Object.entries(data.pools).find(([, { vms }]) => vms.includes(vmid));
  if (other) {
    if (!params.flag('allow-move'))
      throw failure(`VM ${vmid} belongs already to pool '${other[0]}' and 'allow-move' is not set`);
    context.check(`/pool/${other[0]}`, ['Pool.Allocate']);
    data.pools[other[0]] = { ...other[1], vms: other[1].vms.filter((one) => one !== vmid) };
  }
  data.pools[name] = { ...pool, vms: [...pool.vms, vmid].sort((a, b) => a - b) };
}

async function remove(context: RequestContext, params: RouteParams): Promise<null> {
  const { lab } = context;
  const name = params.need('poolid');
  return changeAccess(context, 'delete pool failed', (data) => {
    const pool = poolOf(data, name);
    const refuse = (what: string) => failure(`pool '${name}' is not empty (contains ${what})`);
    const inner = Object.keys(data.pools)
      .sort()
      .find((other) => other.startsWith(`${name}/`) && !other.slice(name.length + 1).includes('/'));
    if (inner !== undefined) throw refuse(`pool '${inner}'`);
    const vmid = pool.vms.find((one) => lab.guests.nodeOf(one) !== null);
    if (vmid !== undefined) throw refuse(`VM ${vmid}`);
    const storage = pool.storage.find((one) => lab.storages.all.some((known) => known.name === one));
    if (storage !== undefined) throw refuse(`storage '${storage}'`);
    delete data.pools[name];
    data.acl = data.acl.filter((rule) => rule.path !== `/pool/${name}`);
    return null;
  });
}

async function members(
  context: RequestContext,
  name: string,
  type: string | null,
): Promise<readonly unknown[]> {
  const { lab } = context;
  const pool = poolOf(lab.access.read(), name);
  const vms = type === null || type === 'lxc' ? pool.vms : [];
  const guests = vms.map((vmid) => {
    const node = lab.guests.nodeOf(vmid);
    return node === null ? null : guestEntry(context, node, vmid);
  });
  const storages = (type === null || type === 'storage' ? pool.storage : []).map((storage) => {
    const conf = lab.storages.all.find((one) => one.name === storage);
    if (!conf) return null;
    const node = conf.nodes && !conf.nodes.includes(context.node) ? [...conf.nodes].sort()[0]! : context.node;
    return storageEntry(context, node, conf);
  });
  return (await Promise.all([...guests, ...storages])).filter((one) => one !== null);
}

async function poolEntry(context: RequestContext, params: RouteParams): Promise<Record<string, unknown>> {
  const poolid = params.need('poolid');
  const { comment } = poolOf(context.lab.access.read(), poolid);
  return {
    ...{ poolid, members: await members(context, poolid, params.text('type')) },
    ...(comment === undefined ? {} : { comment }),
  };
}

async function list(context: RequestContext, params: RouteParams): Promise<unknown> {
  // Asked for by name, it is shown to whom may not see it, too: the check of Proxmox VE says nothing.
  if (params.has('poolid')) return [await poolEntry(context, params)];
  return Object.entries(context.lab.access.read().pools)
    .filter(([poolid]) => context.may(`/pool/${poolid}`, ['Pool.Audit']))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([poolid, { comment }]) => ({ poolid, ...(comment === undefined ? {} : { comment }) }));
}

/** Pools, by both of their paths. */
export const POOL_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/pools', permission: anyone, handler: list },
  { method: 'POST', path: '/pools', permission: allocate, handler: create },
  { method: 'PUT', path: '/pools', permission: allocate, handler: update },
  { method: 'DELETE', path: '/pools', permission: allocate, handler: remove },
  {
    method: 'GET',
    path: '/pools/{poolid}',
    permission: needs('/pool/{poolid}', ['Pool.Audit']),
    handler: poolEntry,
  },
  { method: 'PUT', path: '/pools/{poolid}', permission: allocate, handler: update },
  { method: 'DELETE', path: '/pools/{poolid}', permission: allocate, handler: remove },
];
