import { type FileHandle, mkdir, open, rm, statfs } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { type Readable, Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArtefactFile } from './artefact-name.ts';
import { discard, publish, type SiteManifest } from './manifest.ts';
import {
  countingStream,
  fillWhole,
  readFrom,
  type Sum,
  seal,
  throwCause,
  unpacking,
  writeAll,
} from './sealed.ts';

/** A backup that cannot be made, or does not restore; says why. */
export class ArtefactError extends Error {
  override readonly name = 'BackupError';
}

/** What an artefact is made of. */
export interface ArtefactSource<T> {
  /** The artefact's file; its folder is made when it is not there. */
  readonly file: string;
  /** Public age keys that it is closed for, after zstd; none: what comes is written as it comes. */
  readonly recipients: readonly string[];
  /** Bytes per second; null: as fast as it goes. */
  readonly limit: number | null;
  /** A copy, which has the name of what it is of: half of it was left by who was killed, and goes. The caller sees that nobody is at it. */
  readonly isCopy?: boolean;
  /** Writes all of it, and does not end the stream. @returns what is known of it only now */
  fill(into: Writable): Promise<T>;
  /**
   * Has another program write all of it into the open file, where nothing is to be done with it on its way: not encrypted, not
   * held back. What was sent is known to have come by the sum that it carries in itself, so `inspect` must look at that.
   */
  fillFile?(file: FileHandle): Promise<T>;
  /** Looks at what was written; what it throws makes it no backup. */
  inspect?(part: string): Promise<void>;
  /** What stands beside it, once it was read back. */
  describe(made: T & Written): SiteManifest;
}

/** What was seen of an artefact when it was written and read back. */
export interface Written {
  readonly sum: Sum;
  /** Bytes that came, before they were compressed here. */
  readonly filled: number;
  readonly duration_ms: number;
  readonly read_back_ms: number;
  readonly verified_at: string;
}

/**
 * Streams an artefact to a name of its own, reads it back from the disk, and gives it its name with its manifest beside.
 * Nothing is left of one that fails; what is killed in the middle leaves a `.part`, which is never good.
 * @throws ArtefactError; ENOSPC and the like as they come
 */
export async function writeArtefact<T extends object>(source: ArtefactSource<T>): Promise<SiteManifest> {
  const { file, recipients, limit } = source;
  const part = `${file}.part`;
  const began = Date.now();
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  if (source.isCopy) await rm(part, { force: true });
  try {
    let filled = 0;
    let made: T | null = null;
    const fill = async (into: Writable) => {
      const counter = pass(limit, (bytes) => {
        filled += bytes;
      });
      const passing = pipeline(counter, into, { end: false });
      const filling = fillWhole(counter, async (all) => {
        made = await source.fill(all);
      });
      throwCause(await Promise.allSettled([filling, passing]));
    };
    const { fillFile } = source;
    let sum: Sum | null = null;
    if (recipients.length > 0) sum = await seal(part, recipients, fill);
    else if (limit !== null || !fillFile) sum = await writePlain(part, fill);
    else [made, filled] = await writeDirectly(part, (into) => fillFile.call(source, into));
    const written = Date.now();
    const seen = await sumOf(part);
    if (sum && seen.sha256 !== sum.sha256)
      throw new ArtefactError(`Unable to back up to ${file}: what was read back is not what was written.`);
    await source.inspect?.(part);
    const manifest = source.describe({
      ...made!,
      ...{ sum: seen, filled, duration_ms: Date.now() - began, read_back_ms: Date.now() - written },
      verified_at: new Date().toISOString(),
    });
    await publish(part, file, manifest);
    return manifest;
  } finally {
    await discard(part, file);
  }
}

/** Counts what passes and holds it to so many bytes per second. */
function pass(limit: number | null, count: (bytes: number) => void): Transform {
  const began = performance.now();
  let total = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      total += chunk.length;
      count(chunk.length);
      const early = limit === null ? 0 : (total / limit) * 1000 - (performance.now() - began);
      if (early > 5) setTimeout(done, early, null, chunk);
      else done(null, chunk);
    },
  });
}

