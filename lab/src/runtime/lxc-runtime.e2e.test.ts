import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RuntimeFailure } from '../ports.ts';
import { BtrfsStore } from '../storage/btrfs-store.ts';
import { LxcRuntime } from './lxc-runtime.ts';
import { execute, type RuntimeBench, runtimeContract, specOf } from './runtime.contract.ts';

const SHIFT = 100_000;

/** Two nodes as bare namespaces with one bridge, and containers of Debian with systemd as the templates are built. */
async function lxcBench(): Promise<RuntimeBench & { runtime(): LxcRuntime; id: string }> {
  const id = `psat${randomBytes(3).toString('hex')}`;
  const nodes = ['pve1', 'pve2'];
  const folder = await tempDir('lxc');
  await chmod(folder.path, 0o711);
  const store = new BtrfsStore({
    folder: folder.path,
    nodes,
    storages: [{ name: 'shared', shared: true, sizeBytes: 8 * 1024 ** 3 }],
  });
  const runtime = () =>
    new LxcRuntime({
      lab: id,
      folder: join(folder.path, 'lxc'),
      network: {
        attachment: (node, bridge, vlan) => {
          if (bridge !== 'vmbr0') throw new RuntimeFailure(`bridge '${bridge}' does not exist`);
          return { namespace: `${id}-${node}`, link: `vmbr0v${vlan}` };
        },
      },
      namespaceOf: (node) => `${id}-${node}`,
    });
  const close = async () => {
    for (const node of nodes) {
      await runtime().killNode(node);
      execFileSync('ip', ['netns', 'delete', `${id}-${node}`]);
    }
    await store.close({ remove: true });
    await folder.remove();
  };
  for (const node of nodes) {
    const namespace = `${id}-${node}`;
    execFileSync('ip', ['netns', 'add', namespace]);
    const ip = (...args: string[]) => execFileSync('ip', ['-n', namespace, ...args]);
    ip('link', 'add', 'vmbr0v20', 'type', 'bridge');
    ip('address', 'add', '10.0.20.1/24', 'dev', 'vmbr0v20');
    ip('link', 'set', 'vmbr0v20', 'up');
  }
  try {
    await store.open();
    const archive = join(await store.folder('pve1', 'shared', 'vztmpl'), 'minbase.tar');
    const packages = '--include=systemd,systemd-sysv,dbus,ifupdown,iproute2';
    execFileSync('mmdebstrap', ['--variant=minbase', packages, 'bookworm', archive], { stdio: 'pipe' });
    return {
      id,
      runtime,
      close,
      rootfs: async (vmid) => {
        const volume = { storage: 'shared', name: `vm-${vmid}-disk-0` };
        await store.create('pve1', volume, { archive, unprivileged: true, sizeBytes: 1024 ** 3 });
        return store.path('pve1', volume);
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

describe('LxcRuntime', () => {
  let bench: Awaited<ReturnType<typeof lxcBench>>;
  beforeAll(async () => {
    bench = await lxcBench();
  });
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
      const quota = join('/sys/fs/cgroup/cpu', bench.id, 'pve1/110/cpu.cfs_quota_us');
      expect(await readFile(quota, 'utf8')).toBe('100000\n');
    });

    it('its root is nobody outside, its environment clean, a signal its exit code', async () => {
      const { pid } = await runtime.state('pve1', 110);
      expect(await readFile(`/proc/${pid}/status`, 'utf8')).toContain(`Uid:\t${SHIFT}\t`);
      process.env['PSA_TEST_LEAK'] = 'yes';
      expect((await run('env')).stdout).not.toContain('PSA_TEST_LEAK');
      expect((await run('kill -9 $$')).code).toBe(137);
      expect((await run('kill -TERM $$')).code).toBe(143);
    });

    it('its cards are on the bridges of its node, routes and machine id its own', async () => {
      expect((await runtime.interfaces('pve1', 110)).map(({ name }) => name)).toEqual(['lo', 'eth0', 'eth1']);
      expect((await run('ip route')).stdout).toMatch(/^default via 10\.0\.20\.1 dev eth0/);
      // The bridge's own address answers, if only to refuse.
      const reached = await execute(runtime, ['pve1', 110], ['bash', '-c', '</dev/tcp/10.0.20.1/1']);
      expect(reached.stderr).toContain('Connection refused');
      expect((await run('cat /etc/machine-id')).stdout).toMatch(/^[0-9a-f]{32}\n$/);
    });

    it('one whose monitor was killed runs on, is seen, and can be started anew', async () => {
      const monitors = await readFile(
        `/sys/fs/cgroup/freezer/${bench.id}/pve1/110.monitor/cgroup.procs`,
        'utf8',
      );
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
