import { createHash } from 'node:crypto';
import {
  CLUSTER_FIREWALL,
  type FirewallConf,
  guestFirewall,
  nodeFirewall,
  readFirewall,
} from '../../cluster/firewall.ts';
import { failure } from '../../errors.ts';
import type { RouteParams } from '../params.ts';
import { needs, type RequestContext } from '../route.ts';

export const GUEST = '/nodes/{node}/lxc/{vmid}';

/** Whose rules they are: what stands in the path, who may read and write, and what is locked. */
export interface Scope {
  readonly env: 'cluster' | 'host' | 'ct';
  readonly prefix: string;
  readonly audit: ReturnType<typeof needs>;
  readonly modify: ReturnType<typeof needs>;
  readonly file: (context: RequestContext, params: RouteParams) => string;
  readonly lock: (context: RequestContext, params: RouteParams) => string;
}

export const CLUSTER: Scope = {
  ...{ env: 'cluster', prefix: '/cluster/firewall' },
  audit: needs('/', ['Sys.Audit']),
  modify: needs('/', ['Sys.Modify']),
  file: () => CLUSTER_FIREWALL,
  lock: () => 'firewall-cluster',
};
export const HOST: Scope = {
  ...{ env: 'host', prefix: '/nodes/{node}/firewall' },
  audit: needs('/nodes/{node}', ['Sys.Audit']),
  modify: needs('/nodes/{node}', ['Sys.Modify']),
  file: ({ node }) => nodeFirewall(node),
  lock: ({ node }) => `firewall-host-${node}`,
};
export const CONTAINER: Scope = {
  ...{ env: 'ct', prefix: `${GUEST}/firewall` },
  audit: needs('/vms/{vmid}', ['VM.Audit']),
  modify: needs('/vms/{vmid}', ['VM.Config.Network']),
  file: (_, params) => guestFirewall(params.int('vmid')),
  lock: (_, params) => `firewall-vm-${params.int('vmid')}`,
};

export const confOf = (scope: Scope, context: RequestContext, params: RouteParams): FirewallConf =>
  readFirewall(context.lab.files, scope.file(context, params));

/** Changes and saves under the file's lock; what throws leaves nothing behind. */
export async function change(
  scope: Scope,
  context: RequestContext,
  params: RouteParams,
  work: (conf: FirewallConf) => void,
): Promise<null> {
  const { lab, entry } = context;
  const lock = scope.lock(context, params);
  if (!lab.membership.isQuorate(entry)) throw failure(`cfs-lock '${lock}' error: no quorum!`);
  await lab.locks.cluster(lock, () => {
    const conf = confOf(scope, context, params);
    work(conf);
    lab.files.writeJson(scope.file(context, params), conf);
  });
  return null;
}

type Shown = Readonly<Record<string, unknown>>;

const hashed = (entries: readonly Shown[]): string => {
  const hash = createHash('sha1');
  for (const entry of entries)
    for (const key of Object.keys(entry).sort())
      if (typeof entry[key] !== 'object') hash.update(`${key}:${String(entry[key])}\n`);
  return hash.digest('hex');
};

/** A list whose every entry carries the digest of all. */
export function withDigest<T extends Shown>(list: readonly T[]): readonly (T & { digest: string })[] {
  const digest = hashed(list);
  return list.map((one) => ({ ...one, digest }));
}

export const objectWithDigest = (object: Shown): Shown => ({ ...object, digest: hashed([object]) });

/** @throws when the digest that was given is not that of what is there */
export function requireUnmodified(params: RouteParams, list: readonly Shown[]): void {
  const given = params.text('digest');
  if (given !== null && given !== '' && given !== hashed(list))
    throw failure('detected modified configuration - file changed by other user? Try again.');
}
