import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeInside } from './inside.ts';
import { type LxcBench, lxcBench } from './lxc-bench.test-helper.ts';
import type { LxcRuntime } from './lxc-runtime.ts';
import { MINBASE_MS } from './minbase.test-helper.ts';
import { execute, runtimeContract, specOf } from './runtime.contract.ts';

const SHIFT = 100_000;
describe('LxcRuntime', () => {
  let bench: LxcBench;
  beforeAll(async () => {
    bench = await lxcBench();
  }, MINBASE_MS);
  afterAll(() => bench?.close());

  describe('as every runtime', () => runtimeContract(async () => ({ ...bench, close: async () => {} })));

  describe('the container is a container', () => {
    let runtime: LxcRuntime;
    const run = (script: string) => execute(runtime, ['pve1', 110], ['sh', '-c', script]);
    beforeAll(async () => {
      runtime = bench.runtime();
      const spec = specOf('pve1', 110, await bench.rootfs(110));
      const second = {
        ...spec.cards[0]!,
        name: 'eth1',
        hwaddr: 'BC:24:11:00:02:10',
        address: null,
        gateway: null,
      };
      await runtime.start({
        ...spec,
        cards: [...spec.cards, second],
        limits: { memoryMb: 96, swapMb: 0, cores: 1 },
      });
    });

    it('systemd comes up whole, within its limits', async () => {
      const state = 'systemctl is-system-running --wait; systemctl --failed --no-legend';
      await expect.poll(async () => (await run(state)).stdout, { timeout: 60_000 }).toBe('running\n');
      // More memory than it has: the kernel ends the program, and the container lives on.
      expect((await run('head -c 300M /dev/zero | tail -c 300M >/dev/null')).code).not.toBe(0);
      expect((await run('echo alive')).stdout).toBe('alive\n');
      const isUnified = existsSync('/sys/fs/cgroup/cgroup.controllers');
      const quota = isUnified ? 'cpu.max' : 'cpu.cfs_quota_us';
      const group = join('/sys/fs/cgroup', isUnified ? '' : 'cpu', bench.lab, 'pve1/110');
      expect(await readFile(join(group, quota), 'utf8')).toMatch(/^100000( 100000)?\n$/);
    });

    it('its root is nobody outside, its environment clean, a signal its exit code', async () => {
      const { pid } = await runtime.state('pve1', 110);
      expect(await readFile(`/proc/${pid}/status`, 'utf8')).toContain(`Uid:\t${SHIFT}\t`);
      process.env.PSA_TEST_LEAK = 'yes';
      expect((await run('env')).stdout).not.toContain('PSA_TEST_LEAK');
      expect((await run('kill -9 $$')).code).toBe(137);
      expect((await run('kill -TERM $$')).code).toBe(143);
    });

    it('its cards are on the bridges of its node, routes and machine id its own', async () => {
      expect((await runtime.interfaces('pve1', 110)).map(({ name }) => name)).toEqual(['lo', 'eth0', 'eth1']);
      expect((await run('ip route')).stdout).toMatch(/^default via 10\.0\.20\.1 dev eth0/);
      expect((await run('ip -br link show eth1')).stdout).toMatch(/^eth1\S* +UP/);
      // The bridge's own address answers, if only to refuse.
      const reached = await execute(runtime, ['pve1', 110], ['bash', '-c', '</dev/tcp/10.0.20.1/1']);
      expect(reached.stderr).toContain('Connection refused');
      expect((await run('cat /etc/machine-id')).stdout).toMatch(/^[0-9a-f]{32}\n$/);
    });

    it('without a machine-id it boots as a new machine: units start by themselves unless a preset says no', async () => {
      const unit =
        '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=true\n[Install]\nWantedBy=multi-user.target\n';
      const boot = async (id: number, preset: string | null) => {
        const rootfs = await bench.rootfs(id);
        await writeInside(rootfs, 'etc/systemd/system/data.service', unit);
        if (preset !== null) await writeInside(rootfs, 'etc/systemd/system-preset/00-psa.preset', preset);
        await runtime.forgetMachine(rootfs, 'template');
        await runtime.start(specOf('pve1', id, rootfs));
        return rootfs;
      };
      const inside = async (id: number, script: string) =>
        (await execute(runtime, ['pve1', id], ['sh', '-c', script])).stdout;
      const up = (id: number) =>
        expect
          .poll(() => inside(id, 'systemctl is-system-running --wait'), { timeout: 60_000 })
          .toBe('running\n');
      await boot(120, null);
      const rootfs = await boot(121, 'enable networking.service\ndisable *\n');
      await Promise.all([up(120), up(121)]);
      expect(await inside(120, 'systemctl is-active data networking')).toBe('active\nactive\n');
      expect(await inside(121, 'systemctl is-active data networking')).toBe('inactive\nactive\n');
      // It is a new machine once: what is enabled later stays so, and its id too.
      const id = await inside(121, 'systemctl enable --quiet data; cat /etc/machine-id');
      expect(id).toMatch(/^[0-9a-f]{32}\n$/);
      await runtime.stop('pve1', 121);
      await runtime.start(specOf('pve1', 121, rootfs));
      await up(121);
      expect(await inside(121, 'systemctl is-active data; cat /etc/machine-id')).toBe(`active\n${id}`);
      for (const one of [120, 121]) await runtime.stop('pve1', one);
    });

    it('one whose monitor was killed runs on, is seen, and can be started anew', async () => {
      const monitors = await readFile(runtime.direct('pve1').probe.replace('%', '110'), 'utf8');
      process.kill(Number(monitors), 'SIGKILL');
      expect(await runtime.running('pve1')).toEqual([110]);
      await runtime.start(specOf('pve1', 110, await bench.rootfs(111)));
      expect((await run('hostname')).stdout).toBe('ct110\n');
    });

    it('does not write through a link that the container laid', async () => {
      const rootfs = await bench.rootfs(112);
      execFileSync('rm', ['-r', join(rootfs, 'etc/network')]);
      execFileSync('ln', ['-s', '/tmp', join(rootfs, 'etc/network')]);
      await expect(runtime.start(specOf('pve1', 112, rootfs))).rejects.toThrow("'network' is no folder");
    });
  });
});
