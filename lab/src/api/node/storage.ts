import type { StorageConf } from '../../cluster/storages.ts';
import type { RouteParams } from '../params.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';

const READ = ['Datastore.Audit', 'Datastore.AllocateSpace'];
const permission = needs('/storage/{storage}', READ, true);

/** A storage of a node, with its space. */
async function storageStatus(
  { lab, node }: RequestContext,
  conf: StorageConf,
): Promise<Record<string, unknown>> {
  const space = await lab.volumes.space(node, conf.name).catch(() => null);
  const fixed = {
    ...{
      type: conf.type,
      content: [...conf.content].sort().join(','),
      shared: conf.shared ? 1 : 0,
      enabled: 1,
    },
  };
  if (!space) return { ...fixed, active: 0, total: 0, used: 0, avail: 0 };
  return { ...fixed, active: 1, total: space.total, used: space.used, avail: space.available };
}

async function list(context: RequestContext, params: RouteParams): Promise<unknown> {
  const { lab, node } = context;
  const target = params.text('target');
  const content = params.list('content');
  const name = params.text('storage');
  const found = lab.storages
    .on(node)
    .filter(
      (one) =>
        (name === null || one.name === name) &&
        (content.length === 0 || content.some((kind) => one.content.includes(kind))) &&
        (target === null || lab.storages.on(target).includes(one)) &&
        context.may(`/storage/${one.name}`, READ, true),
    );
  return Promise.all(
    found.map(async (conf) => {
      const status = await storageStatus(context, conf);
      const { total, used } = status as { total: number; used: number };
      return { storage: conf.name, ...status, ...(total > 0 ? { used_fraction: used / total } : {}) };
    }),
  );
}

/** A storage's entry in the cluster's configuration. */
function entry(conf: StorageConf): Record<string, unknown> {
  return {
    ...{ storage: conf.name, type: conf.type, content: [...conf.content].sort().join(',') },
    ...(conf.shared ? { shared: 1 } : {}),
    ...(conf.path === undefined ? {} : { path: conf.path }),
    ...(conf.nodes === undefined ? {} : { nodes: conf.nodes.join(',') }),
    ...(conf.pruneBackups === undefined ? {} : { 'prune-backups': conf.pruneBackups }),
  };
}

/** Storages and their space; what is in them is elsewhere. */
export const STORAGE_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/nodes/{node}/storage', permission: anyone, handler: list },
  {
    method: 'GET',
    path: '/nodes/{node}/storage/{storage}',
    permission,
    handler: () => ['content', 'prunebackups', 'status', 'upload'].map((subdir) => ({ subdir })),
  },
  {
    method: 'GET',
    path: '/nodes/{node}/storage/{storage}/status',
    permission,
    handler: (context, params) =>
      storageStatus(context, context.lab.storages.onNode(context.node, params.need('storage'))),
  },
  {
    method: 'GET',
    path: '/storage',
    permission: anyone,
    handler: (context, params) =>
      context.lab.storages.all
        .filter((one) => (params.text('type') ?? one.type) === one.type)
        .filter((one) => context.may(`/storage/${one.name}`, READ, true))
        .map(entry),
  },
  {
    method: 'GET',
    path: '/storage/{storage}',
    permission: needs('/storage/{storage}', ['Datastore.Allocate']),
    handler: ({ lab }, params) => entry(lab.storages.get(params.need('storage'))),
  },
];
