import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir } from '@psa/test-kit/temp-dir';
import { RuntimeFailure } from '../ports.ts';
import { BtrfsStore } from '../storage/btrfs-store.ts';
import { LxcRuntime } from './lxc-runtime.ts';
import { minbase } from './minbase.test-helper.ts';
import type { RuntimeBench } from './runtime.contract.ts';

/** Real containers on two nodes that are bare namespaces. */
export interface LxcBench extends RuntimeBench {
  runtime(): LxcRuntime;
  /** Name of the lab: prefix of its namespaces and control groups. */
  readonly lab: string;
  readonly folder: string;
}

/** Two namespaces with one bridge each, and containers of Debian with systemd as the templates are built. */
export async function lxcBench(): Promise<LxcBench> {
  const lab = `psat${randomBytes(3).toString('hex')}`;
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
      lab,
      folder: join(folder.path, 'lxc'),
      network: {
        attachment: (node, bridge, vlan) => {
          if (bridge !== 'vmbr0') throw new RuntimeFailure(`bridge '${bridge}' does not exist`);
          return { namespace: `${lab}-${node}`, link: `vmbr0v${vlan}` };
        },
      },
      namespaceOf: (node) => `${lab}-${node}`,
    });
  const close = async () => {
    for (const node of nodes) {
      await runtime().killNode(node);
      execFileSync('ip', ['netns', 'delete', `${lab}-${node}`]);
    }
    runtime().clear();
    await store.close({ remove: true });
    await folder.remove();
  };
  for (const node of nodes) {
    const namespace = `${lab}-${node}`;
    execFileSync('ip', ['netns', 'add', namespace]);
    const ip = (...args: string[]) => execFileSync('ip', ['-n', namespace, ...args]);
    ip('link', 'set', 'lo', 'up');
    ip('link', 'add', 'vmbr0v20', 'type', 'bridge');
    ip('address', 'add', '10.0.20.1/24', 'dev', 'vmbr0v20');
    ip('link', 'set', 'vmbr0v20', 'up');
  }
  try {
    await store.open();
    const archive = join(await store.folder('pve1', 'shared', 'vztmpl'), 'minbase.tar.zst');
    await copyFile(await minbase(), archive);
    return {
      lab,
      folder: folder.path,
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
