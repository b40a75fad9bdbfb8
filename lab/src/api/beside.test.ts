import { afterAll, beforeAll, expect } from 'vitest';
import { answerTables, BAD, OK, type Row, TASK } from './answers.test-helper.ts';
import { ApiBench } from './bench.test-helper.ts';

const CAROL = 'PVEAPIToken=carol@pve!ci=carol';
const BULK = '/cluster/bulk-action/guest';
const JOB = '/cluster/replication/101-0';

let bench: ApiBench;
beforeAll(async () => {
  bench = await ApiBench.open();
  bench.lab.access.addToken('carol@pve', 'ci', { privsep: false, secret: 'carol' });
  bench.lab.storages.change('tank', { type: 'zfspool', pool: 'tank', content: 'rootdir,images' });
  expect(await bench.create('pve1', 101)).toBe('OK');
  expect(await bench.create('pve1', 102, { rootfs: 'local-lvm:1' })).toBe('OK');
});
afterAll(() => bench.close());

const lists = (volid: string) => expect.arrayContaining([expect.objectContaining({ volid })]);

answerTables(() => bench, {
  'PVE::API2::Storage::Content: a disk made by hand': [
    [
      'POST',
      '/nodes/pve1/storage/shared/content',
      { vmid: 101, filename: 'vm-101-disk-7.raw', size: '5X' },
      BAD,
      { size: 'value does not match the regex pattern' },
    ],
    [
      'POST',
      '/nodes/pve1/storage/shared/content',
      { vmid: 101, filename: 'vm-101-disk-7.raw', size: '5M', format: 'qcow2' },
      BAD,
      { format: 'different storage formats (qcow2 != raw)' },
    ],
    [
      'POST',
      '/nodes/pve1/storage/nope/content',
      { vmid: 101, filename: 'vm-101-disk-7.raw', size: '5M' },
      "500 storage 'nope' does not exist",
    ],
    [
      'POST',
      '/nodes/pve1/storage/shared/content',
      { vmid: 101, filename: 'vm-101-disk-7', size: '5M' },
      "500 unable to parse volume filename 'vm-101-disk-7'",
    ],
    [
      'POST',
      '/nodes/pve1/storage/shared/content',
      { vmid: 101, filename: 'vm-101-disk-7.raw', size: '5M' },
      OK,
      'shared:101/vm-101-disk-7.raw',
    ],
    [
      'POST',
      '/nodes/pve1/storage/shared/content',
      { vmid: 101, filename: 'vm-101-disk-7.raw', size: '5M' },
      "500 disk image '/mnt/pve/shared/images/101/vm-101-disk-7.raw' already exists",
    ],
    [
      'GET',
      '/nodes/pve1/storage/shared/content',
      { vmid: 101 },
      OK,
      lists('shared:101/vm-101-disk-7.raw') as never,
    ],
    [
      'POST',
      '/nodes/pve1/storage/local-lvm/content',
      { vmid: 101, filename: 'disk-1', size: '1G' },
      "500 illegal name 'disk-1' - should be 'vm-101-*'",
    ],
    [
      'POST',
      '/nodes/pve1/storage/local-lvm/content',
      { vmid: 999, filename: 'vm-999-disk-0', size: '1G' },
      OK,
      'local-lvm:vm-999-disk-0',
    ],
    [
      'POST',
      '/nodes/pve1/storage/local-lvm/content',
      { vmid: 101, filename: 'x', size: '1G' },
      '403 Permission check failed (/storage/local-lvm, Datastore.AllocateSpace)',
      undefined,
      CAROL,
    ],
    ['DELETE', '/nodes/pve1/storage/shared/content/shared:101%2Fvm-101-disk-7.raw', {}, TASK, 'OK'],
    [
      'GET',
      '/nodes/pve1/storage',
      { storage: 'shared', format: 1 },
      OK,
      [
        {
          format: [{ qcow2: 1, raw: 1, vmdk: 1 }, 'raw'],
          formats: { default: 'raw', supported: ['qcow2', 'raw', 'vmdk'] },
        },
      ],
    ],
    [
      'GET',
      '/nodes/pve1/storage',
      { storage: 'local-lvm', format: 1 },
      OK,
      [{ format: [{ raw: 1 }, 'raw'], formats: { default: 'raw', supported: ['raw'] } }],
    ],
  ],
  'PVE::API2::Storage: looking into files': [
    [
      'GET',
      '/nodes/pve1/storage/local/file-restore/list',
      { volume: 'vzdump-lxc-101-2026_11_21-09_55_54.tar', filepath: '/' },
      BAD,
      { storage: 'Only PBS storages supported for file-restore.' },
    ],
    [
      'GET',
      '/nodes/pve1/storage/local/file-restore/list',
      { volume: 'other:backup/x.tar', filepath: '/' },
      BAD,
      { volume: 'storage ID mismatch (other != local).' },
    ],
    [
      'GET',
      '/nodes/pve1/storage/local/file-restore/list',
      { volume: 'local:vztmpl/x.tar.gz', filepath: '/' },
      "500 unable to use volume local:vztmpl/x.tar.gz - content type needs to be 'backup'",
    ],
    [
      'GET',
      '/nodes/pve1/storage/local/import-metadata',
      { volume: 'vztmpl/x.tar.gz' },
      '500 storage does not support the importer API',
    ],
    [
      'POST',
      '/nodes/pve1/storage/local/oci-registry-pull',
      { reference: 'debian:12' },
      "500 Install 'skopeo' to pull OCI images from registries.",
    ],
  ],
  'PVE::API2::ReplicationConfig': [
    [
      'POST',
      '/cluster/replication',
      { id: '99-0', type: 'local', target: 'pve2' },
      BAD,
      { id: "invalid format - invalid replication job id '99-0' (guest IDs < 100 are reserved)\n" },
    ],
    [
      'POST',
      '/cluster/replication',
      { id: '101-0', type: 'local', target: 'pve2' },
      '403 Permission check failed (/vms/101, VM.Replicate)',
      undefined,
      CAROL,
    ],
    [
      'POST',
      '/cluster/replication',
      { id: '999-0', type: 'local', target: 'pve2' },
      "500 Guest '999' does not exist.",
    ],
    [
      'POST',
      '/cluster/replication',
      { id: '101-0', type: 'local', target: 'pve9' },
      "500 Target 'pve9' does not exist.",
    ],
    [
      'POST',
      '/cluster/replication',
      { id: '101-0', type: 'local', target: 'pve2', source: 'pve3' },
      "500 Source 'pve3' does not match current node of guest '101' (pve1)",
    ],
    [
      'POST',
      '/cluster/replication',
      { id: '101-0', type: 'local', target: 'pve1' },
      '500 Source and target must not be identical',
    ],
    [
      'POST',
      '/cluster/replication',
      { id: '101-0', type: 'local', target: 'pve2' },
      '500 No replicatable volumes found',
    ],
    [
      'POST',
      '/cluster/replication',
      { id: '102-0', type: 'local', target: 'pve2' },
      "500 missing replicate feature on volume 'local-lvm:vm-102-disk-0'",
    ],
    ['GET', JOB, {}, "500 no such replication job '101-0'"],
    ['PUT', JOB, { comment: 'x' }, "500 no such job '101-0'"],
    ['DELETE', JOB, {}, "500 no such job '101-0'"],
    ['DELETE', JOB, { force: 1, keep: 1 }, BAD, { keep: "conflicts with parameter 'force'" }],
    ['DELETE', JOB, { force: 1 }, OK, null],
    ['GET', '/nodes/pve1/replication/101-0/status', {}, "500 no such replication job '101-0'"],
    [
      'POST',
      '/nodes/pve1/replication/101-0/schedule_now',
      {},
      '403 Permission check failed (/vms/101, VM.Replicate)',
      undefined,
      CAROL,
    ],
  ],
  'PVE::API2::Domains': [
    [
      'POST',
      '/access/domains',
      { realm: 'pve', type: 'ldap' },
      "500 add auth server failed: domain 'pve' already exists",
    ],
    [
      'POST',
      '/access/domains',
      { realm: 'x1', type: 'pam' },
      "500 add auth server failed: unable to create builtin type 'pam'",
    ],
    [
      'POST',
      '/access/domains',
      { realm: 'x1', type: 'ldap', base_dn: 'a', user_attr: 'uid' },
      "500 add auth server failed: missing value for required option 'server1'",
    ],
    [
      'POST',
      '/access/domains',
      { realm: 'x1', type: 'openid', 'issuer-url': 'https://x', 'client-id': 'c', server1: 'y' },
      "500 add auth server failed: unexpected property 'server1'",
    ],
    [
      'POST',
      '/access/domains',
      { realm: 'x1', type: 'openid', 'issuer-url': 'https://x', 'client-id': 'c', default: 1 },
      OK,
      null,
    ],
    [
      'GET',
      '/access/domains',
      {},
      OK,
      expect.arrayContaining([{ realm: 'x1', type: 'openid', default: 1 }]) as never,
    ],
    ['PUT', '/access/domains/x1', {}, '500 update auth server failed: no options specified'],
    [
      'PUT',
      '/access/domains/nope',
      { comment: 'c' },
      "500 update auth server failed: domain 'nope' does not exist",
    ],
    ['PUT', '/access/domains/x1', { comment: 'c', delete: 'default' }, OK, null],
    ['GET', '/access/domains/x1', {}, OK, { type: 'openid', comment: 'c', digest: expect.any(String) }],
    [
      'DELETE',
      '/access/domains/nope',
      {},
      "500 delete auth server failed: authentication domain 'nope' does not exist",
    ],
    ['DELETE', '/access/domains/x1', {}, OK, null],
    [
      'POST',
      '/access/domains',
      { realm: 'x1', type: 'ldap' },
      '403 Permission check failed (/access/realm, Realm.Allocate)',
      undefined,
      CAROL,
    ],
  ],
  'PVE::API2::Nodes: all guests of a node': [
    ['POST', '/nodes/pve1/startall', {}, '403 Permission check failed (/, VM.PowerMgmt)', undefined, CAROL],
    [
      'POST',
      '/nodes/pve1/stopall',
      { vms: '101' },
      '403 Permission check failed (/vms/101, VM.PowerMgmt)',
      undefined,
      CAROL,
    ],
    ['POST', '/nodes/pve1/startall', { force: 1 }, TASK, 'OK'],
    ['GET', '/nodes/pve1/lxc/101/status/current', {}, OK, { status: 'running' }],
    ['POST', '/nodes/pve1/stopall', { vms: '101' }, TASK, 'OK'],
    ['GET', '/nodes/pve1/lxc/101/status/current', {}, OK, { status: 'stopped' }],
    ['POST', '/nodes/pve1/stopall', {}, TASK, 'OK'],
    ['POST', '/nodes/pve1/suspendall', {}, TASK, 'WARNINGS: 2'],
    [
      'POST',
      '/nodes/pve1/migrateall',
      { target: 'pve1', maxworkers: 1 },
      BAD,
      { target: 'target is local node.' },
    ],
    ['POST', '/nodes/pve1/migrateall', { target: 'pve9', maxworkers: 1 }, "500 no such cluster node 'pve9'"],
    [
      'POST',
      '/nodes/pve1/migrateall',
      { target: 'pve2' },
      "500 either 'max-workers' parameter or max_workers in datacenter.cfg must be set!",
    ],
    ['POST', '/nodes/pve1/migrateall', { target: 'pve2', maxworkers: 1, vms: '101' }, TASK, 'OK'],
    ['POST', '/nodes/pve1/migrateall', { target: 'pve2', maxworkers: 1, vms: '101' }, TASK, 'OK'],
  ],
  'PVE::API2::Cluster::BulkAction::Guest': [
    ['POST', `${BULK}/start`, {}, '403 Permission check failed (/, VM.PowerMgmt)', undefined, CAROL],
    [
      'POST',
      `${BULK}/migrate`,
      { vms: ['101'], target: 'pve1' },
      '403 Permission check failed (/vms/101, VM.Migrate)',
      undefined,
      CAROL,
    ],
    ['POST', `${BULK}/start`, { vms: ['x'] }, BAD, {}],
    ['POST', `${BULK}/shutdown`, { vms: ['101', '102'] }, TASK, 'WARNINGS: 2'],
    ['POST', `${BULK}/start`, { vms: ['101'] }, TASK, 'OK'],
    ['POST', `${BULK}/start`, { vms: ['101'] }, TASK, 'Some guests failed to start: 101'],
    ['POST', `${BULK}/suspend`, { vms: ['101'] }, TASK, 'WARNINGS: 1'],
    ['POST', `${BULK}/shutdown`, { vms: ['101'] }, TASK, 'OK'],
    ['POST', `${BULK}/migrate`, { vms: ['101'], target: 'pve2' }, TASK, 'WARNINGS: 1'],
  ],
  'PVE::API2::Backup: what jobs cover': [
    [
      'POST',
      '/cluster/backup',
      { id: 'j1', schedule: '02:00', vmid: '102,999', enabled: 0, node: 'pve1' },
      OK,
      null,
    ],
    ['GET', '/cluster/backup-info/not-backed-up', {}, OK, [{ vmid: 101, type: 'lxc', name: 'ct101' }]],
    [
      'PUT',
      '/nodes/pve1/lxc/102/config',
      { mp0: 'shared:0.1,mp=/a,backup=1', mp1: 'shared:0.1,mp=/b' },
      OK,
      null,
    ],
    [
      'GET',
      '/cluster/backup/j1/included_volumes',
      {},
      OK,
      {
        children: [
          {
            ...{ id: 102, type: 'lxc', name: 'ct102', leaf: 0 },
            children: [
              { id: '102:rootfs', name: 'local-lvm:vm-102-disk-0', included: 1, reason: 'rootfs', leaf: 1 },
              {
                id: '102:mp0',
                name: 'shared:102/vm-102-disk-0.raw',
                included: 1,
                reason: 'enabled',
                leaf: 1,
              },
              {
                id: '102:mp1',
                name: 'shared:102/vm-102-disk-1.raw',
                included: 0,
                reason: 'disabled',
                leaf: 1,
              },
            ],
          },
          { id: 999, type: 'unknown', leaf: 1 },
        ],
      },
    ],
  ],
  'routes that the lab does not do are decided on by the schema': [
    [
      'GET',
      '/nodes/pve1/qemu/500/snapshot',
      {},
      "500 Configuration file 'nodes/pve1/qemu-server/500.conf' does not exist",
    ],
    [
      'GET',
      '/nodes/pve1/qemu/500/snapshot',
      {},
      '403 Permission check failed (/vms/500, VM.Audit)',
      undefined,
      CAROL,
    ],
    [
      'GET',
      '/nodes/pve9/ceph/status',
      {},
      "500 hostname lookup 'pve9' failed - failed to get address info for: pve9: Temporary failure in name resolution",
    ],
    [
      'POST',
      '/cluster/sdn/zones',
      { type: 'simple' },
      BAD,
      { zone: 'property is missing and it is not optional' },
    ],
    ['POST', '/cluster/config', { clustername: 'x' }, '403 Permission check failed (user != root@pam)'],
    ['GET', '/cluster/mapping/pci/x1', {}, '403 Permission check failed', undefined, CAROL],
    ['GET', '/cluster/mapping/pci/x1', {}, "500 mapping 'x1' not found"],
    ['POST', '/nodes/pve1/lxc/101/exec', {}, "501 Method 'POST /nodes/pve1/lxc/101/exec' not implemented"],
  ],
  'PVE::API2::NodeConfig, Certificates, Disks and others': [
    ['PUT', '/nodes/pve1/config', { description: 'one', wakeonlan: 'BC:24:11:00:00:01' }, OK, null],
    ['GET', '/nodes/pve1/config', {}, OK, { description: 'one\n', digest: expect.any(String) }],
    ['GET', '/nodes/pve1/config', { property: 'wakeonlan' }, OK, { wakeonlan: 'BC:24:11:00:00:01' }],
    ['POST', '/nodes/pve1/wakeonlan', {}, "500 'pve1' is local node, cannot wake my self!"],
    ['POST', '/nodes/pve2/wakeonlan', {}, "500 No wake on LAN MAC address defined for 'pve2'!"],
    ['GET', '/nodes/pve1/disks/list', {}, OK, []],
    ['POST', '/nodes/pve1/disks/initgpt', { disk: '/dev/nope' }, '500 not a valid block device'],
  ],
} satisfies Readonly<Record<string, readonly Row[]>>);
