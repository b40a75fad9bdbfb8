import type { StorageType } from '@psa/appliance/inventory/storages';
import { KNOWN_RELEASES, knownRelease, OLDEST } from '@psa/appliance/plan/releases';
import coerce from 'semver/functions/coerce.js';

/** One thing that the doctor looked at. */
export interface Finding {
  /** What was looked at: `node pve1`, `storage shared on pve2`. */
  readonly what: string;
  readonly result: 'ok' | 'warning' | 'failed';
  readonly detail: string;
  /** How to mend it; null when nothing is wrong. */
  readonly fix: string | null;
}

export const fine = (what: string, detail: string): Finding => ({ what, result: 'ok', detail, fix: null });
export const warning = (what: string, detail: string, fix: string): Finding => ({
  ...{ what, result: 'warning', detail, fix },
});
export const failed = (what: string, detail: string, fix: string): Finding => ({
  ...{ what, result: 'failed', detail, fix },
});

/** What a node's `/nodes/{node}/storage` says of one storage. */
export interface StorageSeen {
  readonly storage: string;
  readonly content: string;
  readonly type?: string;
  readonly active?: number;
  readonly enabled?: number;
  readonly avail?: number;
  readonly total?: number;
}

/** A storage of the inventory on a node that shall have it. */
export function storageFinding(
  wanted: { readonly name: string; readonly type: StorageType; readonly content: readonly string[] },
  node: string,
  seen: readonly StorageSeen[],
  /** Of the token; null when they are not known. */
  permissions: Permissions | null,
): Finding {
  const what = `storage ${wanted.name} on ${node}`;
  const found = seen.find((one) => one.storage === wanted.name);
  if (!found && permissions && !hasPrivilege(permissions, `/storage/${wanted.name}`, 'Datastore.Audit')) {
    return failed(
      what,
      `cannot be seen: the token has no Datastore.Audit on /storage/${wanted.name}`,
      'The Ansible playbook "token" gives it; by hand: Datacenter > Permissions.',
    );
  }
  if (!found) {
    return failed(what, 'is not there', `Add it: Datacenter > Storage, or the Ansible playbook "storage".`);
  }
  if (found.active === 0 || found.enabled === 0) {
    return failed(what, 'is not active', `See "pvesm status" on ${node}: is its server or disk reachable?`);
  }
  if (found.type !== undefined && found.type !== wanted.type) {
    return failed(
      what,
      `is of the kind ${found.type}, the inventory says ${wanted.type}`,
      'Write its kind into the inventory: what can be done with its disks follows from it.',
    );
  }
  const has = found.content.split(',');
  const lacks = wanted.content.filter((one) => !has.includes(one));
  if (lacks.length > 0) {
    return failed(
      what,
      `may not hold ${lacks.join(', ')}`,
      `pvesm set ${wanted.name} --content ${[...new Set([...has, ...lacks])].join(',')}`,
    );
  }
  const { avail = 0, total = 0 } = found;
  const share = total === 0 ? 1 : avail / total;
  const room = `${gib(avail)} of ${gib(total)} free`;
  if (share < 0.03) return failed(what, room, 'Make room: remove old templates and backups, or enlarge it.');
  if (share < 0.15)
    return warning(what, room, 'Make room soon: remove old templates and backups, or enlarge it.');
  return fine(what, room);
}

const gib = (bytes: number) => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;

/** How far a node's clock is from ours. Proxmox gives its time in seconds, so one second is no difference. */
export function clockFinding(node: string, seconds: number): Finding {
  const what = `time of ${node}`;
  const off = `${Math.abs(seconds).toFixed(1)} s ${seconds > 0 ? 'ahead' : 'behind'}`;
  const fix = `On ${node}: systemctl enable --now chrony; chronyc tracking`;
  if (Math.abs(seconds) > 30) return failed(what, off, fix);
  return Math.abs(seconds) > 3 ? warning(what, off, fix) : fine(what, 'agrees with ours');
}

/** All nodes run the same main release, and one that is known. */
export function versionFindings(versions: Readonly<Record<string, string>>): Finding[] {
  const names = Object.keys(versions);
  const mains = new Set(names.map((name) => versions[name]!.split('.')[0]));
  const list = names.map((name) => `${name} ${versions[name]}`).join(', ');
  if (mains.size > 1) {
    return [
      failed(
        'versions',
        list,
        'Bring all nodes to the same main release: apt-get dist-upgrade, one after the other.',
      ),
    ];
  }
  const [first] = Object.values(versions);
  if (first === undefined) return [];
  if (isBefore(first, `${OLDEST.main}`)) {
    return [
      failed(
        'versions',
        `${list}: too old for psactl`,
        `Bring the nodes to Proxmox VE ${OLDEST.since} or later, one after the other.`,
      ),
    ];
  }
  const release = knownRelease(first);
  if (release === null) {
    return [
      warning('versions', list, `psactl knows Proxmox VE ${KNOWN_RELEASES}; others may answer differently.`),
    ];
  }
  const { since, follows } = release;
  if (names.some((name) => isBefore(versions[name]!, since))) {
    return [warning('versions', list, `psactl is tried with ${since} and later; bring the nodes to it.`)];
  }
  if (new Set(Object.values(versions)).size > 1) {
    return [warning('versions', list, 'Bring all nodes to the same version soon.')];
  }
  return [fine('versions', `${list}: ${follows}`)];
}

