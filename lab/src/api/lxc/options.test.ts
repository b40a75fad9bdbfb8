import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiBench, ROOT } from '../bench.test-helper.ts';

type Params = Readonly<Record<string, string | number>>;

let bench: ApiBench;
beforeAll(async () => {
  bench = await ApiBench.open();
});
afterAll(() => bench.close());

const as = { as: ROOT };
const at = (vmid: number, rest: string) => `/nodes/pve1/lxc/${vmid}/${rest}`;
const config = (vmid: number, params: Params = {}) =>
  bench.data<Record<string, unknown>>('GET', at(vmid, 'config'), params, as);

/** Status and reason, or the one field that is wrong. */
async function said(method: string, path: string, params: Params): Promise<string> {
  const { status, reason, body } = await bench.ask(method, path, params, as);
  const fields = Object.entries(body?.errors ?? {}).map(([key, text]) => `${key}: ${text}`);
  return fields.length > 0 ? `${status} ${fields.join()}` : `${status} ${reason}`;
}

describe('options of a container that does not run', () => {
  beforeAll(() => bench.create('pve1', 101, { memory: 64 }));

  // Each answer was given by a real cluster, in this order (PVE::LXC::Config, update_pct_config).
  it.each<[Params, string]>([
    [{}, '500 no options specified'],
    [{ digest: 'a'.repeat(40) }, '500 no options specified'],
    [{ memory: 15 }, '400 memory: value must have a minimum value of 16'],
    [{ cpulimit: '0.5', cpuunits: 20_000 }, '200 OK'],
    [{ hostname: 'a_b' }, '400 hostname: invalid format - value does not look like a valid DNS name\n'],
    [{ nameserver: '10.0.0.1;10.0.0.3 10.0.0.2', searchdomain: 'a.b,c.d' }, '200 OK'],
    [{ tags: 'b;a;A;b' }, '200 OK'],
    [{ tags: '-a' }, '400 tags: invalid format - invalid characters in tag\n'],
    [{ timezone: 'Foo/Bar' }, "400 timezone: invalid format - invalid time zone 'Foo/Bar'\n"],
    [{ console: 'yes' }, "400 console: type check ('boolean') failed - got 'yes'"],
    [{ description: 'one\ntwo: ü <b>\n\n' }, '200 OK'],
    [{ unprivileged: 1 }, "500 unable to modify read-only option: 'unprivileged'"],
    [
      { features: 'keyctl=1' },
      '403 Permission check failed (changing feature flags (except nesting) is only allowed for root@pam)',
    ],
    [
      { dev0: '/dev/null' },
      '403 Permission check failed (configuring device passthrough is only allowed for root@pam)',
    ],
    [
      { net0: 'name=eth0,bridge=vmbr0,mtu=9000' },
      "500 net0: MTU size '9000' is bigger than bridge MTU '1500'",
    ],
    [{ net0: 'name=eth0,bridge=vmbr0,firewall=on,rate=5.5,hwaddr=bc:24:11:aa:bb:01' }, '200 OK'],
    // Saved all the same, and told with every change from now on.
    [{ net1: 'name=eth1,bridge=nobr0' }, "500 bridge 'nobr0' does not exist"],
    [{ onboot: 1 }, "500 bridge 'nobr0' does not exist"],
    [{ delete: 'net1' }, '200 OK'],
    [{ delete: 'net9' }, '200 OK'],
    [{ delete: 'foo' }, "400 delete: unknown option 'foo'"],
    [{ delete: 'memory' }, "500 unable to delete required option 'memory'"],
    [{ delete: 'unprivileged' }, "500 unable to delete read-only option: 'unprivileged'"],
    [
      { delete: 'onboot', onboot: 1 },
      "400 delete: you can't use '-onboot' and -delete onboot' at the same time",
    ],
    [
      { revert: 'onboot', delete: 'onboot' },
      "400 delete: you can't use '-delete onboot' and '-revert onboot' at the same time",
    ],
    [{ delete: 'arch' }, "500 missing 'arch' - internal error at /usr/share/perl5/PVE/LXC.pm line 729."],
    [{ arch: 'amd64' }, '200 OK'],
    [
      { digest: 'b'.repeat(40), onboot: 1 },
      '500 detected modified configuration - file changed by other user? Try again.',
    ],
  ])('%o: %s', async (params, wanted) => {
    expect(await said('PUT', at(101, 'config'), params)).toBe(wanted);
  });

  it('are kept in the form that Proxmox VE gives them', async () => {
    expect(await config(101)).toEqual({
      ...{ arch: 'amd64', ostype: 'debian', hostname: 'ct101', memory: 64, swap: 0, cores: 1 },
      ...{ cpulimit: '0.5', cpuunits: 10_000, unprivileged: 1, onboot: 1, tags: 'a;b' },
      ...{ nameserver: '10.0.0.1 10.0.0.3 10.0.0.2', searchdomain: 'a.b c.d' },
      description: 'one\ntwo: ü <b>\n',
      net0: 'name=eth0,bridge=vmbr0,firewall=1,hwaddr=bc:24:11:aa:bb:01,rate=5.5,type=veth',
      rootfs: 'shared:101/vm-101-disk-0.raw,size=1G',
      digest: expect.any(String),
    });
    expect(await said('PUT', at(101, 'config'), { tags: '' })).toBe('200 OK');
    // Nothing written is a blank read.
    expect(await config(101)).toMatchObject({ tags: ' ' });
  });

  it('may be disks, which stay when they are taken out', async () => {
    const put = (params: Params) => said('PUT', at(101, 'config'), params);
    expect(await put({ mp0: 'local:1,mp=/a' })).toBe(
      "500 storage 'local' does not allow content type 'rootdir' (Container)",
    );
    expect(await put({ mp0: 'nope:1,mp=/a' })).toMatch(/^(403|500) /);
    expect(await put({ mp0: '/srv,mp=/a' })).toBe(
      '403 Permission check failed (mount point type bind is only allowed for root@pam)',
    );
    expect(await put({ rootfs: 'none' })).toBe(
      '500 Only root can pass arbitrary filesystem paths. at /usr/share/perl5/PVE/Storage.pm line 651.',
    );
    expect(await put({ mp0: 'shared:0.5,mp=/a,backup=1,size=7G' })).toBe('200 OK');
    expect(await put({ mp0: 'local-lvm:0.5,mp=/b' })).toBe('200 OK');
    expect(await config(101)).toMatchObject({
      ...{ mp0: 'local-lvm:vm-101-disk-0,mp=/b,size=512M', unused0: 'shared:101/vm-101-disk-1.raw' },
    });
    expect(await put({ protection: 1 })).toBe('200 OK');
    expect(await put({ delete: 'unused0' })).toBe(
      "500 can't remove CT 101 drive 'unused0' - protection mode enabled",
    );
    expect(await put({ protection: 0 })).toBe('200 OK');
    expect(await put({ delete: 'mp0,unused0' })).toBe('200 OK');
    // The one place was still taken when the disk came.
    expect(await config(101)).toMatchObject({ unused1: 'local-lvm:vm-101-disk-0' });
    expect(await bench.lab.volumes.exists('pve1', { storage: 'shared', name: 'vm-101-disk-1' })).toBe(false);
  });
});

