import { ApiError, failure } from '../errors.ts';
import type { Permission } from './permission.ts';
import { anyone, needs, type Route } from './route.ts';

const audit = needs('/', ['Sys.Audit']);
const nodeAudit = needs('/nodes/{node}', ['Sys.Audit']);
const guestAudit = needs('/vms/{vmid}', ['VM.Audit']);
const LXC = '/nodes/{node}/lxc/{vmid}';

/** Folders of the API that only list what is in them: path → key, names, and who may see it. */
const FOLDERS: readonly (readonly [string, string, string, Permission, isLocal?: boolean])[] = [
  ['/access/openid', 'subdir', 'auth-url login', anyone],
  ['/cluster/acme', 'name', 'account challenge-schema directories meta plugins tos', anyone],
  ['/cluster/bulk-action', 'name', 'guest', anyone],
  ['/cluster/bulk-action/guest', 'name', 'start shutdown migrate suspend', anyone],
  ['/cluster/ceph', 'name', 'flags metadata restart-bulk status', anyone],
  ['/cluster/config', 'name', 'apiversion join nodes qdevice totem', audit],
  ['/cluster/firewall', 'name', 'aliases groups ipset macros options refs rules', anyone],
  ['/cluster/jobs', 'subdir', 'schedule-analyze realm-sync', anyone],
  ['/cluster/mapping', 'name', 'dir pci usb', anyone],
  ['/cluster/metrics', 'name', 'server', anyone],
  [
    '/cluster/notifications',
    'name',
    'endpoints matcher-field-values matcher-fields matchers targets',
    anyone,
  ],
  ['/cluster/notifications/endpoints', 'name', 'gotify sendmail smtp webhook', anyone],
  ['/cluster/sdn', 'id', 'controllers dns fabrics ipams vnets zones', needs('/sdn', ['SDN.Audit'])],
  ['/nodes/{node}/apt', 'id', 'changelog repositories update versions', anyone, true],
  ['/nodes/{node}/capabilities', 'name', 'qemu', anyone],
  ['/nodes/{node}/certificates', 'name', 'acme custom info', anyone, true],
  ['/nodes/{node}/disks', 'name', 'directory initgpt list lvm lvmthin smart wipedisk zfs', anyone],
  ['/nodes/{node}/firewall', 'name', 'log options rules', anyone, true],
  ['/nodes/{node}/hardware', 'type', 'pci usb', anyone, true],
  ['/nodes/{node}/scan', 'method', 'cifs iscsi lvm nfs pbs zfs', anyone, true],
  [`${LXC}/firewall`, 'name', 'aliases ipset options refs rules', anyone, true],
];

const ACME = [
  { name: "Let's Encrypt V2", url: 'https://acme-v02.api.letsencrypt.org/directory' },
  { name: "Let's Encrypt V2 Staging", url: 'https://acme-staging-v02.api.letsencrypt.org/directory' },
];

/** What a cluster has none of unless someone makes it, and the lab never does. */
const EMPTY: readonly (readonly [string, unknown, Permission, isLocal?: boolean])[] = [
  ['/access/tfa', [], anyone],
  ['/cluster/acme/directories', ACME, anyone],
  ['/cluster/acme/plugins', [], needs('/', ['Sys.Modify'])],
  ['/cluster/config/qdevice', {}, audit],
  ['/cluster/jobs/realm-sync', [], audit],
  ['/cluster/mapping/dir', [], anyone],
  ['/cluster/mapping/pci', [], anyone],
  ['/cluster/mapping/usb', [], anyone],
  ['/cluster/metrics/server', [], audit],
  ['/cluster/sdn/vnets', [], anyone],
  ['/cluster/sdn/zones', [], anyone],
  ['/nodes/{node}/disks/lvm', { leaf: 0, children: [] }, audit],
  ['/nodes/{node}/netstat', [], nodeAudit],
  ['/nodes/{node}/qemu', [], anyone],
  ['/nodes/{node}/aplinfo', [], anyone],
  ['/nodes/{node}/sdn/zones', [], anyone],
];

/** Consoles are not the lab's; who may open one is decided all the same. */
const CONSOLES = ['vncproxy', 'termproxy', 'spiceproxy'].map(
  (name): Route => ({
    ...{ method: 'POST', path: `${LXC}/${name}`, permission: needs('/vms/{vmid}', ['VM.Console']) },
    // The proxy that is asked opens these two itself.
    isLocal: name !== 'spiceproxy',
    handler: (_, params) => {
      const path = `/nodes/${params.need('node')}/lxc/${params.need('vmid')}/${name}`;
      throw new ApiError(501, `Method 'POST ${path}' not implemented`);
    },
  }),
);

/** There are no virtual machines. */
const MACHINES = ['config', 'status/current'].map(
  (name): Route => ({
    ...{ method: 'GET', path: `/nodes/{node}/qemu/{vmid}/${name}`, permission: guestAudit },
    handler: (_, params) => {
      const file = `nodes/${params.need('node')}/qemu-server/${params.need('vmid')}.conf`;
      throw failure(`Configuration file '${file}' does not exist`);
    },
  }),
);

const local = (isLocal: boolean | undefined) => (isLocal ? { isLocal } : {});

/** Routes that always say the same. */
export const INDEX_ROUTES: readonly Route[] = [
  ...FOLDERS.map(
    ([path, key, names, permission, isLocal]): Route => ({
      ...{ method: 'GET', path, permission, ...local(isLocal) },
      handler: () => names.split(' ').map((name) => ({ [key]: name })),
    }),
  ),
  ...EMPTY.map(
    ([path, value, permission, isLocal]): Route => ({
      ...{ method: 'GET', path, permission, ...local(isLocal), handler: () => value },
    }),
  ),
  ...CONSOLES,
  ...MACHINES,
];