async function writePlain(file: string, fill: (into: Writable) => Promise<void>): Promise<Sum> {
  const handle = await open(file, 'wx', 0o600);
  try {
    const { stream, sum } = countingStream();
    const writing = pipeline(stream, async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) await writeAll(handle, chunk);
    });
    throwCause(await Promise.allSettled([fillWhole(stream, fill), writing]));
    await handle.sync();
    return sum();
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** A file that another program writes. @returns what is known of it, and its length */
async function writeDirectly<T>(
  file: string,
  fill: (into: FileHandle) => Promise<T>,
): Promise<[made: T, bytes: number]> {
  const handle = await open(file, 'wx', 0o600);
  try {
    const made = await fill(handle);
    await handle.sync();
    return [made, (await handle.stat()).size];
  } catch (error) {
    // Whoever wrote tells of a broken pipe, or of nothing: the cause is seen here alone.
    const { bavail, bsize } = await statfs(file);
    await rm(file, { force: true });
    if (bavail * bsize > FULL || (await handle.stat()).size === 0) throw error;
    throw Object.assign(new Error(`ENOSPC: no space left on device, write '${file}'`, { cause: error }), {
      ...{ code: 'ENOSPC', syscall: 'write', path: file },
    });
  } finally {
    await handle.close();
  }
}

/** A disk that has no more than this left did not take all that it was given. */
const FULL = 1024 ** 2;

/** Reads a file to its last byte. */
export async function sumOf(file: string): Promise<Sum> {
  const { stream, sum } = countingStream();
  await pipeline(readFrom(file), stream.resume());
  return sum();
}

/**
 * The content of a file that zstd has packed. Damage is an error of `read`'s stream.
 * @throws ArtefactError when it is damaged or cut off
 */
export async function readZstd<T>(file: string, read: (content: Readable) => Promise<T>): Promise<T> {
  const unpacked = unpacking();
  const feeding = pipeline(readFrom(file), unpacked);
  try {
    const [result] = await Promise.all([read(unpacked), feeding]);
    return result;
  } catch (error) {
    unpacked.destroy();
    await feeding.catch(() => {});
    if (
      (error as NodeJS.ErrnoException).code?.startsWith('E') &&
      !/^ERR_/.test((error as NodeJS.ErrnoException).code!)
    )
      throw error;
    if (error instanceof ArtefactError) throw error;
    throw new ArtefactError(
      `${basename(file)} does not restore: it is damaged or cut off (${(error as Error).message}).`,
      { cause: error },
    );
  }
}

/** The begin of what a file that zstd has packed holds: as much as `read` takes, and nothing is said of the rest. */
export async function readZstdHead<T>(file: string, read: (content: Readable) => Promise<T>): Promise<T> {
  const unpacked = unpacking();
  const feeding = pipeline(readFrom(file), unpacked);
  feeding.catch(() => {});
  try {
    return await read(unpacked);
  } finally {
    unpacked.destroy();
    await feeding.catch(() => {});
  }
}

/**
 * Reads an artefact of a site to its last byte, against its manifest.
 * @throws ArtefactError when it is not what its manifest says
 */
export async function verifySum(file: string, manifest: SiteManifest): Promise<Sum> {
  const fail = (why: string) => new ArtefactError(`${file} does not restore: ${why}.`);
  if (parseArtefactFile(basename(file))?.id !== manifest.id)
    throw fail(`its manifest is that of ${manifest.id}`);
  const sum = await sumOf(file);
  if (sum.bytes !== manifest.bytes)
    throw fail(`it has ${sum.bytes} bytes, its manifest names ${manifest.bytes}`);
  if (sum.sha256 !== manifest.sha256) throw fail('it is not what its manifest names (another SHA-256)');
  return sum;
}
