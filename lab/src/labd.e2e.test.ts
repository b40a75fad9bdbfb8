import { execFileSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { loadInventory } from '@psa/appliance/inventory/load';
import { ProxmoxClient } from '@psa/proxmox/client/client';
import { PctShell } from '@psa/proxmox/ssh';
import { freePort } from '@psa/test-kit/free-port';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LabControl, labControl, labDown, labUp } from './control.ts';
import { MINBASE_MS, minbase } from './runtime/minbase.test-helper.ts';

const name = `psad${randomBytes(3).toString('hex')}`;
let folder: TempDir;
let dir: string;
let control: LabControl;
let client: ProxmoxClient;
let shell: PctShell;

const up = () => labUp({ dir });
const guest = (vmid: number, node: string, more = {}) =>
  client.run('POST', `/nodes/${node}/lxc`, {
    ...{ vmid, ostemplate: 'shared:vztmpl/minbase-1.0.0.tar.zst', hostname: `ct${vmid}`, unprivileged: true },
    ...{
      rootfs: 'shared:1',
      memory: 128,
      swap: 0,
      cores: 1,
      features: 'nesting=1',
      pool: 'psa',
      onboot: true,
    },
    net0: `name=eth0,bridge=vmbr0,tag=20,ip=10.0.20.${vmid - 50}/24,gw=10.0.20.1`,
    ...more,
  });
const start = (vmid: number, node: string) => client.run('POST', `/nodes/${node}/lxc/${vmid}/status/start`);
const current = (vmid: number, node: string) =>
  client.request<{ status: string; pid?: number }>('GET', `/nodes/${node}/lxc/${vmid}/status/current`);
/** The start that goes with a restore or a rollback is a task of its own, which nobody waits for. */
const running = (vmid: number) =>
  expect.poll(async () => (await current(vmid, 'pve1')).status, { timeout: 20_000 }).toBe('running');
/** What a program in a container prints; one that fails is named with its last words. */
async function inside(vmid: number, node: string, ...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await shell.exec(node, vmid, argv);
  if (code !== 0) throw new Error(`${argv.join(' ')} in ${vmid} ended with ${code}: ${stderr}${stdout}`);
  return stdout.trim();
}

beforeAll(async () => {
  folder = await tempDir('labd');
  // Containers pass through to their disks.
  await chmod(folder.path, 0o711);
  dir = join(folder.path, 'lab');
  const settings = {
    ...{
      name,
      runtime: 'lxc' as const,
      timeFactor: 0.05,
      loopback: `127.${randomInt(80, 120)}.${randomInt(1, 250)}`,
    },
    ...{ apiPort: await freePort(), sshPort: await freePort(), portalPort: await freePort() },
    ...{ nodeDiskGb: 4, sharedDiskGb: 4 },
  };
  await labUp({ dir, ...settings });
  control = labControl(dir);
  const loaded = loadInventory(readFileSync(join(dir, 'appliance.yaml'), 'utf8'), 'appliance.yaml');
  if (!loaded.ok) throw new Error('the inventory of the lab does not load');
  const { nodes } = loaded.inventory.sites[0]!;
  const [tokenId = '', secret = ''] = readFileSync(join(dir, 'token'), 'utf8').trim().split('=');
  client = new ProxmoxClient({
    credentials: { tokenId, secret },
    endpoints: nodes.map((node) => {
      const { hostname, port } = new URL(node.api!);
      return { host: hostname, port: Number(port), node: node.name, fingerprints: [node.fingerprint!] };
    }),
    downForMs: 500,
  });
  shell = new PctShell({
    nodes: Object.fromEntries(
      nodes.map((node) => {
        const [host = '', port] = node.ssh!.split(':');
        return [node.name, { host, port: Number(port), user: 'root' }];
      }),
    ),
    ...{ knownHosts: join(dir, 'ssh/known_hosts'), identity: join(dir, 'ssh/id') },
  });
  await client.upload({ node: 'pve1', storage: 'shared', content: 'vztmpl', file: await minbase() });
  await Promise.all([guest(101, 'pve1'), guest(102, 'pve2'), guest(103, 'pve3')]);
  await Promise.all([start(101, 'pve1'), start(102, 'pve2'), start(103, 'pve3')]);
}, MINBASE_MS);
afterAll(async () => {
  await shell?.close();
  await client?.close();
  if (dir) await labDown(dir);
  await folder?.remove();
});