describe('options of a container that runs', () => {
  beforeAll(async () => {
    await bench.create('pve1', 102);
    await bench.task('POST', at(102, 'status/start'), {}, as);
  });

  const pending = async () =>
    (await bench.data<{ key: string }[]>('GET', at(102, 'pending'), {}, as)).filter(
      (one) => 'pending' in one || 'delete' in one,
    );

  it('change at once, or wait for the next start', async () => {
    const hot = { memory: 80, swap: 16, cores: 2, cpulimit: '0.5', hostname: 'ren', tags: 'z;y', onboot: 1 };
    const cold = { features: 'nesting=1', nameserver: '10.0.0.1', timezone: 'UTC', tty: 1 };
    expect(await said('PUT', at(102, 'config'), { ...hot, ...cold })).toBe('200 OK');
    expect(await config(102, { current: 1 })).toMatchObject({ ...hot, tags: 'y;z' });
    expect(await config(102)).toMatchObject(cold);
    expect(await pending()).toEqual(Object.entries(cold).map(([key, value]) => ({ key, pending: value })));
    await said('PUT', at(102, 'config'), { revert: 'tty,timezone,nameserver', delete: 'cpulimit' });
    expect(await pending()).toEqual([{ key: 'features', pending: 'nesting=1' }]);
    await bench.task('POST', at(102, 'status/reboot'), { timeout: 5 }, as);
    expect(await pending()).toEqual([]);
    await said('PUT', at(102, 'config'), { delete: 'features' });
    expect(await pending()).toEqual([{ key: 'features', value: 'nesting=1', delete: 1 }]);
    expect(await config(102)).not.toHaveProperty('features');
  });

  it('may be a new disk, not another one in its place', async () => {
    expect(await said('PUT', at(102, 'config'), { mp0: 'shared:0.1,mp=/a' })).toBe('200 OK');
    expect(await said('PUT', at(102, 'config'), { mp0: 'shared:0.2,mp=/b' })).toBe('200 OK');
    expect(await pending()).toContainEqual({
      ...{ key: 'mp0', value: 'shared:102/vm-102-disk-1.raw,mp=/a,size=102M', pending: 'shared:0.2,mp=/b' },
    });
  });

  it('are not changed while it is locked; neither is anything else', async () => {
    await said('PUT', at(102, 'config'), { lock: 'backup' });
    for (const [method, path, params] of [
      ['PUT', 'config', { onboot: 1 }],
      ['PUT', 'resize', { disk: 'rootfs', size: '2G' }],
      ['POST', 'clone', { newid: 190 }],
      ['POST', 'template', {}],
      ['GET', 'migrate', {}],
      ['POST', 'move_volume', { volume: 'rootfs', storage: 'local-lvm' }],
    ] as const)
      expect([path, await said(method, at(102, path), params)]).toEqual([path, '500 CT is locked (backup)']);
    for (const action of ['shutdown', 'stop', 'suspend', 'snapshot'])
      expect(
        await bench.task(
          ...(['POST', at(102, action === 'snapshot' ? action : `status/${action}`)] as const),
          ...([action === 'snapshot' ? { snapname: 'aa' } : {}, as] as const),
        ),
      ).toBe('CT is locked (backup)');
    // The one lock with which a container may be started and stopped.
    bench.lab.guests.update('pve1', 102, ({ values }) => {
      values.lock = 'mounted';
    });
    expect(await bench.task('POST', at(102, 'status/stop'), {}, as)).toBe('OK');
  });
});

