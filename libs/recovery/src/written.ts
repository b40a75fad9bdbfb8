import type { Writable } from 'node:stream';

/** Writes to a stream at the speed of who reads it. @returns whether it took it: not where the reader has gone */
export async function written(into: Writable, chunk: Uint8Array | string): Promise<boolean> {
  if (into.destroyed) return false;
  if (into.write(chunk)) return true;
  await new Promise<void>((resolve) => {
    const go = () => {
      into.off('drain', go).off('close', go);
      resolve();
    };
    into.once('drain', go).once('close', go);
  });
  return !into.destroyed;
}