/** Whether a version is older than another: `8.3.5` than `8.4`. */
function isBefore(version: string, other: string): boolean {
  const [a, b] = [coerce(version), coerce(other)];
  return a !== null && b !== null && a.compare(b) < 0;
}

/** What psactl does with its token, and the privilege for it. */
const CONTAINERS = {
  'VM.Allocate': 'make containers',
  'VM.Audit': 'see containers',
  'VM.PowerMgmt': 'start and stop containers',
  'VM.Migrate': 'move containers to another node',
  'VM.Snapshot': 'take snapshots of them',
  'VM.Config.Options': 'change containers',
  'VM.Config.Memory': 'change their memory',
  'VM.Config.CPU': 'change their cores',
  'VM.Config.Disk': 'make and enlarge their disks',
  'VM.Config.Network': 'give them addresses',
  'Pool.Allocate': 'put them into the pool',
};
const STORAGE = {
  'Datastore.Audit': 'see it',
  'Datastore.AllocateSpace': 'make disks on it',
  'Datastore.AllocateTemplate': 'bring templates to it',
};
const CLUSTER = {
  'Sys.Audit': 'see the HA manager',
  'Sys.Console': 'make HA resources and rules',
  'Sys.Modify': 'limit the bandwidth of backups, or give tags that are registered',
};

/** `/access/permissions`: path → privilege → 1, or 0 when it does not hold below the path. */
export type Permissions = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Whether the token has a privilege at a path. */
export const hasPrivilege = (permissions: Permissions, path: string, privilege: string): boolean =>
  Object.entries(permissions).some(
    ([at, found]) =>
      privilege in found &&
      (at === path || (found[privilege] === 1 && (at === '/' || path.startsWith(`${at}/`)))),
  );

/** What the token lacks of what psactl does, and whether it sees what others have. */
export function tokenFindings(
  permissions: Permissions,
  pool: string,
  storages: readonly string[],
): Finding[] {
  const wanted = [
    ...Object.entries(CONTAINERS).map(([privilege, why]) => ({
      paths: [`/pool/${pool}`, '/vms'],
      privilege,
      why,
    })),
    ...storages.flatMap((name) =>
      Object.entries(STORAGE).map(([privilege, why]) => ({ paths: [`/storage/${name}`], privilege, why })),
    ),
    // The rights of a pool end with the container that was in it; then its backup could not even be seen.
    { paths: ['/vms'], privilege: 'VM.Backup', why: 'back containers up, and restore one that is gone' },
    { paths: ['/sdn/zones/localnetwork'], privilege: 'SDN.Use', why: 'put containers on bridges' },
    ...Object.entries(CLUSTER).map(([privilege, why]) => ({ paths: ['/'], privilege, why })),
  ];
  const missing = wanted.filter(
    ({ paths, privilege }) => !paths.some((path) => hasPrivilege(permissions, path, privilege)),
  );
  const view = hasPrivilege(permissions, '/vms', 'VM.Audit')
    ? fine('guests of others', 'are seen by the token')
    : fine(
        'guests of others',
        'are not seen by the token: an id that they have shows at creation only (VM.Audit on /vms: psa_audit_all of the Ansible playbook "token")',
      );
  if (missing.length === 0) return [fine('permissions of the token', 'all are there'), view];
  return missing.map(({ paths, privilege, why }) =>
    failed(
      `permission ${privilege} on ${paths[0]}`,
      `is missing: psactl cannot ${why}`,
      'The Ansible playbook "token" gives it; by hand: Datacenter > Permissions.',
    ),
  );
}

/** What `/nodes/{node}/network` says of a bridge. */
export interface BridgeSeen {
  readonly iface: string;
  readonly type: string;
  readonly active?: number;
  readonly bridge_vlan_aware?: number;
  /** Its cards, with blanks between. */
  readonly bridge_ports?: string;
}

/** A bridge of the inventory on a node. */
export function bridgeFinding(bridge: string, node: string, seen: readonly BridgeSeen[]): Finding {
  const what = `bridge ${bridge} on ${node}`;
  const found = seen.find((one) => one.iface === bridge);
  if (!found) return failed(what, 'is not there', `Make it on ${node}: the Ansible playbook "network" does.`);
  if (found.active === 0) return failed(what, 'is down', `On ${node}: ifup ${bridge}`);
  if (found.type !== 'bridge' || found.bridge_vlan_aware === 1) return fine(what, 'is up and VLAN aware');
  // PVE::Network, activate_bridge_vlan: the VLAN becomes a bridge of its own (vmbr0v20) over a card (eno1.20).
  return found.bridge_ports?.trim()
    ? fine(what, 'is up and not VLAN aware: Proxmox makes a bridge over its card for each VLAN')
    : failed(
        what,
        'is not VLAN aware and has no card, so no container with a VLAN starts on it',
        `On ${node}: bridge-vlan-aware yes, then ifreload -a`,
      );
}
