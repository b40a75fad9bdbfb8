import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Cgroups } from './cgroup.ts';

// Folders that look as the kernel's: what it would answer to a write is tried by the runtime's own tests, on whatever
// layout the machine has.
let folder: TempDir;
let put: (path: string, text: string) => Promise<void>;
let text: (path: string) => Promise<string>;
beforeEach(async () => {
  folder = await tempDir('cgroup');
  put = async (path, content) => {
    await mkdir(dirname(join(folder.path, path)), { recursive: true });
    await writeFile(join(folder.path, path), content);
  };
  text = (path) => readFile(join(folder.path, path), 'utf8');
});
afterEach(() => folder.remove());

const LIMITS = { memoryMb: 512, swapMb: 128, cores: 2 };
const MIB = 1024 * 1024;

describe('control groups of the one hierarchy (v2)', () => {
  let groups: Cgroups;
  beforeEach(async () => {
    await put('cgroup.controllers', 'cpu memory\n');
    groups = new Cgroups('lab', folder.path);
  });

  it('a container’s processes stand in its group and below it', async () => {
    await put('lab/pve1/101/cgroup.procs', '');
    await put('lab/pve1/101/init.scope/cgroup.procs', '4000001\n4000002\n');
    await put('lab/pve1/101.monitor/cgroup.procs', '4000000\n');
    await put('lab/pve1/102/cgroup.procs', '');
    expect(groups.living('pve1')).toEqual([101]);
    expect(groups.known('pve1')).toEqual([101, 102]);
    expect(groups.processes('pve1', 101)).toEqual([4000001, 4000002]);
    expect(groups.monitors('pve1', 101)).toEqual([4000000]);
    expect(groups.monitorProcesses('pve1', '%')).toBe(join(folder.path, 'lab/pve1/%.monitor/cgroup.procs'));
    expect(groups.living('pve2')).toEqual([]);
  });

  it('limits are set for LXC, and while it runs', async () => {
    expect(groups.limitLines(LIMITS)).toEqual([
      `lxc.cgroup2.memory.max = ${512 * MIB}`,
      `lxc.cgroup2.memory.swap.max = ${128 * MIB}`,
      'lxc.cgroup2.cpu.max = 200000 100000',
    ]);
    await mkdir(join(folder.path, 'lab/pve1/101'), { recursive: true });
    groups.setLimits('pve1', 101, { ...LIMITS, cores: null });
    expect(await text('lab/pve1/101/cpu.max')).toBe('max 100000');
    expect(await text('lab/pve1/101/memory.max')).toBe(String(512 * MIB));
  });

  it('counts and freezing are read where this layout has them', async () => {
    await put('lab/pve1/101/memory.current', '3000\n');
    await put('lab/pve1/101/memory.stat', 'anon 1\ninactive_file 1000\n');
    await put('lab/pve1/101/memory.swap.current', '7\n');
    await put('lab/pve1/101/cpu.stat', 'usage_usec 2500000\nuser_usec 1\n');
    await put('lab/pve1/101/cgroup.events', 'populated 1\nfrozen 1\n');
    expect(groups.counters('pve1', 101)).toEqual({ memory: 2000, swap: 7, cpuSeconds: 2.5 });
    expect(groups.isFrozen('pve1', 101)).toBe(true);
    groups.thaw('pve1', 101);
    expect(await text('lab/pve1/101/cgroup.freeze')).toBe('0');
  });

  it('what LXC left is removed', async () => {
    for (const path of ['lab/pve1/101/init.scope', 'lab/pve1/101.monitor', 'lab/pve1/102'])
      await mkdir(join(folder.path, path), { recursive: true });
    groups.clear('pve1', 101);
    expect(groups.known('pve1')).toEqual([102]);
    groups.clearLab();
    expect(existsSync(join(folder.path, 'lab'))).toBe(false);
  });
});

describe('control groups of one hierarchy for each controller (v1)', () => {
  it('are found in that of their controller', async () => {
    await put('freezer/lab/pve1/101/cgroup.procs', '4000001\n');
    await put('freezer/lab/pve1/101/freezer.state', 'FREEZING\n');
    await put('memory/lab/pve1/101/memory.usage_in_bytes', '3000\n');
    await put('memory/lab/pve1/101/memory.stat', 'total_inactive_file 1000\ntotal_swap 7\n');
    await put('cpuacct/lab/pve1/101/cpuacct.usage', '2500000000\n');
    await mkdir(join(folder.path, 'cpu/lab/pve1/101'), { recursive: true });
    const groups = new Cgroups('lab', folder.path);
    expect(groups.living('pve1')).toEqual([101]);
    expect(groups.isFrozen('pve1', 101)).toBe(true);
    expect(groups.counters('pve1', 101)).toEqual({ memory: 2000, swap: 7, cpuSeconds: 2.5 });
    groups.setLimits('pve1', 101, LIMITS);
    expect(await text('memory/lab/pve1/101/memory.memsw.limit_in_bytes')).toBe(String(640 * MIB));
    expect(await text('cpu/lab/pve1/101/cpu.cfs_quota_us')).toBe('200000');
  });
});
