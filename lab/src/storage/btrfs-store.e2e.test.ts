import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir } from '@psa/test-kit/temp-dir';
import { describe, expect, it } from 'vitest';
import { ID_SHIFT } from '../runtime/lxc-config.ts';
import { BtrfsStore } from './btrfs-store.ts';
import { storeContract } from './store.contract.ts';

describe('BtrfsStore', () => {
  storeContract((options) => new BtrfsStore(options), ID_SHIFT);

  it('holds a volume to its size, and finishes what a crash left', async () => {
    const folder = await tempDir('btrfs');
    const storages = [{ name: 'local-lvm', shared: false, sizeBytes: 512 * 1024 ** 2 }];
    const store = new BtrfsStore({ folder: folder.path, nodes: ['pve1'], storages });
    try {
      await store.open();
      const volume = { storage: 'local-lvm', name: 'vm-101-disk-0' };
      await store.create('pve1', volume, { archive: null, unprivileged: true, sizeBytes: 8 * 1024 ** 2 });
      const path = await store.path('pve1', volume);
      const write = (megabytes: number) => {
        execFileSync(
          'dd',
          ['if=/dev/zero', `of=${join(path, 'big')}`, 'bs=1M', `count=${megabytes}`, 'conv=fsync'],
          {
            stdio: 'pipe',
          },
        );
      };
      expect(() => write(16)).toThrow(/Disk quota exceeded/);
      await store.resize('pve1', volume, 64 * 1024 ** 2);
      write(16);
      expect((await store.usage('pve1', volume)).used).toBeGreaterThan(15 * 1024 ** 2);

      // A rollback that ended between its steps, and a creation that ended in the middle.
      const volumes = join(folder.path, 'nodes/pve1/local-lvm/volumes');
      await writeFile(join(path, 'state'), 'new');
      execFileSync('btrfs', ['subvolume', 'snapshot', path, `${path}.next`]);
      execFileSync('btrfs', ['subvolume', 'delete', path]);
      execFileSync('btrfs', ['subvolume', 'create', join(volumes, 'vm-102-disk-0.partial')]);
      await store.open();
      expect(execFileSync('ls', [volumes], { encoding: 'utf8' }).trim()).toBe('vm-101-disk-0');
      expect(execFileSync('cat', [join(path, 'state')], { encoding: 'utf8' })).toBe('new');
    } finally {
      await store.close({ remove: true });
      await folder.remove();
    }
    expect(execFileSync('losetup', ['-l'], { encoding: 'utf8' })).not.toContain(folder.path);
  });

  it('is one file system, also while a container that starts still has a view of it', async () => {
    const folder = await tempDir('btrfs');
    const storages = [{ name: 'local-lvm', shared: false, sizeBytes: 512 * 1024 ** 2 }];
    const store = new BtrfsStore({ folder: folder.path, nodes: ['pve1'], storages });
    await store.open();
    const viewer = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', 'echo; read end'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(viewer, 'exit');
    try {
      await once(viewer.stdout, 'data');
      const volume = { storage: 'local-lvm', name: 'vm-101-disk-0' };
      await store.create('pve1', volume, { archive: null, unprivileged: true, sizeBytes: 8 * 1024 ** 2 });
      await store.close();
      await store.open();
      expect(await stat(await store.path('pve1', volume))).toBeTruthy();
    } finally {
      viewer.stdin.end();
      await ended;
      await store.close({ remove: true });
      await folder.remove();
    }
    expect(execFileSync('losetup', ['-l'], { encoding: 'utf8' })).not.toContain(folder.path);
  });
});
