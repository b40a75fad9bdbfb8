import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { pack } from '@psa/recovery/tar';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cluster } from './cluster.ts';
import { readVolume, sumVolume } from './volume.ts';

let dir: TempDir;
let archive: string;
/** A node that runs what it is told, with a storage in a folder of this machine. */
let node: Cluster;

beforeEach(async () => {
  dir = await tempDir('volume');
  archive = join(dir.path, 'vzdump-lxc-300.tar.zst');
  await pvesm(`echo ${archive}`);
  const onNode = (_node: string, _what: string, line: string) =>
    new Promise((resolve) => {
      // A bash whose input is a socket reads .bashrc.
      const env = { PATH: `${dir.path}:${process.env.PATH}`, HOME: dir.path };
      execFile('bash', ['-c', line], { env }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  node = { signal: new AbortController().signal, site: { shell: { onNode } } } as unknown as Cluster;
});
afterEach(() => dir.remove());

async function pvesm(line: string): Promise<void> {
  const program = join(dir.path, 'pvesm');
  await writeFile(program, `#!/bin/sh\n${line}\n`);
  await chmod(program, 0o755);
}

/** An archive of one file. */
async function whole(): Promise<Buffer> {
  await writeFile(join(dir.path, 'file'), 'content');
  const chunks: Buffer[] = [];
  const { PassThrough } = await import('node:stream');
  const into = new PassThrough();
  into.on('data', (chunk: Buffer) => chunks.push(chunk));
  await pack(['--directory', dir.path, 'file'], into, { mayChange: false });
  return zstdCompressSync(Buffer.concat(chunks));
}

const both = [
  ['its sum', (cluster: Cluster) => sumVolume(cluster, 'pve1', 'nas:backup/x.tar.zst')],
  ['all of it', (cluster: Cluster) => readVolume(cluster, 'pve1', 'nas:backup/x.tar.zst')],
] as const;

describe.each(both)('reading an archive on its node, %s', (_what, read) => {
  it('is of its bytes', async () => {
    const bytes = await whole();
    await writeFile(archive, bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const seen = await read(node);
    expect(typeof seen === 'string' ? seen : seen.sha256).toBe(sha256);
  });

  it('says that it is gone where it is gone, and not that it does not restore', async () => {
    await rm(archive, { force: true });
    await expect(read(node)).rejects.toMatchObject({
      code: 'NO_FILE',
      message: 'Unable to read nas:backup/x.tar.zst on pve1: its file is gone.',
    });
  });

  it('says that its storage does not answer', async () => {
    await pvesm('echo "storage \'nas\' is not online" >&2; exit 255');
    await expect(read(node)).rejects.toMatchObject({
      ...{ code: 'NO_STORAGE', why: "storage 'nas' is not online" },
      message: 'Unable to read nas:backup/x.tar.zst on pve1: its storage does not answer there.',
    });
  });
});

it('an archive that is cut off does not restore', async () => {
  const bytes = await whole();
  await writeFile(archive, bytes.subarray(0, bytes.length - 9));
  await expect(readVolume(node, 'pve1', 'nas:backup/x.tar.zst')).rejects.toMatchObject({
    code: 'BACKUPERROR',
    message: 'Unable to read nas:backup/x.tar.zst on pve1: it does not restore.',
  });
});
