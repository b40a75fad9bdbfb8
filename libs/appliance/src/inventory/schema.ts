import { PROGRAM_NAMES } from '@psa/contracts/services';
import Type, { type Static } from 'typebox';
import { Dr } from './dr-schema.ts';
import { Backup, Monitoring, Releases, Tls } from './operations-schema.ts';
import { Closed, Ipv4, ListedPort, Name } from './parts-schema.ts';
import { Site } from './site-schema.ts';

/** A network segment: one Proxmox bridge or VLAN tag, one subnet, one leg of the firewall. */
export const Vlan = Closed(
  {
    id: Type.Integer({ minimum: 1, maximum: 4094, description: 'The 802.1Q tag.' }),
    name: Name('What flows and containers call it.'),
    bridge: Type.String({ pattern: '^vmbr\\d{1,4}$', description: 'The VLAN-aware bridge of every node.' }),
    subnet: Type.String({
      pattern: '^\\d{1,3}(\\.\\d{1,3}){3}/\\d{1,2}$',
      description: 'The subnet, as in 10.0.20.0/24.',
    }),
    gateway: Ipv4("The firewall's own address in the subnet."),
    internet: Type.Boolean({
      description: 'Whether flows from here may go to the internet. False: a flow that says so is an error.',
    }),
    dhcp: Type.Optional(
      Closed({ from: Ipv4('First address given out.'), to: Ipv4('Last address given out.') }),
    ),
  },
  'One VLAN.',
);
export type Vlan = Static<typeof Vlan>;

/** A machine in one of the VLANs that psactl does not make, such as the NAS. */
export const Host = Closed({
  name: Name('What flows and DNS call it.'),
  address: Ipv4('Its address; in the subnet of a VLAN.'),
});
export type Host = Static<typeof Host>;

/** The firewall between the VLANs: a pfSense. */
export const Firewall = Closed({
  trunk: Type.String({
    pattern: '^[a-z]+\\d+$',
    description: 'The network card of the firewall that carries all VLANs, as in igb1.',
  }),
  wan: Type.String({ pattern: '^(wan|opt\\d+)$', description: 'Its interface to the internet, as in wan.' }),
});
export type Firewall = Static<typeof Firewall>;

/** One thing that may be done across VLANs. What no flow names is blocked. */
export const Flow = Closed(
  {
    from: Name('Who opens the connection: a VLAN, a container group, a host, "nodes" or "internet".'),
    to: Name(
      'Who answers: a VLAN, a container group, a host, "nodes", "edge" (the virtual address), "firewall" (the gateway of the VLAN) or "internet".',
    ),
    protocol: Type.Enum(['tcp', 'udp', 'icmp'], { description: 'icmp has no ports.' }),
    ports: Type.Optional(Type.Array(ListedPort, { minItems: 1, description: 'Ports and ranges of ports.' })),
    why: Type.String({ minLength: 5, description: 'What needs it; becomes the description of the rule.' }),
  },
  'One allowed flow.',
);
export type Flow = Static<typeof Flow>;

/** An image that containers are made from. */
export const Template = Closed({
  name: Name('What container groups call it.'),
  version: Type.String({ pattern: '^\\d+\\.\\d+\\.\\d+$', description: 'Its version.' }),
  storage: Name('The storage that holds it; its content must include vztmpl.'),
});
export type Template = Static<typeof Template>;

/** Containers of one kind: their ids, sizes and places. A service or a data part of the same name runs in them. */
export const ContainerGroup = Closed(
  {
    name: Name('The service or data part that runs in these containers.'),
    ids: Type.String({
      pattern: '^\\d{3,9}-\\d{3,9}$',
      description: 'Container ids kept for the group, as in 200-209. Unique in the whole cluster.',
    }),
    first_address: Ipv4('Address of the first container; the others follow.'),
    vlan: Name('The VLAN they stand in.'),
    template: Name('The template they are made from.'),
    cores: Type.Integer({ minimum: 1, maximum: 512, description: 'CPU cores of each.' }),
    memory_mb: Type.Integer({ minimum: 64, description: 'Memory of each, in MiB.' }),
    swap_mb: Type.Optional(Type.Integer({ minimum: 0, description: 'Swap of each, in MiB; 0 when absent.' })),
    disk_gb: Type.Integer({ minimum: 1, description: 'Root disk of each, in GiB.' }),
    storage: Name('The storage of the root disk; its content must include rootdir.'),
    nodes: Type.Optional(
      Type.Array(Name('A node.'), {
        minItems: 1,
        description: 'Nodes to use, first replica on the first. Absent: all nodes in turn.',
      }),
    ),
    anti_affinity: Type.Enum(['required', 'preferred', 'none'], {
      description: 'Whether two of the group may share a node: never, only when there is no other, freely.',
    }),
    ha: Type.Enum(['managed', 'none'], {
      description:
        'managed: the HA manager restarts and relocates it (the storage must be shared). none: started at boot only.',
    }),
  },
  'One group of containers.',
);
export type ContainerGroup = Static<typeof ContainerGroup>;

