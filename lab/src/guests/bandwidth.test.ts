import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiBench, ROOT } from '../api/bench.test-helper.ts';
import { bandwidthLimit, type Transfer } from './bandwidth.ts';

let bench: ApiBench;
beforeAll(async () => {
  bench = await ApiBench.open();
  const { storages } = bench.lab;
  const fast = { type: 'dir', path: '/fast', content: 'rootdir' };
  storages.change('slow', { ...fast, bwlimit: 'migration=100,default=200' });
  storages.change('fast', fast);
  const dc = { bwlimit: 'migration=50,clone=70' };
  await bench.data('PUT', '/cluster/options', dc, { as: ROOT });
});
afterAll(() => bench.close());

describe('bandwidth (PVE::Storage, get_bandwidth_limit)', () => {
  it.each<[Transfer, readonly string[], number | null, readonly string[], number | null]>([
    ['migration', ['slow'], null, [], 100],
    ['move', ['slow'], null, [], 200],
    // One without a limit brings the cluster's in.
    ['migration', ['slow', 'fast'], null, [], 50],
    ['restore', ['fast'], null, [], null],
    // A wish below the limit counts, above it only for who may change it; 0 is no limit of its own.
    ['migration', ['slow'], 30, [], 30],
    ['migration', ['slow'], 500, [], 100],
    ['migration', ['slow'], 0, [], 100],
    ['migration', ['slow'], 500, ['/storage'], 500],
    ['migration', ['slow', 'fast'], 500, ['/storage/slow', '/storage/fast'], 500],
    ['migration', ['fast'], 500, ['/'], 500],
    ['migration', ['slow', 'fast'], 500, ['/'], 100],
    // Rights alone lift nothing.
    ['migration', ['slow'], null, ['/storage', '/'], 100],
  ])('%s on %j, wished for %s with rights on %j: %s', (transfer, storages, kib, paths, wanted) => {
    const may = (path: string) => paths.includes(path);
    expect(bandwidthLimit(bench.lab, transfer, storages, { kib, may })).toBe(wanted);
  });

  it('is told by a move, whose volume keeps its name where it may', async () => {
    await bench.create('pve1', 101, { rootfs: 'local-lvm:1' });
    const upid = await bench.data<string>(
      ...(['POST', '/nodes/pve1/lxc/101/migrate', { target: 'pve2', bwlimit: 1000 }, { as: ROOT }] as const),
    );
    expect(await bench.lab.tasks.wait(upid)).toBe('OK');
    expect(bench.lab.tasks.lines(upid)!.join('\n')).toMatch(
      /using a bandwidth limit of 1024000 bytes per second for transferring 'local-lvm:vm-101-disk-0'\n.*volume 'local-lvm:vm-101-disk-0' is 'local-lvm:vm-101-disk-0' on the target/,
    );
  });
});
