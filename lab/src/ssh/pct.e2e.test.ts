import { execFile, execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PctShell } from '@psa/proxmox/ssh';
import { freePort } from '@psa/test-kit/free-port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LxcBench, lxcBench } from '../runtime/lxc-bench.test-helper.ts';
import { MINBASE_MS } from '../runtime/minbase.test-helper.ts';
import { specOf } from '../runtime/runtime.contract.ts';
import { NodeSsh } from './node-ssh.ts';
import { type PctGuest, PctServer } from './pct-server.ts';

let bench: LxcBench;
let ssh: NodeSsh;
let server: PctServer;
let shell: PctShell;
let guests: PctGuest[] = [
  { id: 101, hostname: 'ct101', lock: null },
  { id: 102, hostname: 'ct102', lock: 'backup' },
];

beforeAll(async () => {
  bench = await lxcBench();
  const runtime = bench.runtime();
  const socket = join(bench.folder, 'run/pct-pve1.sock');
  const port = await freePort();
  const listen = [
    { address: '127.0.0.1', port, namespace: null },
    { address: '10.0.20.1', port: 22, namespace: `${bench.lab}-pve1` },
  ];
  ssh = new NodeSsh(bench.folder, [{ name: 'pve1', listen, socket, direct: runtime.direct('pve1') }]);
  await ssh.prepare();
  await ssh.start('pve1');
  server = new PctServer({
    node: 'pve1',
    socket,
    runtime,
    cluster: {
      guests: async () => guests,
      unlock: async (_node, id) => {
        guests = guests.map((one) => (one.id === id ? { ...one, lock: null } : one));
      },
      pathOf: async (node, volid) => `/on/${node}/${volid}`,
    },
  });
  await server.listen();
  await runtime.start(specOf('pve1', 101, await bench.rootfs(101)));
  shell = new PctShell({
    nodes: { pve1: { host: '127.0.0.1', port, hostKeyAlias: 'pve1' } },
    knownHosts: ssh.knownHosts,
    identity: ssh.identity,
  });
}, MINBASE_MS);
afterAll(async () => {
  await shell?.close();
  await ssh?.stop('pve1', { sessions: true });
  await server?.close();
  await bench?.close();
});

/** `pct` as somebody types it on the node. */
const pct = async (...args: string[]) =>
  (await promisify(execFile)(join(bench.folder, 'ssh/pve1.bin/pct'), args)).stdout;

