import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tidyGuests } from '../guests/tidy.ts';
import { ApiBench } from './bench.test-helper.ts';

let bench: ApiBench;
beforeEach(async () => {
  bench = await ApiBench.open();
});
afterEach(() => bench.close());

const at = (node: string, vmid: number, rest = '') => `/nodes/${node}/lxc/${vmid}${rest}`;
const config = (node: string, vmid: number, params = {}) =>
  bench.data<Record<string, unknown>>('GET', at(node, vmid, '/config'), params);
const status = async (node: string, vmid: number) =>
  (await bench.data<{ status: string }>('GET', at(node, vmid, '/status/current'))).status;

describe('a container', () => {
  it('is made from a template, with what was not said', async () => {
    const net0 = 'name=eth0,bridge=vmbr0,tag=20,ip=10.0.20.11/24,gw=10.0.20.1';
    const wish = { net0, rootfs: 'local-lvm:1.5' };
    // Tags are looked at before the guest is in the pool whose rights would allow them.
    await expect(bench.create('pve2', 101, { ...wish, tags: 'psa;lab' })).rejects.toThrow(
      '403 Permission check failed (/vms/101, VM.Config.Options)',
    );
    expect(await bench.create('pve2', 101, wish)).toBe('OK');
    expect(await bench.said('PUT', at('pve2', 101, '/config'), { tags: 'psa;lab;PSA' })).toBe('200 OK');
    expect(await config('pve2', 101)).toEqual({
      ...{
        arch: 'amd64',
        cores: 1,
        hostname: 'ct101',
        memory: 256,
        swap: 0,
        unprivileged: 1,
        ostype: 'debian',
      },
      ...{ rootfs: 'local-lvm:vm-101-disk-0,size=1536M', tags: 'lab;psa' },
      net0: expect.stringMatching(
        /^name=eth0,bridge=vmbr0,gw=10\.0\.20\.1,hwaddr=BC:24:11(:[0-9A-F]{2}){3},ip=10\.0\.20\.11\/24,tag=20,type=veth$/,
      ),
      digest: expect.stringMatching(/^[0-9a-f]{40}$/),
    });
    expect(await bench.data('GET', '/pools/psa')).toMatchObject({ members: [{ vmid: 101, node: 'pve2' }] });
  });

  it('of one id is made once, whoever asks at the same time', async () => {
    const both = await Promise.allSettled([bench.create('pve1', 101), bench.create('pve3', 101)]);
    expect(both.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.message)).sort()).toEqual([
      "500 CT 101 already exists on node 'pve1'",
      'OK',
    ]);
    expect(bench.lab.guests.all()).toEqual([{ vmid: 101, node: 'pve1' }]);
  });

  it('keeps the password that it was wished with out of its task', async () => {
    expect(await bench.create('pve1', 101, { password: 'a secret' })).toBe('OK');
    const task = bench.lab.tasks.list('pve1').find((one) => one.type === 'vzcreate')!;
    expect(bench.lab.tasks.lines(task.upid)?.join()).not.toContain('a secret');
  });

  it('that cannot be made leaves nothing', async () => {
    expect(await bench.create('pve1', 101, { ostemplate: 'shared:vztmpl/nope.tar' })).toBe(
      "unable to create CT 101 - volume 'shared:vztmpl/nope.tar' does not exist",
    );
    expect(bench.lab.guests.all()).toEqual([]);
    expect(await bench.lab.volumes.exists('pve1', { storage: 'shared', name: 'vm-101-disk-0' })).toBe(false);
    expect(await bench.create('pve1', 101)).toBe('OK');
  });

  it('that runs takes limits at once, and the rest at its next start', async () => {
    await bench.create('pve1', 101);
    await bench.task('POST', at('pve1', 101, '/status/start'));
    await bench.data('PUT', at('pve1', 101, '/config'), {
      memory: 300,
      features: 'nesting=1',
      delete: 'swap',
    });
    await bench.data('PUT', at('pve1', 101, '/config'), { nameserver: '10.0.20.1' });
    expect(await config('pve1', 101, { current: 1 })).not.toHaveProperty('features');
    expect(await config('pve1', 101)).toMatchObject({ memory: 300, features: 'nesting=1' });
    const pending = await bench.data<{ key: string; pending?: unknown }[]>(
      'GET',
      at('pve1', 101, '/pending'),
    );
    expect(pending.filter((one) => one.pending !== undefined)).toEqual([
      { key: 'features', pending: 'nesting=1' },
      { key: 'nameserver', pending: '10.0.20.1' },
    ]);
    await bench.task('POST', at('pve1', 101, '/status/reboot'));
    expect(await config('pve1', 101, { current: 1 })).toMatchObject({
      features: 'nesting=1',
      nameserver: '10.0.20.1',
    });
  });

  it('saves a change of its cards even when it says that their bridge is not there', async () => {
    const card = (bridge: string) => `name=eth0,bridge=${bridge},hwaddr=BC:24:11:00:00:01`;
    await bench.create('pve1', 101, { net0: card('vmbr0') });
    await bench.task('POST', at('pve1', 101, '/status/start'));
    // A new card cannot be made there, and is not kept.
    const other = { net1: 'name=eth1,bridge=vmbr9' };
    expect((await bench.ask('PUT', at('pve1', 101, '/config'), other)).body?.errors).toEqual({
      net1: "unable to hotplug net1: bridge 'vmbr9' does not exist\n",
    });
    expect(await config('pve1', 101)).not.toHaveProperty('net1');
    const net0 = card('vmbr9');
    expect(await bench.said('PUT', at('pve1', 101, '/config'), { net0 })).toBe(
      "500 bridge 'vmbr9' does not exist",
    );
    const { digest, net0: saved } = await config('pve1', 101);
    expect(saved).toContain('bridge=vmbr9');
    expect(
      await bench.said('PUT', at('pve1', 101, '/config'), { memory: 300, digest: '0'.repeat(40) }),
    ).toMatch(/^500 detected modified configuration/);
    // Every later change is saved, and told the same, until the card is mended.
    expect(await bench.said('PUT', at('pve1', 101, '/config'), { memory: 300, digest: String(digest) })).toBe(
      "500 bridge 'vmbr9' does not exist",
    );
    expect(await config('pve1', 101)).toMatchObject({ memory: 300 });
    expect(await bench.said('PUT', at('pve1', 101, '/config'), { delete: 'net0' })).toBe('200 OK');
  });

  it('cannot be destroyed while it runs, but by force', async () => {
    await bench.create('pve1', 101);
    await bench.task('POST', at('pve1', 101, '/status/start'));
    expect(await bench.said('DELETE', at('pve1', 101))).toBe(
      '500 unable to destroy CT 101 - container is running',
    );
    expect(await bench.task('DELETE', at('pve1', 101), { force: 1, purge: 1 })).toBe('OK');
    expect(bench.lab.guests.all()).toEqual([]);
    expect(bench.lab.access.read().pools.psa?.vms).toEqual([]);
    expect(await bench.lab.volumes.exists('pve1', { storage: 'shared', name: 'vm-101-disk-0' })).toBe(false);
  });
});