describe('disks', () => {
  beforeAll(async () => {
    await bench.create('pve1', 103, { rootfs: 'shared:0.1' });
    await bench.create('pve1', 104);
    await said('PUT', at(103, 'config'), { mp0: 'shared:0.1,mp=/d' });
  });

  // PVE::API2::LXC, resize_vm and move_volume
  it.each<[string, Params, string]>([
    ['resize', { disk: 'rootfs', size: '50M' }, '500 unable to shrink disk size'],
    ['resize', { disk: 'rootfs', size: '102M' }, '500 disk is already at specified size'],
    [
      'resize',
      { disk: 'mp7', size: '1G' },
      '500 volume: property is missing and it is not optional,mp: property is missing and it is not optional',
    ],
    ['resize', { disk: 'rootfs', size: 'x' }, '400 size: value does not match the regex pattern'],
    ['resize', { disk: 'rootfs', size: '+10M' }, 'OK'],
    [
      'move_volume',
      { volume: 'rootfs' },
      "400 target-vmid: both 'storage' and 'target-vmid' missing, either needs to be set,storage: both 'storage' and 'target-vmid' missing, either needs to be set",
    ],
    [
      'move_volume',
      { volume: 'rootfs', storage: 'shared', 'target-vmid': 104 },
      '500 either set storage or target-vmid, but not both',
    ],
    [
      'move_volume',
      { volume: 'unused0', storage: 'local-lvm' },
      "500 cannot move volume 'unused0', only configured volumes can be moved to another storage",
    ],
    [
      'move_volume',
      { volume: 'rootfs', storage: 'local' },
      "content type 'rootdir' is not available or configured on storage 'local'",
    ],
    ['move_volume', { volume: 'rootfs', storage: 'local-lvm' }, 'OK'],
    ['move_volume', { volume: 'rootfs', 'target-vmid': 104 }, "500 Cannot move to/from 'rootfs'"],
    [
      'move_volume',
      { volume: 'mp1', 'target-vmid': 104 },
      "500 volume 'mp1' for container '103' does not exist",
    ],
    [
      'move_volume',
      { volume: 'unused0', 'target-vmid': 104, 'target-volume': 'mp0' },
      '500 Moving an unused volume to a used one is not possible',
    ],
    ['move_volume', { volume: 'mp0', 'target-vmid': 104, 'target-volume': 'mp3' }, 'OK'],
  ])('%s %o: %s', async (what, params, wanted) => {
    const answer = await bench.ask(what === 'resize' ? 'PUT' : 'POST', at(103, what), params, as);
    const upid = answer.body?.data;
    if (typeof upid === 'string') expect(await bench.lab.tasks.wait(upid)).toBe(wanted);
    else expect(await said(what === 'resize' ? 'PUT' : 'POST', at(103, what), params)).toBe(wanted);
  });

  it('are where they were moved to', async () => {
    expect(await config(103)).toMatchObject({
      ...{ rootfs: 'local-lvm:vm-103-disk-0,size=112M', unused0: 'shared:103/vm-103-disk-0.raw' },
    });
    expect(await config(103)).not.toHaveProperty('lock');
    expect(await config(104)).toMatchObject({ mp3: 'shared:104/vm-104-disk-1.raw,mp=/d,size=102M' });
  });
});

