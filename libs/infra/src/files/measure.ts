import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { FileTooLarge } from '@psa/contracts/ports/file-store';

export interface Measured {
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/**
 * Passes a stream on in pieces of exactly `pieceSize` bytes (the last one may be shorter), counting and
 * hashing. Pulls only as fast as the taker awaits.
 * @throws FileTooLarge as soon as more than `maxBytes` came.
 */
export async function inPieces(
  content: Readable,
  maxBytes: number,
  pieceSize: number,
  take: (piece: Buffer, number: number) => Promise<void>,
): Promise<Measured> {
  const hash = createHash('sha256');
  let size = 0;
  let number = 0;
  let pending: Buffer[] = [];
  let pendingSize = 0;
  for await (const chunk of content) {
    let rest: Buffer = typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Buffer);
    size += rest.length;
    if (size > maxBytes) throw new FileTooLarge(maxBytes);
    hash.update(rest);
    while (rest.length > 0) {
      const part = rest.subarray(0, pieceSize - pendingSize);
      pending.push(part);
      pendingSize += part.length;
      rest = rest.subarray(part.length);
      if (pendingSize < pieceSize) continue;
      await take(Buffer.concat(pending), number++);
      pending = [];
      pendingSize = 0;
    }
  }
  if (pendingSize > 0) await take(Buffer.concat(pending), number);
  return { size, sha256: hash.digest('hex') };
}
