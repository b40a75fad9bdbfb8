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
  const { lab, entry } = context;
  const pooled = new Map(
    Object.entries(lab.access.read().pools).flatMap(([pool, { vms }]) =>
      vms.map((vmid) => [vmid, pool] as const),
    ),
  );
  const visible = lab.guests.all().filter(({ vmid }) => context.may(`/vms/${vmid}`, ['VM.Audit']));
  return Promise.all(
    visible.map(async ({ vmid, node }) => {
      const pool = pooled.get(vmid);
      const common = { id: `lxc/${vmid}`, type: 'lxc', node, vmid, ...(pool === undefined ? {} : { pool }) };
      const ha = lab.ha.guest(vmid);
      const more = ha === null ? {} : { hastate: ha.state };
      if (!lab.membership.sees(entry, node)) return { ...common, ...more, status: 'unknown' };
      const {
        cpus,
        maxswap: _,
        swap: __,
        pid: ___,
        template,
        ...summary
      } = await guestSummary(lab, node, vmid);
      return { ...common, ...more, ...summary, maxcpu: cpus, template: template ?? 0 };
    }),
  );
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
  const { lab, entry } = context;
  const all: Promise<unknown>[] = [];
  for (const { name: node } of lab.membership.nodes)
    for (const conf of lab.storages.on(node))
      if (context.may(`/storage/${conf.name}`, ['Datastore.Audit', 'Datastore.AllocateSpace'], true))
        all.push(storage(context, node, conf, lab.membership.sees(entry, node)));
  return Promise.all(all);
}

async function storage(
  { lab }: RequestContext,
  node: string,
  conf: StorageConf,
  isSeen: boolean,
): Promise<unknown> {
  const common = {
    ...{ id: `storage/${node}/${conf.name}`, type: 'storage', node, storage: conf.name },
    ...{ plugintype: conf.type, shared: conf.shared ? 1 : 0, content: [...conf.content].sort().join(',') },
  };
  const space = isSeen ? await lab.volumes.space(node, conf.name).catch(() => null) : null;
  if (!space) return { ...common, status: 'unknown' };
  return { ...common, status: 'available', disk: space.used, maxdisk: space.total };
}

function pools(context: RequestContext): readonly unknown[] {
  return Object.keys(context.lab.access.read().pools)
    .filter((pool) => context.may(`/pool/${pool}`, ['Pool.Audit']))
    .map((pool) => ({ id: `/pool/${pool}`, type: 'pool', pool }));
}
