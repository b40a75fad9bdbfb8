import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../cluster/cluster-files.ts';
import { badParameter, failure, noFigures } from '../../errors.ts';
import type { RouteParams } from '../params.ts';
import type { Permission } from '../permission.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';
import { VERSION } from '../version.ts';

const NODE = '/nodes/{node}';
const audit = needs('/', ['Sys.Audit']);
const modify = needs('/', ['Sys.Modify']);
const nodeAudit = needs(NODE, ['Sys.Audit']);
const nodeModify = needs(NODE, ['Sys.Modify']);
const auditOrModify = needs('/', ['Sys.Audit', 'Sys.Modify'], true);

/** The certificate that a node's API shows, as `pvenode cert info` has it. */
function certificates({ lab, node }: RequestContext): unknown {
  let pem: string;
  try {
    pem = readFileSync(join(lab.dir, 'certificates', `${node}.pem`), 'utf8');
  } catch {
    return [];
  }
  const shown = new X509Certificate(pem);
  const inOneLine = (name: string) => `/${name.replaceAll('\n', '/')}`;
  const names = (shown.subjectAltName ?? '').split(', ').map((one) => one.replace(/^[^:]+:/, ''));
  const seconds = (text: string) => Math.floor(Date.parse(text) / 1000);
  return [
    {
      ...{ filename: 'pve-ssl.pem', fingerprint: shown.fingerprint256, pem },
      ...{ subject: inOneLine(shown.subject), issuer: inOneLine(shown.issuer), san: names },
      ...{ notbefore: seconds(shown.validFrom), notafter: seconds(shown.validTo) },
      ...{ 'public-key-type': 'id-ecPublicKey', 'public-key-bits': 256 },
    },
  ];
}

const configFile = (node: string) => `nodes/${node}/config.json`;
const readConfig = ({ lab }: RequestContext, node: string) =>
  lab.files.readJson<Record<string, string>>(configFile(node), {});

function config(context: RequestContext, params: RouteParams): unknown {
  const known = readConfig(context, context.node);
  const all = Object.keys(known).length === 0 ? {} : { ...known, digest: digestOf(JSON.stringify(known)) };
  const wanted = params.text('property');
  return wanted === null ? all : Object.fromEntries(Object.entries(all).filter(([key]) => key === wanted));
}

function setConfig(context: RequestContext, params: RouteParams): void {
  const { digest, delete: _, node: _node, ...given } = params.texts();
  const known = readConfig(context, context.node);
  if (digest && digest !== digestOf(JSON.stringify(known)))
    throw failure('detected modified configuration - file changed by other user? Try again.');
  if (given.description !== undefined) given.description = `${given.description.trimEnd()}\n`;
  Object.assign(known, given);
  for (const key of params.list('delete')) delete known[key];
  context.lab.files.writeJson(configFile(context.node), known);
}

function wake(context: RequestContext, params: RouteParams): string {
  const node = params.need('node');
  if (node === 'localhost' || node === context.entry)
    throw failure(`'${node}' is local node, cannot wake my self!`);
  if (!context.lab.membership.has(node)) throw failure(`no such cluster node '${node}'`);
  const mac = /(?:^|,|mac=)((?:[0-9a-f]{2}:){5}[0-9a-f]{2})/i.exec(
    readConfig(context, node).wakeonlan ?? '',
  )?.[1];
  if (mac === undefined) throw failure(`No wake on LAN MAC address defined for '${node}'!`);
  void context.lab.power.start(node);
  return mac;
}

/** A picture of figures, of which the lab keeps none. */
const graph =
  (what: (context: RequestContext, params: RouteParams) => string) =>
  (context: RequestContext, params: RouteParams): unknown => {
    const name = what(context, params);
    return { filename: `/var/lib/rrdcached/db/${name}_${params.list('ds').join('_')}.png`, image: '' };
  };

/** There is no disk that a node could give away. */
const noDisk = (): never => {
  throw failure('not a valid block device');
};

const refuse = (text: (params: RouteParams) => string) => (_: RequestContext, params: RouteParams) => {
  throw failure(text(params));
};

