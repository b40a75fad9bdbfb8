import { userInfo } from 'node:os';
import { Readable } from 'node:stream';
import { PctShell } from '@psa/proxmox/ssh';
import { PrivateSshd } from '@psa/proxmox/sshd.test-helper';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Io } from '../command.ts';
import { Cluster } from '../site/cluster.ts';
import type { OpenSite } from '../site/site.ts';
import { chosen, runIn } from './exec.ts';

let sshd: PrivateSshd;
let shell: PctShell;
beforeAll(async () => {
  sshd = await PrivateSshd.start();
  const at = { host: '127.0.0.1', port: sshd.port, user: userInfo().username, hostKeyAlias: 'pve1' };
  shell = new PctShell({
    ...{ nodes: { pve1: at }, knownHosts: sshd.path('known_hosts'), identity: sshd.path('user') },
  });
});
afterAll(async () => {
  await shell.close();
  await sshd.stop();
});

/** Every value that a byte can have, and a text whose letters are of two to four bytes. */
const BYTES = Buffer.concat([
  Buffer.from(Array.from({ length: 256 }, (_, value) => value)),
  Buffer.from('ä€😀'),
]);

/** Runs it in CT 101, as psactl exec does. */
async function ran(command: readonly string[], options: object, stdin: readonly Uint8Array[] = []) {
  const client = {
    request: async (_: string, path: string) =>
      path === '/cluster/status' ? [] : [{ vmid: 101, node: 'pve1', status: 'running' }],
  };
  const site = { client, shell, containers: [] } as unknown as OpenSite;
  const out = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  const io = {
    stdin: Readable.from(stdin),
    stdout: { write: (chunk: string | Uint8Array) => out.stdout.push(Buffer.from(chunk)) },
    stderr: { write: (chunk: string | Uint8Array) => out.stderr.push(Buffer.from(chunk)) },
  } as unknown as Io;
  const result = await runIn(new Cluster(site, new AbortController().signal), 101, command, { io, options });
  return { result, stdout: Buffer.concat(out.stdout), stderr: Buffer.concat(out.stderr) };
}

it('hands every byte on as it is, in and out, also where a letter is cut in two', async () => {
  // A letter of four bytes, with a pause in its middle.
  const cut = [BYTES.subarray(0, -2), BYTES.subarray(-2)];
  const both = ['sh', '-c', 'tee /dev/stderr; sleep 0.2; exit 3'];
  const { result, stdout, stderr } = await ran(both, { stdin: true }, cut);
  expect(result).toEqual({ code: 3, stdout: '', stderr: '' });
  expect(stdout.equals(BYTES)).toBe(true);
  expect(stderr.equals(BYTES)).toBe(true);
  const split = ['sh', '-c', "printf '\\303'; sleep 0.3; printf '\\244\\377'"];
  expect((await ran(split, {})).stdout).toEqual(Buffer.from([0xc3, 0xa4, 0xff]));
});

it('puts what is no text into JSON as base64, and text as it is', async () => {
  const { result, stdout } = await ran(['sh', '-c', 'cat; echo ä >&2'], { stdin: true, json: true }, [BYTES]);
  expect(stdout).toHaveLength(0);
  expect(Buffer.from(result.stdout_base64!, 'base64').equals(BYTES)).toBe(true);
  expect(result).toMatchObject({ code: 0, stderr: 'ä\n' });
  expect(result).not.toHaveProperty('stderr_base64');
});

it('tells a name that nothing has from a container that is not made yet', () => {
  const placed = (name: string, group: string, node: string | null, state: string | null) =>
    ({ container: { name, group }, node, state }) as never;
  const all = [placed('psa-auth-1', 'auth', null, null), placed('psa-crm-1', 'crm', 'pve1', 'stopped')];
  all.push(placed('psa-crm-2', 'crm', 'pve2', 'running'));
  expect(chosen(all, 'crm')).toMatchObject({ node: 'pve2' });
  expect(() => chosen(all, 'nobody')).toThrow(expect.objectContaining({ outcome: 'usage' }));
  for (const name of ['auth', 'psa-auth-1']) {
    const error = { outcome: 'not_found', fix: expect.stringContaining('psactl apply') };
    expect(() => chosen(all, name)).toThrow(expect.objectContaining(error));
  }
});