describe('moving a container', () => {
  it('takes its local disk along and leaves none behind', async () => {
    await bench.create('pve1', 101, { rootfs: 'local-lvm:1' });
    await bench.task('POST', at('pve1', 101, '/status/start'));
    expect(await bench.task('POST', at('pve1', 101, '/migrate'), { target: 'pve3', restart: 1 })).toBe('OK');
    expect(await status('pve3', 101)).toBe('running');
    const volume = { storage: 'local-lvm', name: 'vm-101-disk-0' };
    expect(await bench.lab.volumes.exists('pve1', volume)).toBe(false);
    expect(await bench.lab.volumes.exists('pve3', volume)).toBe(true);
  });

  it('that does not end in time stays where it is, and runs', async () => {
    await bench.create('pve1', 101);
    await bench.task('POST', at('pve1', 101, '/status/start'));
    bench.runtime.deaf.add(101);
    const move = { target: 'pve3', restart: 1, timeout: 1 };
    expect(await bench.task('POST', at('pve1', 101, '/migrate'), move)).toBe('migration aborted');
    expect(await status('pve1', 101)).toBe('running');
    expect(await config('pve1', 101)).not.toHaveProperty('lock');
  });

  it('to a node that is not there is refused by the task', async () => {
    await bench.create('pve1', 101);
    await bench.lab.power.kill('pve3');
    expect(await bench.task('POST', at('pve1', 101, '/migrate'), { target: 'pve3' })).toBe(
      'migration aborted',
    );
    expect(bench.lab.guests.nodeOf(101)).toBe('pve1');
  });
});

describe('copies', () => {
  it('have a name, an address of their cards and a disk of their own', async () => {
    await bench.create('pve1', 101, { net0: 'name=eth0,bridge=vmbr0,ip=10.0.20.11/24' });
    const copy = { newid: 102, full: 1, hostname: 'copy', pool: 'psa' };
    expect(await bench.task('POST', at('pve1', 101, '/clone'), copy)).toBe('OK');
    const [from, to] = [await config('pve1', 101), await config('pve1', 102)];
    expect(to).toMatchObject({ hostname: 'copy', rootfs: 'shared:102/vm-102-disk-0.raw,size=1G' });
    expect(to.net0).not.toBe(from.net0);
    await bench.task('DELETE', at('pve1', 101));
    expect(await bench.lab.volumes.exists('pve1', { storage: 'shared', name: 'vm-102-disk-0' })).toBe(true);
  });
});

describe('after a daemon was killed', () => {
  it('half a container is removed, and one that was being moved stays whole', async () => {
    await bench.create('pve1', 101, { rootfs: 'local-lvm:1' });
    bench.lab.guests.update('pve1', 101, (conf) => {
      conf.values.lock = 'migrate';
    });
    bench.lab.guests.reserve('pve2', 102, 'create');
    const half = { storage: 'shared', name: 'vm-102-disk-0' };
    await bench.lab.volumes.create('pve2', half, { archive: null, unprivileged: true, sizeBytes: 1e6 });
    await bench.assemble();
    const said: string[] = [];
    await tidyGuests(bench.lab, (line) => said.push(line));
    expect(bench.lab.guests.all()).toEqual([{ vmid: 101, node: 'pve1' }]);
    expect(await bench.lab.volumes.exists('pve2', half)).toBe(false);
    expect(await config('pve1', 101)).not.toHaveProperty('lock');
    expect(said).toHaveLength(2);
  });
});
