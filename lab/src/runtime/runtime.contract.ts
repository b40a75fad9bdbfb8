import { mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { ContainerRuntime, RunSpec } from '../ports.ts';

/** A place to run containers in: nodes `pve1` and `pve2`, a bridge `vmbr0` that carries VLAN 20. */
export interface RuntimeBench {
  /** Another one on the same machine and folder, as after a crash of the daemon. */
  runtime(): ContainerRuntime;
  /** A root file system of its own. */
  rootfs(id: number): Promise<string>;
  close(): Promise<void>;
}

/** What a program in a container said and how it ended. */
export async function execute(
  runtime: ContainerRuntime,
  [node, id]: readonly [string, number],
  argv: readonly string[],
  stdin?: string | Buffer,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const said = Promise.all([text(stdout), text(stderr)]);
  const input = stdin === undefined ? {} : { stdin: Readable.from([Buffer.from(stdin)]) };
  const code = await runtime.exec(node, id, argv, { ...input, stdout, stderr });
  stdout.end();
  stderr.end();
  const [out, err] = await said;
  return { code, stdout: out, stderr: err };
}

/** A container with a card in VLAN 20. */
export function specOf(node: string, id: number, rootfs: string, more: Partial<RunSpec> = {}): RunSpec {
  return {
    id,
    node,
    hostname: `ct${id}`,
    searchDomain: 'psa.internal',
    nameservers: ['10.0.20.1'],
    rootfs,
    unprivileged: true,
    nesting: true,
    cards: [
      {
        name: 'eth0',
        hwaddr: `BC:24:11:00:01:${String(id % 100).padStart(2, '0')}`,
        bridge: 'vmbr0',
        vlan: 20,
        address: `10.0.20.${id % 256}/24`,
        gateway: '10.0.20.1',
      },
    ],
    limits: { memoryMb: 256, swapMb: 0, cores: 1 },
    ...more,
  };
}

/** What every runtime must do. */
export function runtimeContract(make: () => Promise<RuntimeBench>): void {
  let bench: RuntimeBench;
  let runtime: ContainerRuntime;
  let roots: { 101: string; 102: string; 201: string };

  beforeAll(async () => {
    bench = await make();
    roots = { 101: await bench.rootfs(101), 102: await bench.rootfs(102), 201: await bench.rootfs(201) };
    runtime = bench.runtime();
  });
  beforeEach(async () => {
    await runtime.killNode('pve1');
    await runtime.killNode('pve2');
  });
  afterAll(() => bench?.close());

  const start = (node: string, id: keyof typeof roots) => runtime.start(specOf(node, id, roots[id]));
  const run = (argv: readonly string[], stdin?: string) => execute(runtime, ['pve1', 101], argv, stdin);
  const stateOf = async (node: string, id: number) => (await runtime.state(node, id)).state;

  it('boots, once, and is seen by another one that comes after', async () => {
    expect(await stateOf('pve1', 101)).toBe('stopped');
    await start('pve1', 101);
    const state = await runtime.state('pve1', 101);
    expect(state.state).toBe('running');
    expect(state.uptime).toBeLessThan(30);
    expect(state.memory).toBeGreaterThan(0);
    await expect(start('pve1', 101)).rejects.toThrow('CT 101 already running');
    const other = bench.runtime();
    expect(await other.running('pve1')).toEqual([101]);
    expect(await other.running('pve2')).toEqual([]);
    expect((await execute(other, ['pve1', 101], ['hostname'])).stdout).toBe('ct101\n');
  });

  it('runs programs: exit code, standard streams apart, input, no shell in between', async () => {
    await start('pve1', 101);
    expect(await run(['true'])).toEqual({ code: 0, stdout: '', stderr: '' });
    expect((await run(['false'])).code).toBe(1);
    expect(await run(['sh', '-c', 'echo out; echo err >&2; exit 7'])).toEqual({
      code: 7,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect((await run(['cat'], "it's $HOME\n")).stdout).toBe("it's $HOME\n");
    expect((await run(['echo', '$HOME;', 'a b'])).stdout).toBe('$HOME; a b\n');
    const long = 'x'.repeat(300_000);
    expect((await run(['cat'], long)).stdout).toBe(long);
    expect((await run(['true'], long)).code).toBe(0);
    expect((await run(['psa-no-such-program'])).code).toBe(127);
  });

  it('what stands in its files stays when it stops, and is its own', async () => {
    await start('pve1', 101);
    await start('pve1', 102);
    await run(['sh', '-c', 'cat > /etc/kept'], 'kept\n');
    expect((await execute(runtime, ['pve1', 102], ['cat', '/etc/kept'])).code).toBe(1);
    await runtime.stop('pve1', 101);
    expect(await stateOf('pve1', 101)).toBe('stopped');
    await expect(run(['true'])).rejects.toThrow("container '101' not running!");
    await start('pve1', 101);
    expect((await run(['cat', '/etc/kept'])).stdout).toBe('kept\n');
  });

  it('knows its name, its network and its servers for names', async () => {
    await start('pve1', 101);
    expect(await readFile(join(roots[101], 'etc/hostname'), 'utf8')).toBe('ct101\n');
    expect((await run(['cat', '/etc/hosts'])).stdout).toContain('10.0.20.101 ct101.psa.internal ct101\n');
    expect((await run(['cat', '/etc/resolv.conf'])).stdout).toContain(
      'search psa.internal\nnameserver 10.0.20.1\n',
    );
    // The container sets its own addresses while it boots.
    await expect
      .poll(() => runtime.interfaces('pve1', 101), { timeout: 30_000 })
      .toEqual(
        expect.arrayContaining([
          { name: 'lo', hwaddr: '00:00:00:00:00:00', inet: '127.0.0.1/8' },
          { name: 'eth0', hwaddr: 'bc:24:11:00:01:01', inet: '10.0.20.101/24' },
        ]),
      );
  });

  it('does not start on a bridge that is not there, and leaves nothing running', async () => {
    const [card] = specOf('pve1', 101, roots[101]).cards;
    const cards = [{ ...card!, bridge: 'vmbr9' }];
    await expect(runtime.start(specOf('pve1', 101, roots[101], { cards }))).rejects.toThrow('vmbr9');
    expect(await stateOf('pve1', 101)).toBe('stopped');
    await start('pve1', 101);
  });

  it('one whose init ends at once has started all the same, and then does not run', async () => {
    const init = join(roots[102], 'sbin/init');
    await mkdir(join(roots[102], 'sbin'), { recursive: true });
    await rename(init, `${init}.kept`).catch(() => {});
    await symlink('/bin/false', init);
    try {
      await start('pve1', 102);
      await expect.poll(() => stateOf('pve1', 102), { timeout: 10_000 }).toBe('stopped');
      expect(await runtime.running('pve1')).toEqual([]);
    } finally {
      await rm(init);
      await rename(`${init}.kept`, init).catch(() => {});
    }
    await start('pve1', 102);
    expect(await stateOf('pve1', 102)).toBe('running');
  });

  it('stops when asked, at once, and when it is not running', async () => {
    await start('pve1', 101);
    // Init takes the wish when it has set itself up.
    await expect
      .poll(async () => (await run(['systemctl', 'is-system-running'])).stdout, { timeout: 60_000 })
      .toMatch(/running|degraded/);
    await runtime.shutdown('pve1', 101, 30_000);
    expect(await stateOf('pve1', 101)).toBe('stopped');
    await runtime.shutdown('pve1', 101, 1_000);
    await runtime.stop('pve1', 101);
    expect(await runtime.running('pve1')).toEqual([]);
  });

  it('freezes and goes on; a frozen one can be stopped', async () => {
    await start('pve1', 101);
    await runtime.freeze('pve1', 101);
    expect(await stateOf('pve1', 101)).toBe('frozen');
    expect(await runtime.running('pve1')).toEqual([101]);
    await runtime.unfreeze('pve1', 101);
    expect((await run(['echo', 'on'])).stdout).toBe('on\n');
    await runtime.freeze('pve1', 101);
    await runtime.stop('pve1', 101);
    expect(await stateOf('pve1', 101)).toBe('stopped');
    await expect(runtime.freeze('pve1', 101)).rejects.toThrow('not running');
  });

  it('a node that loses its power takes all of its own and nothing else', async () => {
    await Promise.all([start('pve1', 101), start('pve1', 102), start('pve2', 201)]);
    await runtime.freeze('pve1', 102);
    await runtime.killNode('pve1');
    expect(await runtime.running('pve1')).toEqual([]);
    expect(await runtime.running('pve2')).toEqual([201]);
    // Elsewhere it comes up again, from the same disk.
    await runtime.start(specOf('pve2', 101, roots[101]));
    expect(await runtime.running('pve2')).toEqual([101, 201]);
  });

  it('takes other limits while it runs', async () => {
    await start('pve1', 101);
    await runtime.setLimits('pve1', 101, { memoryMb: 512, swapMb: 128, cores: 2 });
    await runtime.setLimits('pve1', 101, { memoryMb: 128, swapMb: 0, cores: null });
    await runtime.stop('pve1', 101);
    await expect(runtime.setLimits('pve1', 101, { memoryMb: 512, swapMb: 128, cores: 2 })).rejects.toThrow(
      'not running',
    );
  });
}
