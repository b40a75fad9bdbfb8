import { PROGRAM_NAMES, SERVICES } from '@psa/contracts/services';
import { describe, expect, it } from 'vitest';
import { exampleText } from './example.test-helper.ts';
import { loadInventory } from './load.ts';
import { formatInventoryError } from './problem.ts';

/** The errors of the example with one text in it replaced. */
function errorsAfter(before: string, after: string): readonly string[] {
  const text = exampleText.replace(before, after);
  expect(text).not.toBe(exampleText);
  const loaded = loadInventory(text, 'my.yaml');
  return loaded.ok ? [] : loaded.errors.map(formatInventoryError);
}

/** Line and column (from 1) of a text in the example after a replacement. */
function placeOf(text: string, part: string): string {
  const at = text.indexOf(part);
  const lines = text.slice(0, at).split('\n');
  return `${lines.length}:${lines.at(-1)!.length + 1}`;
}

describe('loadInventory', () => {
  it('reads the example', () => {
    const loaded = loadInventory(exampleText, 'appliance.yaml');
    expect(loaded.ok && loaded.inventory.services.map((one) => one.replicas)).toEqual(
      PROGRAM_NAMES.map((name) => SERVICES[name].cluster.replicas),
    );
  });

  it('names file, line, column and field of each error, and how to mend it', () => {
    const text = exampleText.replace('target: cluster', 'target: clster');
    const loaded = loadInventory(text, 'my.yaml');
    expect(!loaded.ok && loaded.errors).toEqual([
      {
        file: 'my.yaml',
        line: text.split('\n').findIndex((line) => line.includes('clster')) + 1,
        column: 5,
        path: 'sites[0].target',
        message: 'does not fit: "clster".',
        fix: 'Write (one of lab, cluster): lab: made by "psactl lab up". cluster: real Proxmox VE.',
      },
    ]);
  });

  it('says the form of a text that has another, and what is empty', () => {
    const [name] = errorsAfter('name: pve1', 'name: PVE_1!');
    expect(name).toMatch(/does not fit: "PVE_1!"\. Write .*in the cluster\. It must match \^\[a-z\]/);
    const empty = loadInventory('', 'my.yaml');
    expect(!empty.ok && empty.errors[0]?.message).toBe('has nothing in it.');
  });

  it('suggests the known key nearest to an unknown one, at the key itself', () => {
    const text = exampleText.replace('memory_mb: 1024', 'memroy_mb: 1024');
    const errors = errorsAfter('memory_mb: 1024', 'memroy_mb: 1024');
    expect(errors).toContain(
      `my.yaml:${placeOf(text, 'memroy_mb')}: containers[0].memroy_mb: is not known here. Did you mean "memory_mb"?`,
    );
  });

  it('lists the known keys when none is near', () => {
    expect(errorsAfter('timezone:', 'zzzzzzzzzz: 1\ntimezone:')[0]).toMatch(
      /zzzzzzzzzz: is not known here\. Known are: version, name, domain/,
    );
  });

  it('says what a missing field is for', () => {
    expect(errorsAfter(', requests_per_10s: 300', '').join()).toMatch(
      /data\.haproxy\.requests_per_10s: is missing\. Add it \(integer\): Requests that one address/,
    );
  });

  it('reports broken YAML with its place', () => {
    const loaded = loadInventory('name: psa\nsites: [a, b\nvlans: 1\n', 'my.yaml');
    expect(!loaded.ok && loaded.errors[0]).toMatchObject({ file: 'my.yaml', line: 3, path: '' });
  });

  it('refuses a file that is empty or no map', () => {
    for (const text of ['', '- a', 'hello'])
      expect(loadInventory(text, 'my.yaml')).toMatchObject({ ok: false, errors: [{ line: 1, column: 1 }] });
  });

  it('reports every field that is wrong, in the order of the file', () => {
    const text = exampleText.replace('id: 10\n', 'id: ten\n').replace('keep: 7', 'keep: 0');
    const loaded = loadInventory(text, 'my.yaml');
    expect(!loaded.ok && loaded.errors.map((error) => error.path)).toEqual([
      'vlans[0].id',
      'backup.tiers[0].keep',
    ]);
  });
});

describe('several sites', () => {
  it('have the same plan of the network; a lab names no network cards', () => {
    const lab = `sites:
  - name: lab
    target: lab
    token_file: ./lab.token
    ssh: { user: root, key_file: ./lab.key, port: 2222 }
    authorized_keys_file: ./lab.pub
    nodes:
      - { name: pve1, address: 10.0.10.11, api: "https://127.0.0.1:8006", cores: 2, memory_mb: 65536 }
      - { name: pve2, address: 10.0.10.12, api: "https://127.0.0.2:8006", cores: 2, memory_mb: 65536 }
      - { name: pve3, address: 10.0.10.13, api: "https://127.0.0.3:8006", cores: 2, memory_mb: 65536 }
    storages:
      - { name: local, type: dir, shared: false, content: [backup], path: /srv/local }
      - { name: local-lvm, type: dir, shared: false, content: [rootdir], path: /srv/disks }
      - { name: shared, type: dir, shared: true, content: [rootdir, vztmpl], path: /srv/shared }
      - { name: nas, type: dir, shared: true, content: [backup], path: /srv/nas }
`;
    const loaded = loadInventory(exampleText.replace('sites:\n', lab), 'my.yaml');
    expect(loaded.ok && loaded.inventory.sites.map((site) => site.name)).toEqual(['lab', 'main']);
    const names = errorsAfter('sites:\n', lab.replace('name: shared', 'name: elsewhere'));
    expect(names.join('\n')).toMatch(
      /containers\[1\]\.storage: Site "lab" has no storage "shared" for root disks/,
    );
  });
});