describe('copies', () => {
  beforeAll(async () => {
    await bench.create('pve1', 105, { rootfs: 'local-lvm:0.1', description: 'first' });
    expect(await bench.task('POST', at(105, 'snapshot'), { snapname: 'one' }, as)).toBe('OK');
  });

  // PVE::API2::LXC, clone_vm, template and vm_feature
  it.each<[string, Params, string]>([
    ['template', {}, '500 unable to create template, because CT contains snapshots'],
    ['clone', { newid: 101 }, "500 CT 101 already exists on node 'pve1'"],
    ['clone', { newid: 191, snapname: 'nope' }, "500 snapshot 'nope' does not exist"],
    [
      'clone',
      { newid: 191, full: 0, storage: 'shared' },
      "500 parameter 'storage' not allowed for linked clones",
    ],
    [
      'clone',
      { newid: 191, full: 0 },
      "500 Linked clone feature for 'local-lvm:vm-105-disk-0' is not available",
    ],
    ['clone', { newid: 191, target: 'pve2' }, "500 can't clone CT to node 'pve2' (CT uses local storage)"],
    [
      'clone',
      { newid: 191, target: 'pve2', storage: 'local-lvm' },
      "500 can't clone to non-shared storage 'local-lvm'",
    ],
    ['clone', { newid: 191, target: 'pve9' }, "500 no such cluster node 'pve9'"],
  ])('%s %o: %s', async (what, params, wanted) => {
    expect(await said('POST', at(105, what), params)).toBe(wanted);
  });

  it('are of a snapshot, and go to another node; the source is locked meanwhile', async () => {
    const upid = await bench.data<string>(
      'POST',
      at(105, 'clone'),
      { newid: 191, snapname: 'one', target: 'pve2', storage: 'shared', description: 'c' },
      as,
    );
    expect(await config(105)).toMatchObject({ lock: 'disk' });
    expect(await bench.lab.tasks.wait(upid)).toBe('OK');
    expect(await config(105)).not.toHaveProperty('lock');
    expect(await bench.data('GET', '/nodes/pve2/lxc/191/config', {}, as)).toMatchObject({
      ...{ rootfs: 'shared:191/vm-191-disk-0.raw,size=102M', description: 'c\n' },
    });
    for (const [params, has] of [
      [{ feature: 'snapshot' }, 1],
      [{ feature: 'clone' }, 0],
      [{ feature: 'clone', snapname: 'one' }, 1],
    ] as const)
      expect(await bench.data('GET', at(105, 'feature'), params, as)).toEqual({ hasFeature: has });
  });
});

describe('a backup of a container with mount points', () => {
  it('comes back with disks of its own, and goes without those of another', async () => {
    await bench.create('pve1', 106, { rootfs: 'shared:0.1', pool: 'psa' });
    await said('PUT', at(106, 'config'), { mp0: 'shared:0.1,mp=/d,backup=1' });
    await said('PUT', at(106, 'config'), { mp1: 'shared:0.1,mp=/cache' });
    const kept = await bench.lab.volumes.path('pve1', { storage: 'shared', name: 'vm-106-disk-1' });
    writeFileSync(join(kept, 'kept'), '\0'.repeat(5000));
    const upid = await bench.data<string>('POST', '/nodes/pve1/vzdump', { vmid: 106, storage: 'local' }, as);
    expect(await bench.lab.tasks.wait(upid)).toBe('OK');
    expect(bench.lab.tasks.lines(upid)!.filter((line) => line.includes('mount point'))).toEqual([
      "INFO: including mount point rootfs ('/') in backup",
      "INFO: including mount point mp0 ('/d') in backup",
      "INFO: excluding volume mount point mp1 ('/cache') from backup (disabled)",
    ]);
    const [backup] = await bench.data<{ volid: string }[]>(
      ...(['GET', '/nodes/pve1/storage/local/content', { content: 'backup', vmid: 106 }, as] as const),
    );
    const restored = { vmid: 107, ostemplate: backup!.volid, restore: 1, storage: 'shared' };
    expect(await bench.task('POST', '/nodes/pve1/lxc', restored, as)).toBe('OK');
    const path = (disk: number) =>
      bench.lab.volumes.path('pve1', { storage: 'shared', name: `vm-107-disk-${disk}` });
    expect(readFileSync(join(await path(1), 'kept')).length).toBe(5000);
    expect(existsSync(join(await path(0), 'd/kept'))).toBe(false);
    expect(await config(107)).toMatchObject({
      ...{ rootfs: 'shared:107/vm-107-disk-0.raw,size=102M' },
      mp0: 'shared:107/vm-107-disk-1.raw,mp=/d,backup=1,size=102M',
    });
    bench.lab.guests.update('pve1', 107, ({ values }) => {
      values.mp1 = 'shared:106/vm-106-disk-1.raw,mp=/other';
    });
    expect(await bench.task('DELETE', '/nodes/pve1/lxc/107', {}, as)).toBe('OK');
    const disk = (vmid: number) =>
      bench.lab.volumes.exists('pve1', { storage: 'shared', name: `vm-${vmid}-disk-1` });
    expect([await disk(106), await disk(107)]).toEqual([true, false]);
  });
});
