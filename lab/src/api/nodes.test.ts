import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiBench } from './bench.test-helper.ts';

let bench: ApiBench;
beforeEach(async () => {
  bench = await ApiBench.open();
});
afterEach(() => bench.close());

const start = (node: string, vmid: number) => bench.task('POST', `/nodes/${node}/lxc/${vmid}/status/start`);
const cut = async (node: string) => {
  await bench.network.partition(node);
  await bench.lab.membership.refresh();
};

describe('a node that lost its power', () => {
  it('answers nobody, and its containers are gone', async () => {
    await bench.create('pve3', 101);
    await start('pve3', 101);
    await bench.lab.power.kill('pve3');
    expect(await bench.ask('GET', '/nodes/pve3/lxc')).toEqual({
      ...{ status: 595, reason: 'No route to host', body: null },
    });
    expect(await bench.runtime.running('pve3')).toEqual([]);
    const shown = await bench.data('GET', '/cluster/resources', { type: 'vm' });
    expect(shown).toEqual([
      { id: 'lxc/101', type: 'lxc', node: 'pve3', vmid: 101, pool: 'psa', status: 'unknown' },
    ]);
    const nodes = await bench.data<{ node: string; status: string }[]>('GET', '/nodes');
    expect(nodes.map(({ node, status }) => `${node} ${status}`)).toEqual([
      'pve1 online',
      'pve2 online',
      'pve3 offline',
    ]);
    expect(
      await bench.said('POST', '/nodes/pve1/lxc', { vmid: 101, ostemplate: 'shared:vztmpl/x.tar' }),
    ).toBe("500 CT 101 already exists on node 'pve3'");
  });

  it('takes its tasks along', async () => {
    const upid = bench.lab.tasks.start(
      { node: 'pve3', type: 'vzdump', id: '1', user: 'root@pam' },
      () => new Promise(() => {}),
    );
    await bench.lab.power.kill('pve3');
    expect(bench.lab.tasks.record(upid)?.status).toBe('unexpected status');
  });

  it('does not come to run what was just being started or moved', async () => {
    await bench.create('pve3', 101);
    await bench.create('pve3', 102, { rootfs: 'local-lvm:1' });
    const began = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const slow = async () => {
      began.resolve();
      await goOn.promise;
    };
    const { runtime, lab } = bench;
    const boot = runtime.start.bind(runtime);
    runtime.start = async (spec) => {
      await slow();
      await boot(spec);
    };
    const starting = await bench.data<string>('POST', '/nodes/pve3/lxc/101/status/start');
    await began.promise;
    const copy = lab.volumes.copy.bind(lab.volumes);
    const copying = Promise.withResolvers<void>();
    lab.volumes.copy = async (from, to) => {
      copying.resolve();
      await goOn.promise;
      await copy(from, to);
    };
    const moving = await bench.data<string>('POST', '/nodes/pve3/lxc/102/migrate', { target: 'pve1' });
    await copying.promise;
    await lab.power.kill('pve3');
    goOn.resolve();
    // What goes on after the tasks holds the guests' locks.
    for (const vmid of [101, 102]) await lab.locks.guest(vmid, () => undefined);
    expect(lab.tasks.record(starting)?.status).toBe('unexpected status');
    expect(lab.tasks.record(moving)?.status).toBe('unexpected status');
    expect(await runtime.running('pve3')).toEqual([]);
    expect(lab.guests.nodeOf(102)).toBe('pve3');
    expect(await lab.volumes.exists('pve1', { storage: 'local-lvm', name: 'vm-102-disk-0' })).toBe(false);
  });

  it('starts what is to start at boot when it comes back, in its order, and stays off for the next daemon', async () => {
    await bench.create('pve3', 101, { onboot: 1, startup: 'order=2' });
    await bench.create('pve3', 102, { onboot: 1, startup: 'order=1' });
    await bench.create('pve3', 103);
    // As backups leave them that were killed with their node, or something else.
    for (const [vmid, lock] of [
      [102, 'backup'],
      [103, 'snapshot'],
    ] as const)
      bench.lab.guests.update('pve3', vmid, ({ values }) => {
        values.lock = lock;
      });
    await bench.lab.power.kill('pve3');
    await bench.assemble();
    expect(bench.lab.membership.isOn('pve3')).toBe(false);
    await bench.lab.power.start('pve3');
    await bench.lab.tasks.idle();
    expect([...(await bench.runtime.running('pve3'))].sort()).toEqual([101, 102]);
    const started = bench.lab.tasks.list('pve3').filter((task) => task.type === 'vzstart');
    expect(started.map((task) => task.id)).toEqual(['101', '102']);
    const locks = [102, 103].map((vmid) => bench.lab.guests.load('pve3', vmid).conf.values.lock);
    expect(locks).toEqual([undefined, 'snapshot']);
  });
});

