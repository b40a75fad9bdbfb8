import type { AccessData, PoolRecord } from '../../cluster/access.ts';
import { failure } from '../errors.ts';
import { guestSummary } from '../lxc/status.ts';
import type { RouteParams } from '../params.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';

const allocate = needs('/pool/{poolid}', ['Pool.Allocate']);

async function change<T>({ lab, entry }: RequestContext, work: (data: AccessData) => T): Promise<T> {
  if (!lab.membership.isQuorate(entry)) throw failure("cfs-lock 'file-user_cfg' error: no quorum!");
  return lab.locks.cluster('file-user_cfg', () => lab.access.update(work));
}

function poolOf(data: AccessData, name: string): PoolRecord {
  const pool = data.pools[name];
  if (!pool) throw failure(`pool '${name}' does not exist`);
  return pool;
}

async function create(context: RequestContext, params: RouteParams): Promise<null> {
  const name = params.need('poolid');
  const comment = params.text('comment');
  return change(context, (data) => {
    if (data.pools[name]) throw failure(`create pool failed: pool '${name}' already exists`);
    const parent = name.includes('/') ? name.slice(0, name.lastIndexOf('/')) : null;
    if (parent !== null && !data.pools[parent])
      throw failure(`create pool failed: parent '${parent}' of pool '${name}' does not exist`);
    data.pools[name] = { vms: [], storage: [], ...(comment === null ? {} : { comment }) };
    return null;
  });
}

async function update(context: RequestContext, params: RouteParams): Promise<null> {
  const name = params.need('poolid');
  const takesAway = params.flag('delete');
  const vms = params.list('vms').map(Number);
  const storage = params.list('storage');
  const comment = params.text('comment');
  for (const vmid of vms) context.check(`/vms/${vmid}`, ['VM.Allocate']);
  for (const one of storage) context.check(`/storage/${one}`, ['Datastore.Allocate']);
  return change(context, (data) => {
    const before = poolOf(data, name);
    for (const vmid of vms) {
      const other = Object.entries(data.pools).find(([key, pool]) => key !== name && pool.vms.includes(vmid));
      if (takesAway ? !before.vms.includes(vmid) : false)
        throw failure(`update pool failed: VM ${vmid} is not a pool member`);
      if (!takesAway && other && !params.flag('allow-move'))
        throw failure(
          `update pool failed: VM ${vmid} belongs already to pool '${other[0]}' and allow-move is not set`,
        );
      if (!takesAway && other)
        data.pools[other[0]] = { ...other[1], vms: other[1].vms.filter((one) => one !== vmid) };
    }
    data.pools[name] = {
      ...before,
      ...(comment === null ? {} : { comment }),
      vms: changed(before.vms, vms, takesAway).sort((a, b) => a - b),
      storage: changed(before.storage, storage, takesAway).sort(),
    };
    return null;
  });
}

function changed<T>(before: readonly T[], named: readonly T[], takesAway: boolean): T[] {
  return takesAway ? before.filter((one) => !named.includes(one)) : [...new Set([...before, ...named])];
}

async function remove(context: RequestContext, params: RouteParams): Promise<null> {
  const name = params.need('poolid');
  return change(context, (data) => {
    const pool = poolOf(data, name);
    const [vmid] = pool.vms;
    if (vmid !== undefined)
      throw failure(`delete pool failed: pool '${name}' is not empty (contains VM ${vmid})`);
    if (pool.storage.length > 0)
      throw failure(
        `delete pool failed: pool '${name}' is not empty (contains storage '${pool.storage[0]}')`,
      );
    delete data.pools[name];
    data.acl = data.acl.filter((rule) => rule.path !== `/pool/${name}`);
    return null;
  });
}

async function members(context: RequestContext, name: string): Promise<readonly unknown[]> {
  const { lab } = context;
  const pool = poolOf(lab.access.read(), name);
  const guests = await Promise.all(
    pool.vms.map(async (vmid) => {
      const node = lab.guests.nodeOf(vmid);
      if (node === null) return null;
      return { id: `lxc/${vmid}`, node, ...(await guestSummary(lab, node, vmid)) };
    }),
  );
  const storages = pool.storage.map((storage) => ({ id: `storage/${storage}`, type: 'storage', storage }));
  return [...guests.filter((guest) => guest !== null), ...storages];
}

async function list(context: RequestContext, params: RouteParams): Promise<unknown> {
  const { pools } = context.lab.access.read();
  const name = params.text('poolid');
  if (name !== null) {
    context.check(`/pool/${name}`, ['Pool.Audit']);
    const { comment } = poolOf(context.lab.access.read(), name);
    return [
      { poolid: name, members: await members(context, name), ...(comment === undefined ? {} : { comment }) },
    ];
  }
  return Object.entries(pools)
    .filter(([poolid]) => context.may(`/pool/${poolid}`, ['Pool.Audit']))
    .map(([poolid, { comment }]) => ({ poolid, ...(comment === undefined ? {} : { comment }) }));
}

async function show(context: RequestContext, params: RouteParams): Promise<unknown> {
  const name = params.need('poolid');
  const { comment } = poolOf(context.lab.access.read(), name);
  return { members: await members(context, name), ...(comment === undefined ? {} : { comment }) };
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
    handler: show,
  },
  { method: 'PUT', path: '/pools/{poolid}', permission: allocate, handler: update },
  { method: 'DELETE', path: '/pools/{poolid}', permission: allocate, handler: remove },
];