describe('what the schema cannot say', () => {
  const cases: readonly (readonly [string, string, string, RegExp])[] = [
    [
      'two groups of one name',
      '- name: auth',
      '- name: crm',
      /containers\[3\]\.name: The name crm stands twice/,
    ],
    [
      'a group named as a VLAN',
      '- name: search',
      '- name: dmz',
      /containers\[6\]\.name: The name dmz stands twice/,
    ],
    ['a node twice', 'name: pve2', 'name: pve1', /sites\[0\]\.nodes\[1\]\.name: The node pve1 stands twice/],
    ['a VLAN tag twice', 'id: 40,', 'id: 30,', /vlans\[3\]\.id: The tag 30 stands twice/],
    [
      'two containers of one address',
      'first_address: 10.0.20.20',
      'first_address: 10.0.20.11',
      /containers\[2\]\.first_address: The address 10\.0\.20\.11 stands twice/,
    ],
    [
      'a container on the address of a gateway',
      'first_address: 10.0.30.20',
      'first_address: 10.0.30.1',
      /containers\[\d+\]\.first_address: The address 10\.0\.30\.1 stands twice/,
    ],
    [
      'an address outside its VLAN',
      'first_address: 10.0.30.20',
      'first_address: 10.0.20.200',
      /containers\[\d+\]\.first_address: 10\.0\.20\.200 is no address of VLAN "database" \(10\.0\.30\.0\/24\)/,
    ],
    [
      'replicas that run out of the VLAN',
      'first_address: 10.0.30.20',
      'first_address: 10.0.30.253',
      /containers\[\d+\]\.first_address: 10\.0\.30\.255 is no address/,
    ],
    [
      'a gateway outside',
      'gateway: 10.0.20.1,',
      'gateway: 10.0.21.1,',
      /vlans\[1\]\.gateway: 10\.0\.21\.1 is no/,
    ],
    ['VLANs that overlap', '10.0.20.0/24', '10.0.0.0/16', /subnet: 10\.0\.\d+\.0\/\d+ overlaps with VLAN/],
    [
      'a subnet that is none',
      '10.0.20.0/24',
      '10.0.20.5/24',
      /vlans\[1\]\.subnet: 10\.0\.20\.5\/24 is no subnet/,
    ],
    ['a host nowhere', 'address: 10.0.50.10 }', 'address: 10.9.9.9 }', /hosts\[0\]\.address: .* in no VLAN/],
    [
      'a node in another VLAN',
      'address: 10.0.10.13',
      'address: 10.0.50.13',
      /sites\[0\]\.nodes\[2\]\.address: .* not in the VLAN of the other nodes/,
    ],
    [
      'a container larger than its node',
      'memory_mb: 8192',
      'memory_mb: 65000',
      /containers\[\d+\]\.memory_mb: 65000 MiB are more than any node .* \(63488 MiB\)/,
    ],
    [
      'containers that together outgrow the nodes',
      'memory_mb: 8192',
      'memory_mb: 60000',
      /containers\[\d+\]\.name: No node of site "main" has room/,
    ],
    [
      'more replicas than nodes under anti-affinity',
      'name: tickets, replicas: 3',
      'name: tickets, replicas: 4',
      /containers\[4\]\.anti_affinity: 4 containers of "tickets" want a node each; site "main" has 3/,
    ],
    [
      'an even quorum',
      'rabbitmq: { members: 3 }',
      'rabbitmq: { members: 2 }',
      /data\.rabbitmq\.members: .*such as 3/,
    ],
    [
      'id ranges that overlap',
      'ids: 210-219',
      'ids: 205-215',
      /containers\[1\]\.ids: overlaps with the ids of "haproxy"/,
    ],
    [
      'an id range too small',
      'ids: 240-249',
      'ids: 240-241',
      /containers\[4\]\.ids: holds 2 ids; "tickets" needs 3/,
    ],
    ['ids that Proxmox keeps', 'ids: 900-949', 'ids: 949-900', /backup\.drill\.ids: is no range/],
    [
      'a flow to nowhere',
      'to: rabbitmq',
      'to: rabitmq',
      /flows\[6\]\.to: "rabitmq" is no .* Did you mean "rabbitmq"\?/,
    ],
    [
      'a flow within a VLAN',
      'from: haproxy, to: services',
      'from: haproxy, to: edge',
      /flows\[2\]\.to: Both ends/,
    ],
    [
      'a flow from the database to the internet',
      'from: services, to: internet',
      'from: postgres, to: internet',
      /flows\[8\]\.to: VLAN "database" has no internet/,
    ],
    [
      'the internet past the edge',
      'from: internet, to: edge',
      'from: internet, to: gateway',
      /reaches the edge only/,
    ],
    [
      'a bridge without a card',
      'bridges: { vmbr0: eno1 }, ',
      '',
      /nodes\[0\]\.bridges: "pve1" names no network card for vmbr0/,
    ],
    [
      'a storage half described',
      ', path: /var/lib/vz',
      '',
      /storages\[0\]\.path: A storage of type dir needs path/,
    ],
    [
      'a thin pool of no volume group',
      'pool: pve/data',
      'pool: data',
      /storages\[1\]\.pool: "data" does not say/,
    ],
    [
      'a container where DHCP gives out',
      'first_address: 10.0.10.40',
      'first_address: 10.0.10.150',
      /containers\[\d+\]\.first_address: 10\.0\.10\.150 is among/,
    ],
    [
      'a DHCP range upside down',
      'from: 10.0.10.100',
      'from: 10.0.10.240',
      /vlans\[0\]\.dhcp\.from: 10\.0\.10\.240 comes after/,
    ],
    [
      'a broker that nobody reaches',
      'ports: [5672]',
      'ports: [5671]',
      /flows: Nothing lets "auth" reach "rabbitmq" on port 5672 \(events\)\. Add \{ from: auth, to: rabbitmq/,
    ],
    [
      'a database behind a closed door',
      'ports: [6432, 8008]',
      'ports: [6432]',
      /flows: Nothing lets "haproxy" reach "postgres" on port 8008/,
    ],
    [
      'a platform that nobody reaches',
      'ports: [80, 443], why: portals and API }',
      'ports: [80], why: portals and API }',
      /Nothing lets "internet" reach "edge" on port 443/,
    ],
    [
      'a flow without ports',
      'ports: [5672], ',
      '',
      /flows\[6\]\.ports: A tcp flow without ports would open all/,
    ],
    [
      'a range of ports upside down',
      '"3000-3010"',
      '"3010-3000"',
      /flows\[9\]\.ports\[0\]: 3010-3000 is no range/,
    ],
    [
      'HA on a disk that no other node has',
      'storage: shared\n    anti',
      'storage: local-lvm\n    anti',
      /containers\[1\]\.ha: .* not shared/,
    ],
    [
      'a storage that holds no containers',
      'storage: local-lvm',
      'storage: nas',
      /containers\[0\]\.storage: .* for root disks/,
    ],
    [
      'a template that is not there',
      'template: postgres',
      'template: postgre',
      /template: .* Did you mean "postgres"\?/,
    ],
    [
      'a service without containers',
      '- name: events',
      '- name: event',
      /services\[4\]\.name: "events" has no containers/,
    ],
    [
      'backups to nowhere',
      'keep: 7, storage: local',
      'keep: 7',
      /backup\.tiers\[0\]\.name: .* needs one place/,
    ],
    [
      'backups on disks for containers',
      'storage: nas }',
      'storage: shared }',
      /backup\.tiers\[1\]\.storage: .* for backups/,
    ],
    [
      'two generations of the same days',
      'schedule: sun 02:00',
      'schedule: daily 03:00',
      /backup\.tiers\[1\]\.schedule: The generation "father" has the days of "son"/,
    ],
    [
      'a sync job of what is no backup server',
      'storage: nas }',
      'storage: nas, synced: local }',
      /backup\.tiers\[1\]\.synced: Site "main" has no storage "nas" of type pbs/,
    ],
    [
      'a backup server that is its own copy',
      'storage: nas }',
      'storage: nas, synced: nas }',
      /backup\.tiers\[1\]\.synced: The generation "father" would be its own copy/,
    ],
    [
      'a policy that keeps nothing',
      '  wal_archive_minutes',
      '  keep: { keep-daily: 0 }\n  wal_archive_minutes',
      /backup\.keep: No option is above 0/,
    ],
    [
      'days of a zone that is none',
      '  wal_archive_minutes',
      '  zone: Europe/Bremerhaven\n  wal_archive_minutes',
      /backup\.zone: There is no zone "Europe\/Bremerhaven"/,
    ],
    [
      'backups of a group that is not there',
      '  wal_archive_minutes',
      '  groups: [postgres, mysql]\n  wal_archive_minutes',
      /backup\.groups\[1\]: There is no container group "mysql"/,
    ],
    [
      'a public key that is none',
      '  wal_archive_minutes',
      '  recipients: [age1abc]\n  wal_archive_minutes',
      /backup\.recipients\[0\]/,
    ],
    [
      'copies of nothing',
      /- \{ name: son.*\n.*father.*\n/.exec(exampleText)![0],
      '',
      /backup\.tiers: No generation has a storage/,
    ],
    [
      'a log handed over too late',
      'wal_archive_minutes: 5',
      'wal_archive_minutes: 90',
      /wal_archive_minutes: .* target/,
    ],
  ];
  for (const [what, before, after, expected] of cases)
    it(what, () => {
      expect(errorsAfter(before, after).join('\n')).toMatch(expected);
    });
});