/** Routes that always say the same: method, path, answer. */
const FIXED: readonly (readonly [
  Route['method'],
  string,
  Permission,
  Route['handler'],
  isLocal?: boolean,
])[] = [
  [
    'GET',
    `${NODE}/disks/list`,
    { check: ['or', ['perm', '/', ['Sys.Audit']], ['perm', NODE, ['Sys.Audit']]] },
    () => [],
  ],
  ['GET', `${NODE}/disks/directory`, audit, () => []],
  ['GET', `${NODE}/disks/lvmthin`, audit, () => []],
  ['GET', `${NODE}/disks/zfs`, audit, () => []],
  ['GET', `${NODE}/disks/smart`, audit, noDisk],
  ['POST', `${NODE}/disks/initgpt`, modify, noDisk],
  ['PUT', `${NODE}/disks/wipedisk`, null, noDisk],
  ...['directory', 'lvm', 'lvmthin', 'zfs'].map(
    (kind) => ['POST', `${NODE}/disks/${kind}`, modify, noDisk] as const,
  ),
  ['GET', `${NODE}/hardware/pci`, auditOrModify, () => []],
  ['GET', `${NODE}/hardware/usb`, modify, () => []],
  ['GET', `${NODE}/hardware/pci/{pci-id-or-mapping}`, anyone, () => [{ method: 'mdev' }], true],
  ['GET', `${NODE}/hardware/pci/{pci-id-or-mapping}/mdev`, auditOrModify, () => []],
  ['GET', `${NODE}/apt/update`, nodeModify, () => []],
  ['GET', `${NODE}/apt/versions`, nodeAudit, () => [packageOf('proxmox-ve'), packageOf('pve-manager')]],
  [
    'GET',
    `${NODE}/apt/repositories`,
    nodeAudit,
    () => ({ digest: digestOf(''), errors: [], files: [], infos: [], 'standard-repos': [] }),
  ],
  ['GET', `${NODE}/report`, nodeAudit, () => `==== general system info ====\n\n# pveversion --verbose\n`],
  ['POST', `${NODE}/subscription`, nodeModify, () => null],
  ['DELETE', `${NODE}/subscription`, nodeModify, () => null],
  ['PUT', `${NODE}/subscription`, nodeModify, refuse(() => 'Invalid subscription key')],
  [
    'POST',
    `${NODE}/aplinfo`,
    needs('/storage/{storage}', ['Datastore.AllocateTemplate']),
    () => {
      throw badParameter({ template: 'no such template' });
    },
  ],
];

const packageOf = (name: string) => ({
  ...{ Package: name, Title: name, Arch: 'all', Section: 'admin', Priority: 'optional', Origin: 'Proxmox' },
  ...{
    Version: VERSION.version,
    OldVersion: VERSION.version,
    CurrentState: 'Installed',
    ManagerVersion: VERSION.version,
  },
});

/** What stands on a node beside its guests: certificates, options, disks, devices, packages. */
export const EQUIPMENT_ROUTES: readonly Route[] = [
  ...FIXED.map(
    ([method, path, permission, handler, isLocal]): Route => ({
      ...{ method, path, permission, handler, ...(isLocal ? { isLocal } : {}) },
    }),
  ),
  { method: 'GET', path: `${NODE}/certificates/info`, permission: anyone, handler: certificates },
  { method: 'GET', path: `${NODE}/config`, permission: audit, handler: config },
  { method: 'PUT', path: `${NODE}/config`, permission: modify, handler: setConfig },
  {
    ...{ method: 'POST', path: `${NODE}/apt/update`, permission: nodeModify },
    handler: ({ lab, node, caller }) =>
      lab.tasks.start({ node, type: 'aptupdate', id: '', user: caller.id }, (task) => {
        task.log('starting apt-get update');
      }),
  },
  {
    ...{
      method: 'POST',
      path: `${NODE}/wakeonlan`,
      permission: needs(NODE, ['Sys.PowerMgmt']),
      isLocal: true,
    },
    handler: wake,
  },
  {
    ...{ method: 'GET', path: `${NODE}/rrd`, permission: nodeAudit, isLocal: true },
    handler: graph(({ lab }, params) => {
      const node = params.need('node');
      if (!lab.membership.has(node)) throw noFigures(`pve-node-9.0/${node}`);
      return `pve-node-9.0/${node}`;
    }),
  },
  {
    method: 'GET',
    path: `${NODE}/lxc/{vmid}/rrd`,
    ...{ permission: needs('/vms/{vmid}', ['VM.Audit']), isLocal: true },
    handler: graph(({ lab }, params) => {
      const vmid = params.int('vmid');
      if (lab.guests.nodeOf(vmid) === null) throw noFigures(`pve-vm-9.0/${vmid}`);
      return `pve-vm-9.0/${vmid}`;
    }),
  },
  {
    ...{ method: 'GET', path: `${NODE}/storage/{storage}/rrd` },
    permission: needs('/storage/{storage}', ['Datastore.Audit', 'Datastore.AllocateSpace'], true),
    handler: graph(({ lab, node }, params) => {
      const storage = params.need('storage');
      if (!lab.storages.all.some(({ name }) => name === storage))
        throw noFigures(`pve-storage-9.0/${node}/${storage}`);
      return `pve2-storage/${node}/${storage}`;
    }),
  },
];
