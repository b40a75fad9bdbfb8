import { parseFeatures } from '@psa/proxmox/conf';
import { numbered } from '../../cluster/guest-conf.ts';
import { denied, failure } from '../errors.ts';
import type { RequestContext } from '../route.ts';
import { volumeOf } from './values.ts';

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
function checkGuest(context: RequestContext, vmid: number, pool: string | null, right: string): void {
  if (!mayGuest(context, vmid, pool, [right])) context.check(`/vms/${vmid}`, [right]);
}

const isRoot = (context: RequestContext) => context.caller.id === 'root@pam';

/** Who may change which options of a container. @throws 403 */
export function checkChange(
  context: RequestContext,
  vmid: number,
  pool: string | null,
  values: Readonly<Record<string, string | null>>,
  unprivileged: boolean,
): void {
  if (isRoot(context)) return;
  for (const [key, value] of Object.entries(values)) {
    if (['cores', 'cpuunits', 'cpulimit'].includes(key)) checkGuest(context, vmid, pool, 'VM.Config.CPU');
    else if (key === 'memory' || key === 'swap') checkGuest(context, vmid, pool, 'VM.Config.Memory');
    else if (/^(rootfs|mp\d+|unused\d+)$/.test(key)) {
      checkGuest(context, vmid, pool, 'VM.Config.Disk');
      if (value !== null) checkDisk(value);
    } else if (/^net\d+$/.test(key)) {
      checkGuest(context, vmid, pool, 'VM.Config.Network');
      if (value !== null) checkBridge(context, value);
    } else if (['nameserver', 'searchdomain', 'hostname'].includes(key))
      checkGuest(context, vmid, pool, 'VM.Config.Network');
    else if (key === 'features') checkFeatures(context, value ?? '', unprivileged);
    else if (key === 'hookscript') throw denied('changing the hookscript is only allowed for root@pam');
    else if (/^dev\d+$/.test(key)) throw denied('changing device options is only allowed for root@pam');
    else checkGuest(context, vmid, pool, 'VM.Config.Options');
  }
}

function checkDisk(value: string): void {
  const volume = volumeOf(value);
  if (volume.startsWith('/dev/')) throw denied('mount point type device is only allowed for root@pam');
  if (volume.startsWith('/')) throw denied('mount point type bind is only allowed for root@pam');
}

function checkBridge(context: RequestContext, value: string): void {
  const bridge = /(?:^|,)bridge=([^,]+)/.exec(value)?.[1];
  const tag = /(?:^|,)tag=(\d+)/.exec(value)?.[1];
  if (bridge === undefined) return;
  context.check(`/sdn/zones/localnetwork/${bridge}${tag === undefined ? '' : `/${tag}`}`, ['SDN.Use']);
}

function checkFeatures(context: RequestContext, value: string, unprivileged: boolean): void {
  if (!unprivileged) {
    context.check('/', ['Sys.Modify']);
    throw denied('changing feature flags for privileged container is only allowed for root@pam');
  }
  const { nesting: _, ...others } = parseFeatures(value);
  if (Object.keys(others).length > 0)
    throw denied('changing feature flags (except nesting) is only allowed for root@pam');
}

/** @throws 403 when the caller may not put disks on a storage; 500 when the node has no such storage */
export function checkStorage(context: RequestContext, storage: string): void {
  const conf = context.lab.storages.onNode(context.node, storage);
  if (!conf.content.includes('rootdir'))
    throw failure(`storage '${storage}' does not support container directories`);
  context.check(`/storage/${storage}`, ['Datastore.AllocateSpace']);
}

/** The pool that a guest is in; null: none. */
export function poolOf(context: RequestContext, vmid: number): string | null {
  const { pools } = context.lab.access.read();
  return Object.entries(pools).find(([, pool]) => pool.vms.includes(vmid))?.[0] ?? null;
}

/** Cards of the values that stand on bridges which the node does not have. @throws 500 */
export function checkBridges(context: RequestContext, values: Readonly<Record<string, string>>): void {
  for (const key of numbered(values, 'net')) {
    const bridge = /(?:^|,)bridge=([^,]+)/.exec(values[key]!)?.[1];
    const tag = /(?:^|,)tag=(\d+)/.exec(values[key]!)?.[1];
    if (bridge !== undefined)
      context.lab.network.attachment(context.node, bridge, tag === undefined ? null : Number(tag));
  }
}
