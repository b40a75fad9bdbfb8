import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProxmoxClient } from '@psa/proxmox/client/client';
import { ProxmoxError } from '@psa/proxmox/client/errors';
import { schema9 } from '@psa/proxmox/golden.test-helper';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scene, SECRETS } from './scene.test-helper.ts';

const NODES = ['pve1', 'pve2', 'pve3'];

describe('the client of a real cluster works with the lab', () => {
  let scene: Scene;
  let client: ProxmoxClient;

  beforeAll(async () => {
    scene = await Scene.open();
    scene.ha.start();
    client = new ProxmoxClient({
      endpoints: NODES.map((node) => ({
        ...{ node, host: '127.0.0.1', port: scene.port(node) },
        fingerprints: [scene.fingerprint],
      })),
      credentials: { tokenId: 'root@pam!full', secret: SECRETS['root@pam!full']! },
      // Every request is held against the schema before it is sent.
      schema: schema9,
    });
  });
  afterAll(async () => {
    await client.close();
    await scene.close();
  });

  const mini = 'shared:vztmpl/mini.tar.zst';
  const guest = (vmid: number) => ({ vmid, ostemplate: mini, rootfs: 'shared:0.1', unprivileged: 1 });
  const failed = (promise: Promise<unknown>) =>
    promise.then(
      () => null,
      (error: unknown) => {
        expect(error).toBeInstanceOf(ProxmoxError);
        return error as ProxmoxError;
      },
    );

  it('uploads, streaming, by whichever node', async () => {
    await scene.template('local', 'mini.tar.zst');
    const folder = await scene.lab.volumes.folder('pve1', 'local', 'vztmpl');
    const sent: number[] = [];
    const done = await client.upload({
      ...{ node: 'pve2', storage: 'shared', content: 'vztmpl', file: join(folder, 'mini.tar.zst') },
      onProgress: (bytes) => sent.push(bytes),
    });
    expect(done.exitStatus).toBe('OK');
    expect(sent.length).toBeGreaterThan(0);
    const wrong = join(folder, '..', 'wrong.tar.zst');
    await writeFile(wrong, 'x'.repeat(1_000_000));
    const error = await failed(
      client.upload({
        ...{ node: 'pve1', storage: 'shared', content: 'vztmpl', file: wrong, sha256: '00' },
      }),
    );
    expect(error?.message).toContain('checksum mismatch');
  });

  it('makes, starts, changes and backs up a container', async () => {
    const lines: string[] = [];
    const made = await client.run(
      'POST',
      '/nodes/pve2/lxc',
      { ...guest(500), start: 1 },
      {
        onLog: (line) => lines.push(line),
      },
    );
    expect(made?.exitStatus).toBe('OK');
    expect(lines).toContain('Detected container architecture: amd64');
    const config = await client.request<{ digest: string }>('GET', '/nodes/pve2/lxc/500/config');
    await client.request('PUT', '/nodes/pve2/lxc/500/config', { memory: 300, digest: config.digest });
    const stale = await failed(
      client.request('PUT', '/nodes/pve2/lxc/500/config', { memory: 301, digest: config.digest }),
    );
    expect(stale?.message).toContain('detected modified configuration');
    const backup = await client.run('POST', '/nodes/pve2/vzdump', {
      vmid: 500,
      storage: 'shared',
      compress: 'zstd',
    });
    expect(backup?.exitStatus).toBe('OK');
    expect(await client.run('POST', '/nodes/pve1/vzdump', { vmid: 500, storage: 'shared' })).toBeNull();
  });

  it('tells what a task died of, with the end of its log', async () => {
    const error = await failed(
      client.run('POST', '/nodes/pve1/lxc', { ...guest(501), ostemplate: 'shared:vztmpl/nope.tar.zst' }),
    );
    expect(error?.kind).toBe('task');
    expect(error?.message).toContain("volume 'shared:vztmpl/nope.tar.zst' does not exist");
    expect(scene.lab.guests.nodeOf(501)).toBeNull();
  });

  it('waits for HA, and goes on when the node that it asks dies', async () => {
    await client.run('POST', '/nodes/pve1/lxc', guest(502));
    await client.request('POST', '/cluster/ha/resources', { sid: 'ct:502' });
    await client.waitHa('ct:502', { state: 'started', node: 'pve1' });
    const states: string[] = [];
    await scene.lab.power.kill('pve1');
    const unreachable = await failed(client.request('GET', '/nodes/pve1/lxc'));
    expect(unreachable?.kind).toBe('unreachable');
    await client.waitHa('ct:502', {
      ...{ state: 'started', node: 'pve2' },
      onState: (service) => states.push(`${service?.state}@${service?.node}`),
    });
    expect(states.at(0)).toMatch(/@pve1$/);
    const nodes = await client.request<{ node: string; status: string }[]>('GET', '/nodes');
    expect(nodes.find((one) => one.node === 'pve1')?.status).toBe('offline');
  });
});