describe('a lab of real containers', () => {
  it('runs what the API made, with its limits, and lets programs in by ssh', async () => {
    expect(await inside(101, 'pve1', 'hostname')).toBe('ct101');
    expect(await inside(101, 'pve1', 'cat', '/proc/1/comm')).toBe('systemd');
    // The container sets its own addresses while it boots.
    await expect
      .poll(() => inside(102, 'pve2', 'ip', '-br', '-4', 'address', 'show', 'eth0'), { timeout: 30_000 })
      .toContain('10.0.20.52/24');
    await client.request('PUT', '/nodes/pve1/lxc/101/config', { memory: 160 });
    const limit = readFileSync(`/proc/${(await current(101, 'pve1')).pid}/cgroup`, 'utf8');
    expect(limit).toContain(name);
    const { code } = await shell.exec('pve1', 101, ['sh', '-c', 'exit 7']);
    expect(code).toBe(7);
  });

  it('is taken over by the next daemon when this one is killed', async () => {
    const before = await Promise.all([current(101, 'pve1'), current(102, 'pve2')]);
    const { pid } = await control.status();
    process.kill(pid, 'SIGKILL');
    expect(await inside(101, 'pve1', 'hostname')).toBe('ct101');
    const status = await up();
    expect(status.pid).not.toBe(pid);
    expect((await up()).pid).toBe(status.pid);
    const after = await Promise.all([current(101, 'pve1'), current(102, 'pve2')]);
    expect(after.map((one) => one.pid)).toEqual(before.map((one) => one.pid));
    expect(status.nodes.map(({ containers, running }) => [containers, running])).toEqual([
      [1, 1],
      [1, 1],
      [1, 1],
    ]);
  });

  it('moves a container with its address', async () => {
    await client.run('POST', '/nodes/pve2/lxc/102/migrate', { target: 'pve1', restart: true });
    expect((await current(102, 'pve1')).status).toBe('running');
    expect(await inside(102, 'pve1', 'hostname')).toBe('ct102');
  });

  it('backs a running container up, makes another one of it, and takes that back to a snapshot', async () => {
    const mark = (vmid: number, text: string) =>
      inside(vmid, 'pve1', 'sh', '-c', `echo ${text} > /root/mark && chown 33:33 /root/mark && sync`);
    const marked = (vmid: number) =>
      inside(vmid, 'pve1', 'sh', '-c', 'cat /root/mark; stat -c %u:%g /root/mark');
    await mark(101, 'before');
    await client.run('POST', '/nodes/pve1/vzdump', { vmid: 101, storage: 'local', compress: 'zstd' });
    await mark(101, 'after');
    const [backup] = await client.request<{ volid: string }[]>('GET', '/nodes/pve1/storage/local/content', {
      ...{ content: 'backup', vmid: 101 },
    });
    await client.run('POST', '/nodes/pve1/lxc', {
      ...{
        vmid: 105,
        ostemplate: backup!.volid,
        restore: true,
        storage: 'local-lvm',
        pool: 'psa',
      },
      ...{
        hostname: 'drill',
        net0: 'name=eth0,bridge=vmbr0,tag=20,ip=10.0.20.55/24,gw=10.0.20.1',
        start: true,
      },
    });
    await running(105);
    expect(await marked(105)).toBe('before\n33:33');
    expect(await marked(101)).toBe('after\n33:33');
    expect(await inside(105, 'pve1', 'hostname')).toBe('drill');

    await client.run('POST', '/nodes/pve1/lxc/105/snapshot', { snapname: 'clean' });
    await mark(105, 'changed');
    await client.run('POST', '/nodes/pve1/vzdump', { vmid: 105, storage: 'local', compress: 'zstd' });
    await client.run('POST', '/nodes/pve1/lxc/105/snapshot/clean/rollback', { start: true });
    await running(105);
    expect(await marked(105)).toBe('before\n33:33');
    await client.run('DELETE', '/nodes/pve1/lxc/105', { purge: true, force: true });
  });

  it('loses a node, and has it again', async () => {
    const { pid } = await current(103, 'pve3');
    await control.killNode('pve3');
    // What is killed stands in the list of processes until it is fetched from it.
    await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 10_000 }).toBe(false);
    await expect(current(103, 'pve3')).rejects.toThrow(/595/);
    await expect(shell.exec('pve3', 103, ['true'])).rejects.toThrow(/Connection refused|Unable/);
    const { nodes } = await control.startNode('pve3');
    expect(nodes[2]).toMatchObject({ name: 'pve3', power: 'on', quorate: true });
    await expect.poll(async () => (await current(103, 'pve3')).status, { timeout: 20_000 }).toBe('running');
    expect(await inside(103, 'pve3', 'hostname')).toBe('ct103');
  });

  it('is cut in two, and the smaller part changes nothing', async () => {
    await control.partition('pve3');
    await expect(client.request('GET', '/nodes/pve3/lxc')).resolves.toMatchObject([
      { vmid: 103, status: 'running' },
    ]);
    await expect(guest(104, 'pve3')).rejects.toThrow(/cluster not ready - no quorum|No route to host/);
    expect((await control.status()).nodes[2]).toMatchObject({ partitioned: true, quorate: false });
    await control.heal();
    await guest(104, 'pve3');
    await client.run('DELETE', '/nodes/pve3/lxc/104', { purge: true });
  });

  it('has full disks when told so', async () => {
    const free = async () =>
      (await client.request<{ avail: number }>('GET', '/nodes/pve2/storage/local/status')).avail;
    const before = await free();
    expect((await control.fillDisk('pve2', 'local', 0.9)).nodes[1]?.filled).toEqual({ local: 0.9 });
    expect(await free()).toBeLessThan(before / 2);
    await control.fillDisk('pve2', 'local', 0);
    expect(await free()).toBeGreaterThan(before * 0.9);
  });

  it('says what it does not have', async () => {
    await expect(control.killNode('pve9')).rejects.toThrow(
      'The lab has no node "pve9". It has: pve1, pve2, pve3.',
    );
  });

  it('goes without a trace', async () => {
    await shell.close();
    await labDown(dir);
    expect(existsSync(dir)).toBe(false);
    expect(execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })).not.toContain(name);
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(dir);
    const processes = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
    expect(processes.split('\n').filter((line) => line.includes(dir))).toEqual([]);
    await expect(control.status()).rejects.toMatchObject({ isDown: true });
  });
});
