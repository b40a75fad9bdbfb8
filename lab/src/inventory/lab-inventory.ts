import { readFileSync } from 'node:fs';
import type { ContainerGroup } from '@psa/appliance/inventory/schema';
import { groupText, serviceGroup, serviceText } from '@psa/appliance/inventory/service-parts';
import { PROGRAM_NAMES } from '@psa/contracts/services';

/** The nodes of every lab. */
export const LAB_NODES = [1, 2, 3].map((number) => ({
  number,
  name: `pve${number}`,
  /** In the management VLAN, inside the lab. */
  address: `10.0.10.1${number}`,
}));

/** What differs from lab to lab. */
export interface LabInventoryOptions {
  /** The state folder of the lab; token, keys and templates stand in it. Absolute. */
  readonly folder: string;
  /** The first three numbers of the loopback addresses that the nodes answer on: `127.77.0`. */
  readonly loopback: string;
  /** 8006, or another for a second lab. */
  readonly apiPort: number;
  /** 22, or another where port 22 is not ours. */
  readonly sshPort: number;
  /** Who logs in on the nodes: their sshd can let in nobody but the user that it runs as. */
  readonly sshUser: string;
  /** SHA-256 of each node's certificate, by the node's name. */
  readonly fingerprints: Readonly<Record<string, string>>;
  /** How psactl reaches the edge: `https://127.0.0.1:8443`. */
  readonly portal: string;
  /** Of who builds releases and templates on this machine. */
  readonly publicKey: string;
  readonly release: { readonly version: string; readonly directory: string };
  /** Storages of type pbs, by name. */
  readonly backupServers?: readonly string[];
}

/** A storage of a Proxmox Backup Server. */
const serverText = (name: string): string =>
  `      - { name: ${name}, type: pbs, shared: true, content: [backup], server: 10.0.50.20, datastore: ${name}, username: psa@pbs }
`;

/** Networks, flows and templates: those of the example inventory. */
function sharedPart(): string {
  const example = readFileSync(new URL('../../../appliance.yaml', import.meta.url), 'utf8');
  return /^vlans:\n[\s\S]*?^templates:\n(?: .*\n)+/m.exec(example)![0];
}

/** The data parts, in sizes that a machine with two cores and 16 GB carries. MiB and GiB. */
const DATA_GROUPS = [
  ['haproxy', 200, '10.0.40.11', 'dmz', 128, 2, 'local-lvm', 'none'],
  ['postgres', 300, '10.0.30.10', 'database', 512, 6, 'local-lvm', 'none'],
  ['rabbitmq', 310, '10.0.30.20', 'database', 512, 3, 'local-lvm', 'none'],
  ['redis', 320, '10.0.30.30', 'database', 128, 2, 'local-lvm', 'none'],
  ['monitoring', 330, '10.0.10.40', 'management', 512, 4, 'shared', 'managed'],
  ['ops', 340, '10.0.10.50', 'management', 512, 8, 'shared', 'managed'],
] as const;