describe('a node without quorum', () => {
  it('reads, and stops what runs; it changes nothing', async () => {
    await bench.create('pve3', 101);
    await start('pve3', 101);
    await cut('pve3');
    const entry = { entry: 'pve3' };
    const params = {
      vmid: 102,
      ostemplate: 'shared:vztmpl/base-1.0.0.tar',
      rootfs: 'shared:1',
      unprivileged: 1,
      pool: 'psa',
    };
    const refusal = '500 cluster not ready - no quorum?';
    expect(await bench.said('POST', '/nodes/pve3/lxc', params, entry)).toBe(refusal);
    expect(await bench.said('PUT', '/nodes/pve3/lxc/101/config', { memory: 300 }, entry)).toMatch(/^500 /);
    expect(await bench.said('POST', '/cluster/ha/resources', { sid: 'ct:101' }, entry)).toMatch(
      /cluster not ready - no quorum\?$/,
    );
    expect(await bench.said('DELETE', '/cluster/ha/rules/x1', {}, entry)).toMatch(
      /cfs-lock 'domain-ha' error: no quorum!$/,
    );
    expect(await bench.said('POST', '/pools', { poolid: 'psa' }, entry)).toMatch(/no quorum!$/);
    expect(await bench.said('GET', '/nodes/pve3/lxc/101/config', {}, entry)).toBe('200 OK');
    expect(await bench.data<unknown[]>('GET', '/cluster/status', {}, entry)).toMatchObject([
      { type: 'cluster', quorate: 0 },
      { name: 'pve1', online: 0 },
      { name: 'pve2', online: 0 },
      { name: 'pve3', online: 1, local: 1 },
    ]);
    expect(await bench.task('POST', '/nodes/pve3/lxc/101/status/stop', {}, entry)).toBe('OK');
    expect(await bench.said('POST', '/nodes/pve3/lxc/101/status/start', {}, entry)).toMatch(/no quorum/);
  });

  it('is not reached by the others, who go on', async () => {
    await cut('pve3');
    expect(await bench.said('GET', '/nodes/pve3/lxc')).toBe('595 No route to host');
    expect(await bench.said('GET', '/nodes/pve1/lxc', {}, { entry: 'pve3' })).toBe('595 No route to host');
    expect(await bench.create('pve1', 101)).toBe('OK');
  });

  it('starts its containers once it has found the others', async () => {
    await bench.create('pve3', 101, { onboot: 1 });
    await bench.lab.power.kill('pve3');
    await bench.network.partition('pve3');
    await bench.lab.power.start('pve3');
    await sleep(300);
    expect(await bench.runtime.running('pve3')).toEqual([]);
    await bench.network.heal('pve3');
    await bench.lab.membership.refresh();
    await bench.lab.tasks.idle();
    expect(await bench.runtime.running('pve3')).toEqual([101]);
  });
});

describe('a managed container', () => {
  it('is started by the HA manager, who is only asked', async () => {
    await bench.create('pve1', 101);
    await bench.data('POST', '/cluster/ha/resources', { sid: 'ct:101', state: 'stopped' });
    const upid = await bench.data<string>('POST', '/nodes/pve1/lxc/101/status/start');
    expect(upid).toContain(':hastart:101:psactl@pve!psactl:');
    expect(await bench.lab.tasks.wait(upid)).toBe('OK');
    expect(await bench.lab.stats.isRunning('pve1', 101)).toBe(false);
    expect(bench.lab.ha.guest(101)?.requested).toBe('started');
    expect(await bench.said('DELETE', '/nodes/pve1/lxc/101')).toMatch(
      /^500 unable to remove CT 101 - used in HA/,
    );
    expect(await bench.task('DELETE', '/nodes/pve1/lxc/101', { purge: 1 })).toBe('OK');
    expect(bench.lab.ha.guest(101)).toBeNull();
  });
});

describe('unknown names', () => {
  it('are refused as Proxmox VE does', async () => {
    expect(await bench.said('GET', '/nodes/pve9/lxc')).toMatch(/^500 hostname lookup 'pve9' failed/);
    expect(await bench.said('GET', '/nodes/pve1/lxc/999/config', {})).toMatch(/^403 /);
    expect(await bench.said('GET', '/nodes/pve1/tasks/UPID:foo/status')).toBe(
      '400 Parameter verification failed.',
    );
    const unknown = 'UPID:pve1:0000FFFF:00000001:6B016988:vzstart:101:root@pam:';
    const answer = await bench.ask('GET', `/nodes/pve1/tasks/${encodeURIComponent(unknown)}/status`);
    expect(answer.body?.errors).toEqual({ upid: 'no such task' });
  });
});
