import { spawn } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';
import { Transform, type Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { failure } from '../../errors.ts';
import { ofTask } from '../../process-group.ts';

/** What a tar goes through on its way into the file of a backup. */
export interface Packer {
  /** Takes the tar; whoever writes it ends it. */
  readonly into: Writable;
  /** The last byte is in the file. */
  readonly done: Promise<void>;
}

/**
 * Packs what comes into a file, by the programs of a real node.
 * @param compress `zstd`, `gzip`; else it stays as it is
 * @param bwlimit KiB per second; 0: as fast as it goes
 */
export function startPacker(out: FileHandle, compress: string, bwlimit: number, signal: AbortSignal): Packer {
  const stages = throttle(bwlimit);
  if (compress !== 'zstd') {
    const [into, ...more]: readonly Writable[] = [
      ...stages,
      ...(compress === 'gzip' ? [createGzip({ level: 1 })] : []),
      out.createWriteStream(),
    ];
    const done =
      more.length === 0
        ? finished(into!, { signal })
        : pipeline([into, ...more] as [Transform, Writable], { signal });
    return { into: into!, done };
  }
  const [program, ...args] = ofTask(['zstd', '-q', '-1', '--threads=1']);
  const zstd = spawn(program, args, { stdio: ['pipe', out.fd, 'pipe'], signal });
  let said = '';
  zstd.stderr!.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4096);
  });
  const packed = new Promise<void>((resolve, reject) => {
    zstd.once('error', reject);
    zstd.once('close', (code) =>
      code === 0 ? resolve() : reject(failure(`command 'zstd --threads=1' failed: ${said.trim() || code}`)),
    );
  });
  // Its own end says why it takes no more.
  const stdin = zstd.stdin!;
  stdin.on('error', () => {});
  const [throttled] = stages;
  if (!throttled) return { into: stdin, done: packed };
  const passed = pipeline(throttled, stdin, { signal });
  return { into: throttled, done: Promise.all([packed, passed]).then(() => {}) };
}

/** Lets no more through than a limit in KiB per second. */
function throttle(limit: number): readonly Transform[] {
  if (limit <= 0) return [];
  const began = performance.now();
  let passed = 0;
  return [
    new Transform({
      transform(chunk: Buffer, _, done) {
        passed += chunk.length;
        const due = began + (passed / (limit * 1024)) * 1000;
        setTimeout(() => done(null, chunk), Math.max(0, due - performance.now()));
      },
    }),
  ];
}