/** The inventory that `psactl lab up` writes: the whole appliance, in sizes for one machine. */
export function labInventory(options: LabInventoryOptions): string {
  const { folder, release, portal } = options;
  return `# yaml-language-server: $schema=./appliance.schema.json
#
# The inventory of this lab, written by "psactl lab up". Change it as you would that of a real cluster.
version: 1
name: psa
domain: psa.lab.example
internal_domain: psa.internal
timezone: Europe/Berlin

sites:
  - name: lab
    target: lab
    portal: ${text(portal)}
    token_file: ${text(`${folder}/token`)}
    ssh: { user: ${text(options.sshUser)}, key_file: ${text(`${folder}/ssh/id`)} }
    authorized_keys_file: ${text(`${folder}/ssh/id.pub`)}
    nodes:
${LAB_NODES.map((node) => nodeOf(node, options)).join('\n')}
    storages:
      - { name: local, type: dir, shared: false, content: [vztmpl, backup, snippets], path: /var/lib/vz }
      - { name: local-lvm, type: lvmthin, shared: false, content: [rootdir, images], pool: pve/data }
      - name: shared
        type: nfs
        shared: true
        content: [rootdir, vztmpl]
        server: 10.0.50.10
        export: /volume/psa
      - { name: nas, type: nfs, shared: true, content: [backup], server: 10.0.50.10, export: /volume/backup }
${(options.backupServers ?? []).map(serverText).join('')}
${sharedPart()}
containers:
${[...DATA_GROUPS.map(dataGroup), ...PROGRAM_NAMES.map((name) => serviceGroup(name, 'lab'))].map(groupText).join('')}
services:
${PROGRAM_NAMES.map((name) => serviceText(name, 2, name === 'gateway' ? LIMITS : undefined)).join('')}
data:
  postgres:
    members: 3
    version: 15
    database: psa_platform
    synchronous: true
    write_port: 5432
    read_port: 5433
  rabbitmq: { members: 3 }
  redis: { members: 3 }
  # A load test comes from one address.
  haproxy: { members: 2, virtual_address: 10.0.40.10, virtual_router_id: 40, requests_per_10s: 100000 }
  monitoring: { members: 1 }
  ops: { members: 1 }

releases: { version: ${text(release.version)}, directory: ${text(release.directory)}, keep: 3, public_keys: [${text(options.publicKey)}] }

tls:
  certificate_file: /etc/haproxy/certs/psa-platform.pem
  minimum: "1.2"
  hsts_days: 365

monitoring:
  scrape_seconds: 15
  retention_days: 7
  metrics_token_file: /etc/prometheus/secrets/metrics-token
  mail:
    to: [ops@psa.lab.example]
    from: psa@psa.lab.example
    smarthost: mail.lab.example:587

backup:
  tiers:
    - { name: son, schedule: daily 02:00, keep: 7, storage: local }
    - { name: father, schedule: sun 02:00, keep: 4, storage: nas }
    - { name: grandfather, schedule: first sun 02:00, keep: 12, storage: nas }
  # The services' disks are files, which can have no snapshot: one replica at a time stands still for some seconds.
  interruption: suspend
  encryption_key_file: ${text(`${folder}/backup.key`)}
  wal_archive_minutes: 1
  redis_minutes: 15
  drill: { schedule: sat 04:00, ids: 900-949, vlan: backup }
  targets:
    cluster: { rto_minutes: 120, rpo_minutes: 240 }
    database: { rto_minutes: 240, rpo_minutes: 60 }
    redis: { rto_minutes: 60, rpo_minutes: 15 }
`;
}

/** A text as YAML takes it whatever is in it. */
const text = (value: string) => JSON.stringify(value);

function nodeOf(node: (typeof LAB_NODES)[number], options: LabInventoryOptions): string {
  const { name, number, address } = node;
  const at = `${options.loopback}.1${number}`;
  const fingerprint = options.fingerprints[name];
  return `      - name: ${name}
        address: ${address}
        api: ${text(`https://${at}:${options.apiPort}`)}
        ssh: ${text(`${at}:${options.sshPort}`)}${fingerprint ? `\n        fingerprint: ${text(fingerprint)}` : ''}
        cores: 2
        memory_mb: 6144
        reserved_mb: 512`;
}

function dataGroup([name, first, address, vlan, memory, disk, storage, ha]: (typeof DATA_GROUPS)[number]) {
  return {
    ...{ name, ids: `${first}-${first + 9}`, first_address: address, vlan, template: name },
    ...{ cores: 2, memory_mb: memory, disk_gb: disk, storage },
    ...{ anti_affinity: name === 'monitoring' || name === 'ops' ? 'preferred' : 'required', ha },
  } satisfies ContainerGroup;
}

/** A load test is one user at one address, so it would meet the limits that hold off a single one. */
const LIMITS = Object.fromEntries(
  ['RATE_ANONYMOUS_PER_MINUTE', 'RATE_STANDARD_PER_HOUR', 'RATE_PROFESSIONAL_PER_HOUR'].map((limit) => [
    limit,
    '100000000',
  ]),
);
