import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { MIB } from '@psa/contracts/limits';

/** A small disk in memory, mounted at a folder; needs root. @throws when it cannot be mounted */
export function mountSmallDisk(folder: string, mebibytes: number): () => void {
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder]);
  if (mounted.status !== 0) throw new Error(`Unable to mount a disk at ${folder}: ${mounted.stderr}`);
  return () => void spawnSync('umount', ['-l', folder]);
}

/** Writes until the disk takes no more; returns how to make room again. */
export function fillDisk(folder: string): () => void {
  const path = `${folder}/ballast`;
  const file = openSync(path, 'w');
  for (const size of [MIB, 4_096]) {
    const piece = Buffer.alloc(size);
    try {
      for (;;) writeSync(file, piece);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
  closeSync(file);
  return () => rmSync(path, { force: true });
}

export interface FullDisk {
  /** What reading, writing and `/ready` answered while the disk was full. */
  readonly reads: readonly number[];
  readonly writes: readonly number[];
  readonly ready: readonly number[];
  /** What `/ready` said of the disk. */
  readonly said: string;
  /** Milliseconds from room again to the first ticket written. */
  readonly backAfterMs: number;
}

/** Fills the disk for `durationMs`, reads and writes meanwhile, and sees whether all comes back when there is room. */
export async function fullDisk(options: {
  folder: string;
  url: string;
  token: string;
  durationMs: number;
}): Promise<FullDisk> {
  const { url } = options;
  const headers = { authorization: `Bearer ${options.token}`, 'content-type': 'application/json' };
  const ask = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(url + path, { ...init, headers }).catch(() => null);
    return { status: answer?.status ?? 0, text: (await answer?.text()) ?? '' };
  };
  const body = JSON.stringify({ title: 'Die Platte ist voll', description: 'Oder auch nicht.' });
  const write = () => ask('/api/v1/tickets', { method: 'POST', body });
  const [reads, writes, ready]: [number[], number[], number[]] = [[], [], []];
  let said = '';
  const makeRoom = fillDisk(options.folder);
  const end = Date.now() + options.durationMs;
  while (Date.now() < end) {
    // First, because it looks at the disk; by itself the platform looks once a second.
    const readiness = await ask('/ready');
    ready.push(readiness.status);
    said = /The disk is full[^"]*/.exec(readiness.text)?.[0] ?? said;
    reads.push((await ask('/api/v1/tickets?limit=5')).status);
    writes.push((await write()).status);
    await sleep(200);
  }
  makeRoom();
  const began = performance.now();
  for (;;) {
    const { status, text } = await write();
    if (status === 201) break;
    if (performance.now() - began > 60_000) {
      throw new Error(`Nothing can be written a minute after there is room: ${status} ${text}`);
    }
    await sleep(100);
  }
  return { reads, writes, ready, said, backAfterMs: Math.round(performance.now() - began) };
}
