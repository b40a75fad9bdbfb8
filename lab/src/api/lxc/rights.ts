import { parseFeatures } from '@psa/proxmox/conf';
import type { GuestValues } from '../../cluster/guest-conf.ts';
import { ownerOf } from '../../cluster/storages.ts';
import { badParameter, denied, failure } from '../../errors.ts';
import type { WishedLimit } from '../../guests/bandwidth.ts';
import { kindOf, mountOf, storageOf, wishOf } from '../../guests/disks.ts';
import { requireTags } from '../datacenter/tags.ts';
import type { RouteParams } from '../params.ts';
import type { RequestContext } from '../route.ts';

/** Rights on a guest, which its pool can give as well. */
export function mayGuest(
  context: RequestContext,
  vmid: number,
  pool: string | null,
  rights: readonly string[],
): boolean {
  return (pool !== null && context.may(`/pool/${pool}`, rights)) || context.may(`/vms/${vmid}`, rights);
}

/** @throws 403 when a right on a guest is missing */
export function requireGuestRight(
  context: RequestContext,
  vmid: number,
  pool: string | null,
  right: string,
): void {
  if (!mayGuest(context, vmid, pool, [right])) context.check(`/vms/${vmid}`, [right]);
}

const isRoot = (context: RequestContext) => context.caller.id === 'root@pam';

/** What is to change of a container's configuration. */
export interface Wanted {
  /** As it is; nothing for a new one. */
  readonly before: GuestValues;
  readonly values: GuestValues;
  readonly gone: readonly string[];
}

/** Who may change which options of a container (PVE::LXC, check_ct_modify_config_perm). @throws 403 */
export function checkChange(
  context: RequestContext,
  vmid: number,
  pool: string | null,
  wanted: Wanted,
  unprivileged: boolean,
): void {
  if (isRoot(context)) return;
  const need = (right: string) => requireGuestRight(context, vmid, pool, right);
  const check = (key: string, value: string | null) => {
    const before = wanted.before[key];
    if (['cores', 'cpuunits', 'cpulimit'].includes(key)) need('VM.Config.CPU');
    else if (/^(rootfs|mp\d+)$/.test(key)) {
      need('VM.Config.Disk');
      if (value !== null) checkDisk(context, vmid, key, value);
    } else if (key === 'memory' || key === 'swap') need('VM.Config.Memory');
    else if (/^net\d+$/.test(key)) {
      need('VM.Config.Network');
      for (const card of [before, value]) if (card) checkBridge(context, card);
    } else if (/^dev\d+$/.test(key))
      throw denied('configuring device passthrough is only allowed for root@pam');
    else if (['nameserver', 'searchdomain', 'hostname'].includes(key)) need('VM.Config.Network');
    else if (key === 'features') {
      if (!unprivileged)
        throw denied('changing feature flags for privileged container is only allowed for root@pam');
      if (changesFeatures(before ?? '', value ?? '')) need('VM.Allocate');
    } else if (key === 'hookscript') throw denied('changing the hookscript is only allowed for root@pam');
    // Looked at without the pool: a guest that is not in it yet has no tags by its rights.
    else if (key === 'tags') {
      requireGuestRight(context, vmid, null, 'VM.Config.Options');
      requireTags(context, before ?? '', value ?? '');
    } else need('VM.Config.Options');
  };
  for (const [key, value] of Object.entries(wanted.values)) check(key, value);
  for (const key of wanted.gone) check(key, null);
}

/** A mount point may stand on what the caller may use, which a volume of the container itself always is. */
function checkDisk(context: RequestContext, vmid: number, key: string, value: string): void {
  const { volume } = mountOf(key, value);
  const kind = kindOf(volume);
  if (kind !== 'volume') throw denied(`mount point type ${kind} is only allowed for root@pam`);
  const wish = wishOf(value);
  if (wish) {
    context.check(`/storage/${wish.storage}`, ['Datastore.AllocateSpace']);
    return;
  }
  if (!/^[a-z][a-z0-9\-_.]*[a-z0-9]:.+$/i.test(volume))
    throw failure(
      'Only root can pass arbitrary filesystem paths. at /usr/share/perl5/PVE/Storage.pm line 651.',
    );
  const storage = storageOf(volume);
  context.lab.storages.get(storage);
  const parsed = context.lab.storages.parse(volume);
  if (!parsed) {
    if (/:(vztmpl|iso|backup|snippets|import)\//.test(volume))
      throw failure(`unable to use volume ${volume} - content type needs to be 'rootdir'`);
    throw failure(`unable to parse directory volume name '${volume.slice(storage.length + 1)}'`);
  }
  const owner = ownerOf(parsed);
  if (owner === vmid || context.may(`/storage/${storage}`, ['Datastore.Allocate'])) return;
  context.check(`/storage/${storage}`, ['Datastore.Audit']);
  context.check(`/vms/${owner}`, ['VM.Config.Disk']);
}

/** Who may plug a card in. @throws 403 */
export function checkBridge(context: RequestContext, value: string): void {
  const setting = (name: string) => new RegExp(`(?:^|,)${name}=([^,]+)`).exec(value)?.[1];
  const bridge = setting('bridge');
  if (bridge === undefined) return;
  const path = `/sdn/zones/localnetwork/${bridge}`;
  const tags = [setting('tag'), ...(setting('trunks')?.split(';') ?? [])].filter((tag) => tag !== undefined);
  for (const tag of tags) context.check(`${path}/${tag}`, ['SDN.Use']);
  if (tags.length === 0) context.check(path, ['SDN.Use']);
}

/** Whether nesting changes. @throws 403 when any other feature does, which is root's affair */
function changesFeatures(before: string, after: string): boolean {
  const [old, fresh] = [before, after].map((text) => parseFeatures(text) as Record<string, unknown>);
  const differs = (name: string) => JSON.stringify(old![name] ?? '') !== JSON.stringify(fresh![name] ?? '');
  const changed = [...new Set([...Object.keys(old!), ...Object.keys(fresh!)])].filter(differs);
  if (changed.some((name) => name !== 'nesting'))
    throw denied('changing feature flags (except nesting) is only allowed for root@pam');
  return changed.length > 0;
}

/** @throws 403 when the caller may not put disks on a storage; 400 when it takes none; 500 when the node has it not */
export function checkStorage(context: RequestContext, storage: string): void {
  const conf = context.lab.storages.onNode(context.node, storage);
  if (!conf.content.includes('rootdir'))
    throw badParameter({ storage: `storage '${storage}' does not support container directories` });
  context.check(`/storage/${storage}`, ['Datastore.AllocateSpace']);
}

/** The `bwlimit` of a request. */
export const wishedLimit = (context: RequestContext, params: RouteParams): WishedLimit => ({
  kib: params.number('bwlimit'),
  may: (path, rights) => context.may(path, rights),
});

/** The pool that a guest is in; null: none. */
export function poolOf(context: RequestContext, vmid: number): string | null {
  const { pools } = context.lab.access.read();
  return Object.entries(pools).find(([, pool]) => pool.vms.includes(vmid))?.[0] ?? null;
}