/** One of the platform's services and how often it runs. */
export const Service = Closed({
  name: Type.Enum([...PROGRAM_NAMES], { description: 'The service.' }),
  replicas: Type.Integer({ minimum: 1, maximum: 64, description: 'How many containers run it.' }),
  port: Type.Integer({ minimum: 1, maximum: 65_535, description: 'Where it listens.' }),
  edge_port: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 65_535,
      description:
        'On HAProxy: where the other services reach it. The gateway has none; it is reached by HTTPS.',
    }),
  ),
  settings: Type.Optional(
    Type.Record(Type.String({ pattern: '^[A-Z][A-Z0-9_]*$' }), Type.String(), {
      description:
        'Settings of the service beside those that follow from the inventory, as in LOG_LEVEL: debug.',
    }),
  ),
});
export type Service = Static<typeof Service>;

/** What the services stand on. Each part runs in the container group of its name. */
export const Data = Closed({
  postgres: Closed({
    members: Type.Integer({ minimum: 1, description: 'PostgreSQL with Patroni, etcd and PgBouncer. Odd.' }),
    version: Type.Integer({ minimum: 15, description: 'Major version.' }),
    database: Type.String({ pattern: '^[a-z][a-z0-9_]{0,62}$', description: 'Name of the database.' }),
    synchronous: Type.Boolean({ description: 'Commit only when a replica has it too: nothing is lost.' }),
    write_port: Type.Integer({ minimum: 1, maximum: 65_535, description: 'On HAProxy: always the primary.' }),
    read_port: Type.Integer({ minimum: 1, maximum: 65_535, description: 'On HAProxy: the replicas.' }),
  }),
  rabbitmq: Closed({ members: Type.Integer({ minimum: 1, description: 'Quorum queues. Odd.' }) }),
  redis: Closed({
    members: Type.Integer({ minimum: 1, description: 'Redis, each with a Sentinel. Odd.' }),
  }),
  haproxy: Closed({
    members: Type.Integer({ minimum: 1, description: 'HAProxy with keepalived.' }),
    virtual_address: Ipv4('The address that clients use; keepalived moves it.'),
    virtual_router_id: Type.Integer({
      minimum: 1,
      maximum: 255,
      description: 'VRRP id, unique in the VLAN.',
    }),
    requests_per_10s: Type.Integer({
      minimum: 1,
      description: 'Requests that one address may send in ten seconds; more answer 429.',
    }),
  }),
  monitoring: Closed({ members: Type.Integer({ minimum: 1, description: 'Prometheus and Alertmanager.' }) }),
  ops: Closed({
    members: Type.Integer({
      minimum: 1,
      maximum: 1,
      description: "Recovery by the clock, and pgBackRest's repository. One.",
    }),
  }),
});
export type Data = Static<typeof Data>;

/** The data parts in the order in which they start. */
export const DATA_PARTS = ['postgres', 'rabbitmq', 'redis', 'haproxy', 'monitoring', 'ops'] as const;

/** The whole of `appliance.yaml`. Everything else is derived from it. */
export const Inventory = Closed(
  {
    version: Type.Literal(1, { description: 'Version of this format.' }),
    name: Name('Name of the appliance; containers are called <name>-<group>-<number>.'),
    domain: Type.String({
      pattern: '^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$',
      description: 'The public name that technicians and customers open.',
    }),
    internal_domain: Type.String({
      pattern: '^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$',
      description: 'The DNS domain of the containers.',
    }),
    timezone: Type.String({
      pattern: '^[A-Z][A-Za-z]+(/[A-Za-z_+-]+)*$',
      description: 'IANA zone of schedules.',
    }),
    sites: Type.Array(Site, {
      minItems: 1,
      description: 'Clusters that can run the appliance; the first is the default.',
    }),
    vlans: Type.Array(Vlan, { minItems: 1, description: 'The network segments.' }),
    hosts: Type.Array(Host, { description: 'Machines that flows name and psactl does not make.' }),
    firewall: Firewall,
    flows: Type.Array(Flow, { description: 'Everything that is allowed across VLANs.' }),
    templates: Type.Array(Template, { minItems: 1, description: 'Container templates.' }),
    containers: Type.Array(ContainerGroup, { minItems: 1, description: 'Groups of containers.' }),
    services: Type.Array(Service, { minItems: 1, description: 'The services and their replicas.' }),
    data: Data,
    releases: Releases,
    tls: Tls,
    monitoring: Monitoring,
    backup: Backup,
    dr: Type.Optional(Dr),
  },
  'The inventory of a PSA-Platform appliance. Every rendered file and every change to the cluster follows from it.',
);
export type Inventory = Static<typeof Inventory>;
