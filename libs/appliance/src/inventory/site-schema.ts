import Type, { type Static } from 'typebox';
import { Closed, Ipv4, Name, SecretFile } from './parts-schema.ts';
import { STORAGE_TYPES } from './storages.ts';

/** One Proxmox host. */
export const Node = Closed({
  name: Name('Its name in the cluster.'),
  address: Ipv4('Its address in the management VLAN; also the cluster link.'),
  api: Type.Optional(
    Type.String({
      pattern: '^https://[^\\s/]+$',
      description: 'API endpoint; https://<address>:8006 when absent.',
    }),
  ),
  ssh: Type.Optional(
    Type.String({
      pattern: '^[^\\s:]+:\\d{1,5}$',
      description: 'Where its sshd answers, as host:port; <address> and the port of the site when absent.',
    }),
  ),
  fingerprint: Type.Optional(
    Type.String({
      pattern: '^[0-9A-F]{2}(:[0-9A-F]{2}){31}$',
      description:
        'SHA-256 of its API certificate; psactl talks to no other. Absent: the certificate must be valid.',
    }),
  ),
  bridges: Type.Optional(
    Type.Record(Type.String({ pattern: '^vmbr\\d{1,4}$' }), Type.String({ pattern: '^[a-z0-9]{2,15}$' }), {
      description:
        'The network card under each bridge, as in { vmbr0: eno1 }. A real cluster names all of them.',
    }),
  ),
  cores: Type.Integer({ minimum: 1, description: 'CPU threads.' }),
  memory_mb: Type.Integer({ minimum: 512, description: 'Memory, in MiB.' }),
  reserved_mb: Type.Optional(
    Type.Integer({ minimum: 0, description: 'Memory kept for the host itself, in MiB; 2048 when absent.' }),
  ),
});
export type Node = Static<typeof Node>;

/** A Proxmox storage. */
export const Storage = Closed({
  name: Name('Its id in the cluster.'),
  type: Type.Enum(STORAGE_TYPES, {
    description: 'Its kind, in the words of Proxmox.',
  }),
  shared: Type.Boolean({ description: 'Whether every node sees the same content.' }),
  content: Type.Array(Type.Enum(['rootdir', 'images', 'vztmpl', 'iso', 'backup', 'snippets']), {
    minItems: 1,
    description: 'What it may hold.',
  }),
  path: Type.Optional(Type.String({ pattern: '^/\\S*$', description: 'dir, btrfs: the folder.' })),
  pool: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'zfspool, rbd: the pool. lvm: the volume group. lvmthin: volume group/pool.',
    }),
  ),
  server: Type.Optional(Type.String({ minLength: 1, description: 'nfs, cifs, pbs: the server.' })),
  export: Type.Optional(Type.String({ minLength: 1, description: 'nfs: what the server exports.' })),
  share: Type.Optional(Type.String({ minLength: 1, description: 'cifs: what the server shares.' })),
  datastore: Type.Optional(Type.String({ minLength: 1, description: 'pbs: the datastore.' })),
  username: Type.Optional(
    Type.String({ minLength: 1, description: 'cifs, pbs: who logs in. The password is given by hand.' }),
  ),
  nodes: Type.Optional(
    Type.Array(Name('A node.'), { minItems: 1, description: 'Nodes that have it; all when absent.' }),
  ),
});
export type Storage = Static<typeof Storage>;

/** One cluster. All sites share VLANs and addresses: a second site is a stand-in for the first, not a neighbour. */
export const Site = Closed(
  {
    name: Name('What --site takes.'),
    target: Type.Enum(['lab', 'cluster'], {
      description: 'lab: made by "psactl lab up". cluster: real Proxmox VE.',
    }),
    portal: Type.Optional(
      Type.String({
        pattern: '^https://[^\\s/]+$',
        description: 'Where psactl reaches HAProxy; https://<domain> when absent.',
      }),
    ),
    token_file: SecretFile('File with the API token, as user@realm!name=secret.'),
    ssh: Closed({
      user: Type.String({ pattern: '^[a-z_][a-z0-9_-]*$', description: 'Who psactl is on the nodes.' }),
      key_file: SecretFile('Private key of that user.'),
      port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, description: '22 when absent.' })),
    }),
    authorized_keys_file: SecretFile('Public keys of those who may log in on the nodes, psactl among them.'),
    subscription: Type.Optional(
      Type.Boolean({ description: 'Whether the nodes have a Proxmox subscription; false when absent.' }),
    ),
    nodes: Type.Array(Node, { minItems: 1, description: 'The Proxmox hosts.' }),
    members: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$' }),
        Type.Integer({ minimum: 1, maximum: 64 }),
        {
          description:
            'How many of a service or data part this site has, where it has fewer than the appliance usually: { tickets: 1, postgres: 1 }.',
        },
      ),
    ),
    storages: Type.Array(Storage, { minItems: 1, description: 'The storages of the cluster.' }),
  },
  'One cluster that can run the appliance.',
);
export type Site = Static<typeof Site>;
