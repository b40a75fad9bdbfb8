import { exampleText } from './example.test-helper.ts';

/** A second site of one node, which carries one of each. */
const SECOND = `  - name: dr
    target: cluster
    token_file: ~/.config/psactl/dr.token
    ssh: { user: root, key_file: ~/.ssh/psactl }
    authorized_keys_file: ~/.config/psactl/authorized_keys
    nodes:
      - { name: dr1, address: 10.0.10.11, bridges: { vmbr0: eno1 }, cores: 16, memory_mb: 65536 }
    storages:
      - { name: local, type: dir, shared: false, content: [vztmpl, backup, snippets], path: /var/lib/vz }
      - { name: local-lvm, type: lvmthin, shared: false, content: [rootdir, images], pool: pve/data }
      - { name: shared, type: nfs, shared: true, content: [rootdir, vztmpl], server: 10.0.50.10, export: /volume/psa }
      - { name: nas, type: nfs, shared: true, content: [backup], server: 10.0.50.10, export: /volume/backup }
    members: { gateway: 1, auth: 1, crm: 1, tickets: 1, events: 1, search: 1, postgres: 1, rabbitmq: 1, redis: 1, haproxy: 1 }
`;
const DR = `dr:
  primary: main
  standby: dr
  kind: cold
  hooks: { switch: ./dns.sh }
  contacts:
    - { name: Ada Lang, role: on call, phone: "+49 30 123456", mail: ada@example.com }
    - { name: Jonas Weber, role: database, phone: "+49 30 123457" }
    - { name: All customers, role: status page, mail: status@example.com }
`;
/** The example inventory with a second site that stands in for the first. */
export const pairText = `${exampleText.replace(/\nvlans:/, `${SECOND}\nvlans:`)}${DR}`;
/** The same with a standby whose database follows, and the ways that it needs. */
export const warmText = pairText.replace('kind: cold', 'kind: warm\n  feed: "main.example.com:8433"').replace(
  /\nflows:\n/,
  `$&  - { from: internet, to: edge, protocol: tcp, ports: [8433], why: the repository for the other site }
  - { from: haproxy, to: ops, protocol: tcp, ports: [8433], why: the repository for the other site }
  - { from: ops, to: internet, protocol: tcp, ports: [8433], why: the other site's repository }
  - { from: ops, to: postgres, protocol: tcp, ports: [8008], why: how far the standby is }
`,
);
