import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scene } from '../../golden/scene.test-helper.ts';

describe('guests that HA manages', () => {
  let scene: Scene;

  beforeAll(async () => {
    scene = await Scene.open();
    await scene.template('shared', 'mini.tar.zst');
    scene.ha.start();
  });
  afterAll(() => scene.close());

  async function make(vmid: number, node: string): Promise<void> {
    const params = { vmid, ostemplate: 'shared:vztmpl/mini.tar.zst', rootfs: 'shared:0.1', unprivileged: 1 };
    expect(await scene.task('POST', `/nodes/${node}/lxc`, params)).toBe('OK');
  }

  const manage = (vmid: number, more: Record<string, string | number> = {}) =>
    scene.data('POST', '/cluster/ha/resources', { sid: `ct:${vmid}`, ...more });

  async function seen(vmid: number): Promise<string> {
    const entries = (await scene.data('GET', '/cluster/ha/status/current')) as Record<string, string>[];
    const entry = entries.find((one) => one.sid === `ct:${vmid}`);
    return entry ? `${entry.state}@${entry.node}` : 'none';
  }

  async function until(vmid: number, wanted: string | RegExp): Promise<void> {
    for (let poll = 0; poll < 1000; poll++) {
      const now = await seen(vmid);
      if (typeof wanted === 'string' ? now === wanted : wanted.test(now)) return;
      await sleep(25);
    }
    throw new Error(`ct:${vmid} is ${await seen(vmid)}, not ${wanted}`);
  }

  it('are started, stopped and moved by their manager, whoever asks', async () => {
    await make(200, 'pve2');
    await manage(200);
    await until(200, 'started@pve2');
    expect(await scene.lab.stats.isRunning('pve2', 200)).toBe(true);

    const upid = String(await scene.data('POST', '/nodes/pve2/lxc/200/status/stop'));
    expect(upid).toContain(':hastop:200:');
    expect(await scene.lab.tasks.wait(upid)).toBe('OK');
    expect(scene.lab.tasks.lines(upid)).toEqual(['Requesting HA stop for CT 200', 'TASK OK']);
    await until(200, 'stopped@pve2');
    expect(await scene.data('POST', '/nodes/pve2/lxc/200/status/start')).toContain(':hastart:200:');
    await until(200, 'started@pve2');
    expect(await scene.data('POST', '/nodes/pve2/lxc/200/migrate', { target: 'pve3', restart: 1 })).toContain(
      ':hamigrate:200:',
    );
    await until(200, 'started@pve3');
    expect(scene.lab.guests.nodeOf(200)).toBe('pve3');
    expect(await scene.data('POST', '/cluster/ha/resources/ct:200/migrate', { node: 'pve1' })).toEqual({
      ...{ sid: 'ct:200', 'requested-node': 'pve1' },
    });
    await until(200, 'started@pve1');
  });

  it('come up elsewhere when their node dies, which takes the time of the fence', async () => {
    await make(201, 'pve3');
    await manage(201);
    await until(201, 'started@pve3');
    const died = scene.ha.now();
    await scene.lab.power.kill('pve3');
    await until(201, /^started@pve[12]$/);
    // At this factor of time a state may pass between two looks; the manager's log has them all.
    const log = scene.haLog.join('\n');
    expect(log).toMatch(/node 'pve3': state changed from '\w+' => 'fence'/);
    expect(log).toMatch(/service 'ct:201'.*'fence'|recover service 'ct:201' from fenced node 'pve3'/);
    expect(scene.ha.now() - died).toBeGreaterThan(120);
    await scene.lab.power.start('pve3');
    for (let poll = 0; scene.lab.ha.nodeState('pve3') !== 'online'; poll++) {
      expect(poll).toBeLessThan(800);
      await sleep(25);
    }
  });

  it('stay apart or together by rules; rules that cannot hold are refused', async () => {
    await make(202, 'pve1');
    await manage(202);
    await until(202, 'started@pve1');
    const rule = { rule: 'apart', type: 'resource-affinity', affinity: 'negative' };
    await scene.data('POST', '/cluster/ha/rules', { ...rule, resources: 'ct:200,ct:202' });
    for (let poll = 0; scene.lab.guests.nodeOf(200) === scene.lab.guests.nodeOf(202); poll++) {
      expect(poll).toBeLessThan(800);
      await sleep(25);
    }
    const refused = (more: Record<string, string>) =>
      expect(scene.data('POST', '/cluster/ha/rules', { ...rule, rule: 'bad', ...more })).rejects;
    await refused({ resources: 'ct:200' }).toThrow(
      /^500 create ha rule failed: 400 Rule 'bad' is invalid\.$/,
    );
    await refused({ resources: 'ct:200,ct:999' }).toThrow('cannot use unmanaged resource(s) ct:999.');
    await refused({ resources: 'ct:200,ct:202', affinity: 'positive' }).toThrow("Rule 'bad' is invalid.");
    for (const vmid of [200, 202]) await until(vmid, /^started@/);
    const blocked = await scene.data('POST', '/cluster/ha/resources/ct:200/migrate', {
      node: scene.lab.guests.nodeOf(202)!,
    });
    expect(blocked).toMatchObject({ 'blocking-resources': [{ sid: 'ct:202', cause: 'resource-affinity' }] });

    await scene.data('PUT', '/cluster/ha/rules/apart', {
      type: 'resource-affinity',
      comment: 'two replicas',
    });
    await scene.data('POST', '/cluster/ha/rules', {
      ...{ rule: 'home', type: 'node-affinity', resources: 'ct:201', nodes: 'pve2:2,pve1', strict: 1 },
    });
    await until(201, 'started@pve2');
    expect(await scene.data('GET', '/cluster/ha/rules', { resource: 'ct:201' })).toMatchObject([
      { rule: 'home', order: 2, nodes: 'pve1,pve2:2', strict: 1 },
    ]);
  });

  it('are not destroyed without purge, which takes them out of rules, too', async () => {
    await scene.data('PUT', '/cluster/ha/resources/ct:202', { state: 'disabled' });
    await until(202, /^disabled@/);
    const node = scene.lab.guests.nodeOf(202)!;
    await expect(scene.data('DELETE', `/nodes/${node}/lxc/202`)).rejects.toThrow(
      'unable to remove CT 202 - used in HA resources and purge parameter not set.',
    );
    expect(await scene.task('DELETE', `/nodes/${node}/lxc/202`, { purge: 1 })).toBe('OK');
    await expect(scene.data('GET', '/cluster/ha/resources/ct:202')).rejects.toThrow(
      "no such resource 'ct:202'",
    );
    expect(await scene.data('GET', '/cluster/ha/rules/apart')).toMatchObject({ resources: 'ct:200' });
  });

  it('end in error when they start nowhere; only disabled leads out of it', async () => {
    await make(203, 'pve1');
    scene.runtime.broken.add(203);
    await manage(203, { max_restart: 0, max_relocate: 1 });
    await until(203, /^error@/);
    await expect(scene.data('PUT', '/cluster/ha/resources/ct:203', { state: 'started' })).rejects.toThrow(
      "service 'ct:203' in error state, must be disabled and fixed first",
    );
    await scene.data('PUT', '/cluster/ha/resources/ct:203', { state: 'disabled' });
    await until(203, /^disabled@/);
    scene.runtime.broken.clear();
    await scene.data('PUT', '/cluster/ha/resources/203', { state: 'enabled' });
    await until(203, /^started@/);
  });

  it('are not reset because the lab itself had to wait', async () => {
    await until(203, /^started@/);
    const node = scene.lab.guests.nodeOf(203)!;
    const { pid } = await scene.lab.runtime.state(node, 203);
    const end = Date.now() + 1_500;
    // Twice as long as a watchdog waits here, in which nothing else runs.
    while (Date.now() < end);
    await sleep(500);
    expect(await scene.lab.runtime.state(node, 203)).toMatchObject({ state: 'running', pid });
    expect(await seen(203)).toBe(`started@${node}`);
  });

  it('are not backed up in mode stop, but in the others', async () => {
    const node = scene.lab.guests.nodeOf(203)!;
    const dump = (mode: string) =>
      scene.data('POST', `/nodes/${node}/vzdump`, { vmid: 203, storage: 'shared', mode });
    const refused = String(await dump('stop'));
    expect(await scene.lab.tasks.wait(refused)).toBe('job errors');
    expect(scene.lab.tasks.lines(refused)!.join()).toContain('on a HA managed and enabled Service');
    expect(await scene.lab.tasks.wait(String(await dump('snapshot')))).toBe('OK');
    expect(await seen(203)).toBe(`started@${node}`);
  });

  it('cannot be changed without quorum', async () => {
    await scene.lab.network.partition('pve1');
    await scene.lab.membership.refresh();
    try {
      await expect(manage(204)).rejects.toThrow('500 cluster not ready - no quorum?');
      await expect(scene.data('DELETE', '/cluster/ha/rules/home')).rejects.toThrow(
        "delete ha rule failed: cfs-lock 'domain-ha' error: no quorum!",
      );
      expect((await scene.data('GET', '/cluster/ha/status/current')) as unknown[]).toContainEqual(
        expect.objectContaining({ id: 'quorum', quorate: 0, status: "No quorum on node 'pve1'!" }),
      );
    } finally {
      await scene.lab.network.heal('pve1');
      await scene.lab.membership.refresh();
    }
  });

  it("stay as they are while HA is disarmed, and are nobody's when it ignores them", async () => {
    await make(209, 'pve2');
    await manage(209);
    await until(209, 'started@pve2');
    const fencing = async () => {
      const all = (await scene.data('GET', '/cluster/ha/status/current')) as Record<string, string>[];
      return all.find(({ type }) => type === 'fencing')!.status;
    };
    expect(
      await scene.data('POST', '/cluster/ha/status/disarm-ha', { 'resource-mode': 'freeze' }),
    ).toBeNull();
    await until(209, 'freeze@pve2');
    expect(await fencing()).toBe('disarmed, resource mode: freeze (CRM watchdog released)');
    expect(await scene.data('POST', '/cluster/ha/status/arm-ha')).toBeNull();
    await until(209, 'started@pve2');
    await scene.data('POST', '/cluster/ha/status/disarm-ha', { 'resource-mode': 'ignore' });
    await until(209, 'ignore@pve2');
    expect(String(await scene.data('POST', '/nodes/pve2/lxc/209/status/stop'))).toContain(':vzstop:209:');
    await scene.data('POST', '/cluster/ha/status/arm-ha');
    await until(209, 'started@pve2');
    expect(await fencing()).toBe('armed (CRM watchdog active)');
  });
});