describe('pct over ssh, in real containers', () => {
  it('runs programs with their streams and exit codes', async () => {
    expect(
      await shell.exec('pve1', 101, ['sh', '-c', 'echo "out $1"; echo err >&2; exit 7', 'sh', "a 'b'"]),
    ).toEqual({
      code: 7,
      stdout: "out a 'b'\n",
      stderr: 'err\n',
    });
    const big = 'x'.repeat(2_000_000);
    expect((await shell.exec('pve1', 101, ['cat'], { stdin: big })).stdout).toBe(big);
    expect((await shell.exec('pve1', 101, ['hostname'])).stdout).toBe('ct101\n');
    expect((await shell.exec('pve1', 101, ['sh', '-c', 'exit 255'])).code).toBe(255);
  });

  it('gives programs the environment of pct: its PATH, and all that the caller has unless it is told not to', async () => {
    const environment = async (...options: string[]) => {
      const out = await pct('exec', '101', ...options, '--', 'env');
      return Object.fromEntries(out.split('\n').map((line) => line.split('=') as [string, string]));
    };
    process.env.PSA_TEST_LEAK = 'yes';
    const kept = { PATH: '/sbin:/bin:/usr/sbin:/usr/bin', container: 'lxc', PSA_TEST_LEAK: 'yes' };
    expect(await environment()).toMatchObject(kept);
    expect(await environment('--keep-env', '1')).toMatchObject(kept);
    const clean = await environment('--keep-env', '0');
    expect(clean).not.toHaveProperty('PSA_TEST_LEAK');
    expect(clean.PATH).toBe('/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
    await expect(environment('--keep-env=maybe')).rejects.toThrow("keep-env: type check ('boolean') failed");
    // What psactl runs there has none of it.
    const { stdout } = await shell.exec('pve1', 101, ['env']);
    expect(stdout).not.toMatch(/PSA_TEST_LEAK|SSH_CONNECTION/);
  });

  it('does not find the programs of /usr/local, as Proxmox VE does not', async () => {
    const program = '/usr/local/sbin/psa-test';
    await shell.push('pve1', 101, { content: '#!/bin/sh\necho found\n' }, program, { perms: '0755' });
    await expect(pct('exec', '101', '--', 'psa-test')).rejects.toMatchObject({
      code: 127,
      stderr: expect.stringContaining('Failed to exec "psa-test"'),
    });
    expect((await shell.exec('pve1', 101, [program])).stdout).toBe('found\n');
  });

  it('is there for several at once by lxc-attach, which has the same environment', async () => {
    const commands = new Map<number, readonly string[]>([
      [101, ['sh', '-c', 'env | sort; exit 7']],
      [102, ['true']],
    ]);
    const all = await shell.execEach('pve1', commands, { timeoutMs: 20_000 });
    const one = await shell.exec('pve1', 101, ['sh', '-c', 'env | sort; exit 7']);
    expect(all.get(101)).toEqual(one);
    // It does not run.
    expect(all.get(102)?.code).not.toBe(0);
  });

  it('says what Proxmox VE says when there is no container, or none that runs', async () => {
    expect(await shell.exec('pve1', 404, ['true'])).toEqual({
      code: 2,
      stdout: '',
      stderr: "Configuration file 'nodes/pve1/lxc/404.conf' does not exist\n",
    });
    expect(await shell.exec('pve1', 102, ['true'])).toEqual({
      code: 255,
      stdout: '',
      stderr: "Error: container '102' not running!\n",
    });
    await expect(shell.push('pve1', 102, { content: 'x' }, '/root/x')).rejects.toThrow(
      'can only push files to a running CT',
    );
  });

  it('pushes files with owner and mode, and pulls them', async () => {
    await shell.push('pve1', 101, { content: 'a secret\n' }, '/root/pushed', {
      perms: '0640',
      user: 'daemon',
      group: 1,
    });
    const { stdout } = await shell.exec('pve1', 101, ['stat', '-c', '%a %U:%G %s', '/root/pushed']);
    expect(stdout).toBe('640 daemon:daemon 9\n');
    const target = join(bench.folder, 'pulled');
    await pct('pull', '101', '/root/pushed', target, '--perms', '0600');
    expect(await readFile(target, 'utf8')).toBe('a secret\n');
    await expect(shell.push('pve1', 101, { content: 'x' }, '/nowhere/x')).rejects.toThrow(
      'failed to create file: /nowhere/x',
    );
    await writeFile(join(bench.folder, 'local'), 'x');
    await expect(
      pct('push', '101', join(bench.folder, 'local'), '/root/x', '--user', 'nobody9'),
    ).rejects.toThrow('failed to get uid for: nobody9');
  });

  it('lists, tells the status and takes a lock away', async () => {
    expect(await pct('list')).toBe(
      [
        'VMID       Status     Lock         Name                ',
        '101        running                 ct101               ',
        '102        stopped    backup       ct102               ',
        '',
      ].join('\n'),
    );
    expect([await pct('status', '101'), await pct('status', '102')]).toEqual([
      'status: running\n',
      'status: stopped\n',
    ]);
    await shell.unlock('pve1', 102);
    expect(await pct('list')).not.toContain('backup');
    await expect(pct('frobnicate', '101')).rejects.toThrow("unknown command 'pct frobnicate'");
  });

  it('answers inside the node, goes on when the daemon has ended, and ends with its node', async () => {
    const inside = ['netns', 'exec', `${bench.lab}-pve1`, 'bash', '-c', 'head -c 4 </dev/tcp/10.0.20.1/22'];
    expect(execFileSync('ip', inside, { encoding: 'utf8' })).toBe('SSH-');
    await server.close();
    expect((await shell.exec('pve1', 101, ['echo', 'still'])).stdout).toBe('still\n');
    expect((await shell.exec('pve1', 404, ['true'])).stderr).toContain('its daemon does not answer');
    await server.listen();
    // Another daemon finds what this one started.
    await ssh.start('pve1');
    expect(ssh.isListening('pve1')).toBe(true);
    const sleeping = shell.exec('pve1', 101, ['sleep', '60']).catch((error: Error) => error);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await ssh.stop('pve1', { sessions: true });
    expect(await sleeping).toMatchObject({ name: 'SshError', outcomeUnknown: true });
    await expect(shell.exec('pve1', 101, ['true'])).rejects.toThrow('Connection refused');
    await ssh.start('pve1');
    expect((await shell.exec('pve1', 101, ['true'])).code).toBe(0);
  });
});
