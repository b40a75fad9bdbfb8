import { type StorageConf, storageOptions } from '../../cluster/storages.ts';
import { badParameter } from '../../errors.ts';
import { formatsOf } from '../backup/allocate.ts';
import { storagesDigest } from '../backup/storage-edits.ts';
import type { RouteParams } from '../params.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';

const READ = ['Datastore.Audit', 'Datastore.AllocateSpace'];
const permission = needs('/storage/{storage}', READ, true);

/** A storage of a node, with its space. */
async function storageStatus(
  { lab, node }: RequestContext,
  conf: StorageConf,
): Promise<Record<string, unknown>> {
  const isHere = lab.storages.on(node).includes(conf);
  const space = isHere ? await lab.volumes.space(node, conf.name).catch(() => null) : null;
  const fixed = {
    ...{
      type: conf.type,
      content: [...conf.content].sort().join(','),
      shared: conf.shared ? 1 : 0,
      enabled: isHere ? 1 : 0,
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
  const isHere = (conf: StorageConf) => lab.storages.on(node).includes(conf);
  // Those of other nodes are shown as switched off, unless it is asked for what they hold.
  const known = lab.storages.all.filter(
    (one) => content.length === 0 || (isHere(one) && content.some((kind) => one.content.includes(kind))),
  );
  if (name !== null && !known.some((one) => one.name === name))
    throw badParameter({ storage: 'No such storage.' });
  const isElsewhere = target !== null && target !== node && target !== 'localhost';
  const found = known.filter(
    (one) =>
      (name === null || one.name === name) &&
      !(params.flag('enabled') && one.isDisabled) &&
      (!isElsewhere || (one.shared && isHere(one) && lab.storages.on(target).includes(one))) &&
      context.may(`/storage/${one.name}`, READ, true),
  );
  return Promise.all(
    found.map(async (conf) => {
      const status = await storageStatus(context, conf);
      const { total, used } = status as { total: number; used: number };
      return {
        ...{ storage: conf.name, ...status },
        ...(total > 0 ? { used_fraction: used / total } : {}),
        ...(params.flag('format') && isHere(conf) ? formatsOf(conf) : {}),
      };
    }),
  );
}

const NUMBERS: ReadonlySet<string> = new Set([
  ...['shared', 'disable', 'max-protected-backups', 'nocow', 'sparse', 'krbd', 'fuse', 'saferemove', 'port'],
  ...['tagged_only', 'snapshot-as-volume-chain', 'create-base-path', 'create-subdirs', 'mkdir'],
]);

/** A storage's entry in the cluster's configuration. */
function entry({ lab }: RequestContext, conf: StorageConf): Record<string, unknown> {
  const options = Object.entries(storageOptions(conf)).map(([key, value]) => [
    key,
    NUMBERS.has(key) ? Number(value) : value,
  ]);
  return { ...Object.fromEntries(options), storage: conf.name, digest: storagesDigest(lab) };
}

/** Storages and their space; what is in them is elsewhere. */
export const STORAGE_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/nodes/{node}/storage', permission: anyone, handler: list },
  {
    method: 'GET',
    path: '/nodes/{node}/storage/{storage}',
    isLocal: true,
    permission,
    handler: () =>
      [
        ...['content', 'download-url', 'file-restore', 'import-metadata', 'identity', 'oci-registry-pull'],
        ...['prunebackups', 'rrd', 'rrddata', 'status', 'upload'],
      ].map((subdir) => ({ subdir })),
  },
  {
    method: 'GET',
    path: '/nodes/{node}/storage/{storage}/status',
    permission,
    handler: (context, params) => {
      const conf = context.lab.storages.all.find((one) => one.name === params.need('storage'));
      if (!conf) throw badParameter({ storage: 'No such storage.' });
      return storageStatus(context, conf);
    },
  },
  {
    // The lab keeps no history of figures.
    method: 'GET',
    path: '/nodes/{node}/storage/{storage}/rrddata',
    permission,
    handler: () => [],
  },
  {
    method: 'GET',
    path: '/storage',
    permission: anyone,
    handler: (context, params) =>
      context.lab.storages.all
        .filter((one) => (params.text('type') ?? one.type) === one.type)
        .filter((one) => context.may(`/storage/${one.name}`, READ, true))
        .map((one) => entry(context, one)),
  },
  {
    method: 'GET',
    path: '/storage/{storage}',
    permission: needs('/storage/{storage}', ['Datastore.Allocate']),
    handler: (context, params) => entry(context, context.lab.storages.get(params.need('storage'))),
  },
];
