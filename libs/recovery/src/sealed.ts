import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { PassThrough, type Readable, Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress, createZstdDecompress } from 'node:zlib';
import { decrypted, encrypted } from './age.ts';

/** A file as it was written or read: its length and what it is known by. */
export interface Sum {
  readonly bytes: number;
  readonly sha256: string;
}

/** What was sealed does not open: damaged, cut off, or closed with another key. */
export class SealError extends Error {
  override readonly name = 'SealError';
}

/** It was closed for another key than the one that is here: of what is in it nobody can say anything. */
export class OtherKeyError extends SealError {}

/** Why something encrypted does not open. @param what the subject of the sentence */
export const sealErrorOf = (error: Error, what: string): SealError =>
  /no identity matched/.test(error.message)
    ? new OtherKeyError(`${what} was closed for another key`, { cause: error })
    : new SealError(`${what} is damaged or cut off (${error.message})`, { cause: error });

/** Bytes that are read or unpacked at once: in small pieces the way from piece to piece costs more than the work. */
const PIECE = 1024 ** 2;

/** The bytes of a file. */
export const readFrom = (file: string) => createReadStream(file, { highWaterMark: PIECE });

/** Unpacks what zstd has packed. */
export const unpacking = () => createZstdDecompress({ chunkSize: PIECE });

/** Hands on what it gets, and knows its sum in the end. */
export function countingStream(): { readonly stream: Transform; sum(): Sum } {
  const hash = createHash('sha256');
  let bytes = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  return { stream, sum: () => ({ bytes, sha256: hash.digest('hex') }) };
}

/** Has `fill` write all of a stream and ends it; if that fails, the stream fails with it. */
export async function fillWhole<S extends Writable, T>(stream: S, fill: (into: S) => Promise<T>): Promise<T> {
  try {
    const made = await fill(stream);
    stream.end();
    return made;
  } catch (error) {
    stream.destroy(error as Error);
    throw error;
  }
}

/**
 * Writes what `fill` writes into a file: zstd, then age to each recipient. The file is on the disk, with its last byte,
 * when this is done; when it fails there is none.
 * @param fill writes to the stream and does not end it
 */
export async function seal(
  file: string,
  recipients: readonly string[],
  fill: (into: Writable) => Promise<void>,
): Promise<Sum> {
  const handle = await open(file, 'wx', 0o600);
  try {
    const plain = new PassThrough();
    const zstd = createZstdCompress();
    const counted = countingStream();
    const closed = await encrypted(zstd, recipients);
    const compressing = pipeline(plain, zstd);
    const writing = pipeline(closed, counted.stream, async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) await writeAll(handle, chunk);
    });
    throwCause(await Promise.allSettled([fillWhole(plain, fill), compressing, writing]));
    await handle.sync();
    return counted.sum();
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/**
 * Throws what went wrong first, if anything did: a full disk ends all streams that lead to it, and each of them says in its
 * own way that it was ended.
 */
export function throwCause(results: readonly PromiseSettledResult<unknown>[]): void {
  const reasons = results.flatMap((one) =>
    one.status === 'rejected' ? [one.reason as NodeJS.ErrnoException] : [],
  );
  const [first] = reasons;
  if (first) throw reasons.find(({ errno }) => errno !== undefined) ?? first;
}

/** A short write is no error to the kernel, and a full disk begins with one. */
export async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) at += (await handle.write(chunk, at)).bytesWritten;
}

/**
 * Reads a sealed file to its last byte and hands its content on.
 * @param read takes the content and must read all of it
 * @returns the sum of the sealed file
 * @throws SealError when it does not open with the key, or a byte of it is wrong or missing
 */
export async function unseal(
  file: string,
  identity: string,
  read: (content: Readable) => Promise<void>,
): Promise<Sum> {
  const counted = countingStream();
  const sealed = readFrom(file);
  const reading = pipeline(sealed, counted.stream);
  // Whoever waits for the content is told; nobody waits for this one before.
  reading.catch(() => {});
  let own: Error | null = null;
  try {
    const content = await decrypted(counted.stream, identity);
    const plain = new PassThrough();
    const opening = pipeline(content, unpacking(), plain);
    const handing = read(plain).catch((error: Error) => {
      // Damage reaches the reader as a stream that ends early; its own trouble is what comes while all is well.
      own ??= error;
      plain.destroy(error);
      throw error;
    });
    opening.catch((error: Error) => {
      own ??= error;
    });
    const results = await Promise.allSettled([opening, handing]);
    const failed = results.find((one) => one.status === 'rejected');
    if (failed) throw own ?? failed.reason;
    await reading;
    return counted.sum();
  } catch (error) {
    sealed.destroy();
    const { code, name } = error as NodeJS.ErrnoException;
    if (name === 'TarError' || code === 'ENOENT' || code === 'EACCES' || code === 'EISDIR') throw error;
    throw sealErrorOf(error as Error, 'it');
  }
}
