import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VolumeId, VolumeStore } from '../ports.ts';
import type { StoreOptions } from './layout.ts';

const MIB = 1024 * 1024;

/** A store that is open, and how to open another one on the same folder, as after a crash. */
export interface OpenStore extends VolumeStore {
  open(): Promise<void>;
  close(options?: { readonly remove: boolean }): Promise<void>;
}

/** What every store must do. `owner` is the user that a file of root in an unprivileged container belongs to. */
export function storeContract(make: (options: StoreOptions) => OpenStore, owner: number): void {
  let folder: TempDir;
  let store: OpenStore;
  const options = (): StoreOptions => ({
    folder: folder.path,
    nodes: ['pve1', 'pve2'],
    storages: [
      { name: 'local', shared: false, sizeBytes: 256 * MIB },
      { name: 'local-lvm', shared: false, sizeBytes: 512 * MIB },
      { name: 'shared', shared: true, sizeBytes: 512 * MIB },
    ],
  });
  const volume = (id: number, storage = 'local-lvm'): VolumeId => ({ storage, name: `vm-${id}-disk-0` });
  const empty = { archive: null, unprivileged: true, sizeBytes: 64 * MIB };
  const root = async (node: string, of: VolumeId) => store.path(node, of);
  const write = async (of: VolumeId, text: string) => writeFile(join(await root('pve1', of), 'data'), text);
  const read = async (of: VolumeId) => readFile(join(await root('pve1', of), 'data'), 'utf8');

  beforeAll(async () => {
    folder = await tempDir('store');
    execFileSync('chmod', ['711', folder.path]);
    store = make(options());
    await store.open();
  });
  afterAll(async () => {
    await store.close({ remove: true });
    await folder.remove();
  });

  /** A template as it comes from `mmdebstrap`: with devices, another owner, and modes. */
  async function template(name: string, node = 'pve1', storage = 'local'): Promise<string> {
    const cache = await store.folder(node, storage, 'vztmpl');
    const source = join(folder.path, 'source');
    await mkdir(join(source, 'etc'), { recursive: true });
    await mkdir(join(source, 'dev'), { recursive: true });
    await writeFile(join(source, 'etc/secret'), 'for the service', { mode: 0o640 });
    await writeFile(join(source, 'dev/no-device'), '');
    const archive = join(cache, name);
    execFileSync('tar', ['-cf', archive, '--zstd', '--owner=990', '--group=0', '-C', source, '.']);
    return archive;
  }

  it('lays files out as Proxmox VE does, each node its own where the storage is local', async () => {
    expect(await store.folder('pve1', 'local', 'vztmpl')).toMatch(/template\/cache$/);
    expect(await store.folder('pve1', 'local', 'backup')).toMatch(/dump$/);
    expect(await store.folder('pve1', 'local', 'backup')).not.toBe(
      await store.folder('pve2', 'local', 'backup'),
    );
    expect(await store.folder('pve1', 'shared', 'vztmpl')).toBe(
      await store.folder('pve2', 'shared', 'vztmpl'),
    );
    await expect(store.folder('pve1', 'nope', 'iso')).rejects.toThrow("storage 'nope' does not exist");
    await expect(store.folder('pve9', 'local', 'iso')).rejects.toThrow(
      "storage 'local' is not available on node 'pve9'",
    );
  });

  it('makes a container from a template: owners of its own, modes kept, no devices', async () => {
    const archive = await template('psa.tar.zst');
    const size = { archive, unprivileged: true, sizeBytes: 64 * MIB };
    // At once, as an apply does it; the second pair finds what the first one unpacked.
    await Promise.all([store.create('pve1', volume(101), size), store.create('pve1', volume(102), size)]);
    await store.create('pve2', volume(103), size);
    await store.create('pve1', volume(104, 'shared'), size);
    const path = await root('pve1', volume(101));
    const [mode, user] = execFileSync('stat', ['-c', '%a %u', join(path, 'etc/secret')], { encoding: 'utf8' })
      .trim()
      .split(' ');
    expect([mode, Number(user)]).toEqual(['640', owner === 0 ? process.getuid!() : owner + 990]);
    expect(execFileSync('ls', [join(path, 'dev')], { encoding: 'utf8' })).toBe('');
    await write(volume(101), 'mine');
    expect(await store.exists('pve1', volume(102))).toBe(true);
    await expect(read(volume(102))).rejects.toThrow('ENOENT');
    expect(await root('pve1', volume(104, 'shared'))).toBe(await root('pve2', volume(104, 'shared')));
    await expect(root('pve2', volume(101))).rejects.toThrow(
      "volume 'local-lvm:vm-101-disk-0' does not exist",
    );
    await expect(store.create('pve1', volume(101), size)).rejects.toThrow('already exists');
  });

  it('takes another archive under the same name for what it is', async () => {
    const archive = await template('changing.tar.zst');
    await store.create('pve1', volume(110), { ...empty, archive });
    execFileSync('tar', ['-cf', archive, '--zstd', '-C', folder.path, '--exclude=source/dev', 'source']);
    await store.create('pve1', volume(111), { ...empty, archive });
    expect(execFileSync('ls', [await root('pve1', volume(111))], { encoding: 'utf8' }).trim()).toBe('source');
  });

  it('a broken archive leaves nothing', async () => {
    const archive = join(await store.folder('pve1', 'local', 'vztmpl'), 'broken.tar.zst');
    await writeFile(archive, 'no archive');
    await expect(store.create('pve1', volume(112), { ...empty, archive })).rejects.toThrow(
      'Unable to unpack',
    );
    expect(await store.exists('pve1', volume(112))).toBe(false);
    await expect(
      store.create('pve1', volume(112), { ...empty, archive: join(folder.path, 'gone.tar') }),
    ).rejects.toThrow('gone.tar');
  });

  it('snapshots: back to what it was, as often as wanted', async () => {
    const of = volume(120);
    await store.create('pve1', of, empty);
    await write(of, 'before');
    await store.snapshot('pve1', of, 'one');
    await write(of, 'after');
    await store.rollback('pve1', of, 'one');
    expect(await read(of)).toBe('before');
    await write(of, 'again');
    await store.rollback('pve1', of, 'one');
    expect(await read(of)).toBe('before');
    await store.removeSnapshot('pve1', of, 'one');
    await expect(store.rollback('pve1', of, 'one')).rejects.toThrow("snapshot 'one' does not exist");
    expect(await read(of)).toBe('before');
  });

  it('copies on one storage, to another and to another node', async () => {
    const of = volume(130);
    await store.create('pve1', of, { ...empty, sizeBytes: 32 * MIB });
    await write(of, 'to be copied');
    const targets = [
      { node: 'pve1', volume: volume(131) },
      { node: 'pve1', volume: volume(132, 'shared') },
      { node: 'pve2', volume: volume(133) },
    ];
    for (const to of targets) {
      await store.copy({ node: 'pve1', volume: of }, to);
      expect(await readFile(join(await store.path(to.node, to.volume), 'data'), 'utf8')).toBe('to be copied');
      expect((await store.usage(to.node, to.volume)).size).toBe(32 * MIB);
    }
    await write(of, 'changed');
    expect(await readFile(join(await root('pve1', volume(131)), 'data'), 'utf8')).toBe('to be copied');
  });

  it('packs with the ids of the container, and unpacks that again', async () => {
    const of = volume(140);
    await store.create('pve1', of, { ...empty, archive: await template('pack.tar.zst') });
    await write(of, 'in the backup');
    await store.snapshot('pve1', of, 'vzdump');
    await write(of, 'too late');
    const archive = join(await store.folder('pve1', 'local', 'backup'), 'vzdump-lxc-140.tar');
    const out = createWriteStream(archive);
    await store.pack('pve1', of, 'vzdump', out, [{ path: 'etc/vzdump/pct.conf', text: 'arch: amd64\n' }]);
    out.end();
    await finished(out);
    const list = execFileSync('tar', ['-tvf', archive, '--numeric-owner'], { encoding: 'utf8' }).split('\n');
    expect(list[0]).toMatch(/\.\/etc\/vzdump\/pct\.conf$/);
    const wanted = owner === 0 ? process.getuid!() : 990;
    expect(list.find((line) => line.endsWith('./etc/secret'))).toContain(` ${wanted}/`);
    await store.create('pve2', volume(141), { ...empty, archive });
    const restored = await store.path('pve2', volume(141));
    expect(await readFile(join(restored, 'data'), 'utf8')).toBe('in the backup');
    expect(await readFile(join(restored, 'etc/vzdump/pct.conf'), 'utf8')).toBe('arch: amd64\n');
  });

  it('packs what is mounted in a volume under its path, and gives each its part back', async () => {
    const [root, data] = [volume(145), { storage: 'shared', name: 'vm-145-disk-1' }];
    await store.create('pve1', root, empty);
    await store.create('pve1', data, empty);
    await write(root, 'root');
    // Ends in zeros, as the archive does.
    await write(data, '\0'.repeat(3 * 512));
    const archive = join(await store.folder('pve1', 'local', 'backup'), 'with-mounts.tar');
    const out = createWriteStream(archive);
    await store.pack('pve1', root, null, out, [], [{ path: 'srv/data', volume: data }]);
    out.end();
    await finished(out);
    const [copy, part] = [volume(146), { storage: 'shared', name: 'vm-146-disk-1' }];
    await store.create('pve1', copy, { ...empty, archive, part: { without: ['srv/data/*'] } });
    await store.create('pve1', part, { ...empty, archive, part: { below: 'srv/data' } });
    expect(await read(copy)).toBe('root');
    expect(await read(part)).toBe('\0'.repeat(3 * 512));
    expect(await readdir(join(await store.path('pve1', copy), 'srv/data'))).toEqual([]);
  });

  it('sizes: what was asked for, and grown', async () => {
    const of = volume(150);
    await store.create('pve1', of, { ...empty, sizeBytes: 16 * MIB });
    expect((await store.usage('pve1', of)).size).toBe(16 * MIB);
    await store.resize('pve1', of, 24 * MIB);
    expect((await store.usage('pve1', of)).size).toBe(24 * MIB);
  });

  it('removes a volume with its snapshots; one that is not there is no fault', async () => {
    const of = volume(160);
    await store.create('pve1', of, empty);
    await store.snapshot('pve1', of, 'one');
    expect(await store.list('pve1', 'local-lvm')).toContain('vm-160-disk-0');
    await store.remove('pve1', of);
    await store.remove('pve1', of);
    expect(await store.list('pve1', 'local-lvm')).not.toContain('vm-160-disk-0');
    expect(await store.exists('pve1', of)).toBe(false);
    await store.create('pve1', of, empty);
    await expect(store.rollback('pve1', of, 'one')).rejects.toThrow('does not exist');
  });

  it('fills a storage of one node and empties it', async () => {
    const before = await store.space('pve2', 'local');
    expect(before.used + before.available).toBeLessThanOrEqual(before.total);
    await store.fill('pve2', 'local', 0.9);
    const full = await store.space('pve2', 'local');
    expect(full.used / full.total).toBeGreaterThan(0.75);
    expect((await store.space('pve1', 'local')).used).toBeLessThan(full.used);
    await store.fill('pve2', 'local', 0);
    expect((await store.space('pve2', 'local')).used).toBeLessThan(0.5 * before.total);
  });

  it('names do not lead out of the storage', async () => {
    await expect(store.path('pve1', { storage: 'local', name: '../../x' })).rejects.toThrow(
      'unable to parse',
    );
    await expect(store.snapshot('pve1', volume(101), '../x')).rejects.toThrow('unable to parse');
  });

  describe('opened again', () => {
    it('has everything, as another process left it', async () => {
      const of = volume(170);
      await store.create('pve1', of, empty);
      await write(of, 'kept');
      const other = make(options());
      await other.open();
      expect(await readFile(join(await other.path('pve1', of), 'data'), 'utf8')).toBe('kept');
      await store.close();
      await store.open();
      expect(await read(of)).toBe('kept');
    });
  });
}
