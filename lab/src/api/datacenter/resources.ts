import type { StorageConf } from '../../cluster/storages.ts';
import { guestSummary } from '../lxc/status.ts';
import { nodeSummary } from '../node/nodes.ts';
import type { RouteParams } from '../params.ts';
import type { RequestContext } from '../route.ts';

/** `/cluster/resources`: everything that the caller may see, as the asked node sees it. */
export async function resources(context: RequestContext, params: RouteParams): Promise<unknown> {
  const type = params.text('type');
  const wants = (kind: string) => type === null || type === kind;
  return [
    ...(wants('vm') ? await guests(context) : []),
    ...(wants('node') ? await nodes(context) : []),
    ...(wants('storage') ? await storages(context) : []),
    ...(type === null ? pools(context) : []),
  ];
}

async function guests(context: RequestContext): Promise<readonly unknown[]> {
  const { lab } = context;
  const pooled = new Map(
    Object.entries(lab.access.read().pools).flatMap(([pool, { vms }]) =>
      vms.map((vmid) => [vmid, pool] as const),
    ),
  );
  const visible = lab.guests.all().filter(({ vmid }) => context.may(`/vms/${vmid}`, ['VM.Audit']));
  return Promise.all(
    visible.map(async ({ vmid, node }) => {
      const pool = pooled.get(vmid);
      const ha = lab.ha.guest(vmid);
      const more = { ...(pool === undefined ? {} : { pool }), ...(ha === null ? {} : { hastate: ha.state }) };
      return { ...more, ...(await guestEntry(context, node, vmid)) };
    }),
  );
}

/** A guest as lists of the cluster show it. */
export async function guestEntry(
  { lab, entry }: RequestContext,
  node: string,
  vmid: number,
): Promise<Record<string, unknown>> {
  const common = { id: `lxc/${vmid}`, type: 'lxc', node, vmid };
  if (!lab.membership.sees(entry, node)) return { ...common, status: 'unknown' };
  // What pvestatd has not told for five minutes is forgotten; tags come from the configuration.
  if (!lab.membership.reports(node)) {
    const { tags } = lab.guests.load(node, vmid).conf.values;
    return { ...common, status: 'unknown', ...(tags === undefined ? {} : { tags }) };
  }
  const { cpus, maxswap: _, swap: __, pid: ___, template, ...summary } = await guestSummary(lab, node, vmid);
  return { ...common, ...summary, maxcpu: cpus, template: template ?? 0 };
}

async function nodes(context: RequestContext): Promise<readonly unknown[]> {
  const { lab } = context;
  return Promise.all(
    lab.membership.nodes.map(async ({ name }) => {
      const summary = await nodeSummary(context, name);
      const state = lab.ha.nodeState(name);
      return { ...summary, 'cgroup-mode': 2, ...(state === null ? {} : { hastate: state }) };
    }),
  );
}

async function storages(context: RequestContext): Promise<readonly unknown[]> {
  const { lab } = context;
  const all: Promise<unknown>[] = [];
  for (const { name: node } of lab.membership.nodes)
    for (const conf of lab.storages.on(node))
      if (context.may(`/storage/${conf.name}`, ['Datastore.Audit', 'Datastore.AllocateSpace'], true))
        all.push(storageEntry(context, node, conf));
  return Promise.all(all);
}

/** A storage of a node as lists of the cluster show it. */
export async function storageEntry(
  { lab, entry }: RequestContext,
  node: string,
  conf: StorageConf,
): Promise<Record<string, unknown>> {
  const common = {
    ...{ id: `storage/${node}/${conf.name}`, type: 'storage', node, storage: conf.name },
    ...{ plugintype: conf.type, shared: conf.shared ? 1 : 0, content: [...conf.content].sort().join(',') },
  };
  const space =
    lab.membership.sees(entry, node) && lab.membership.reports(node)
      ? await lab.volumes.space(node, conf.name).catch(() => null)
      : null;
  if (!space) return { ...common, status: 'unknown' };
  return { ...common, status: 'available', disk: space.used, maxdisk: space.total };
}

function pools(context: RequestContext): readonly unknown[] {
  return Object.keys(context.lab.access.read().pools)
    .filter((pool) => context.may(`/pool/${pool}`, ['Pool.Audit']))
    .map((pool) => ({ id: `/pool/${pool}`, type: 'pool', pool }));
}
