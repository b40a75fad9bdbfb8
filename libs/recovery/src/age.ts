import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { Decrypter, Encrypter } from 'age-encryption';

// The library speaks the web's streams, and all else here Node's.
const toWeb = (stream: Readable) =>
  Readable.toWeb(stream) as unknown as globalThis.ReadableStream<Uint8Array>;
const fromWeb = (stream: unknown) => Readable.fromWeb(stream as ReadableStream<Uint8Array>);

/** What a stream yields, encrypted to each of the recipients (`age1…`). */
export async function encrypted(plain: Readable, recipients: readonly string[]): Promise<Readable> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return fromWeb(await encrypter.encrypt(toWeb(plain)));
}

const MAGIC = Buffer.from('age-encryption.org/v1\n');
/** The last line of a header, by age's format (C2SP, age.md). */
const LAST_LINE = '\n--- ';
/** A header has some hundred bytes for each recipient. */
const MOST_HEADER_BYTES = 64 * 1024;

/**
 * A stream that begins as one of age's does, or an error. The library reads a line to its end, wherever that is: a file
 * of zeros, or a device that never ends, would be in memory before anybody saw that it is no archive.
 */
async function* withHeader(sealed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let begun: Buffer | null = Buffer.alloc(0);
  for await (const chunk of sealed) {
    if (begun === null) {
      yield chunk;
      continue;
    }
    begun = Buffer.concat([begun, chunk]);
    const known = Math.min(begun.length, MAGIC.length);
    if (!begun.subarray(0, known).equals(MAGIC.subarray(0, known)))
      throw new Error('it does not begin as an age file does');
    if (begun.includes(LAST_LINE)) {
      yield begun;
      begun = null;
    } else if (begun.length > MOST_HEADER_BYTES) throw new Error('its header has no end');
  }
  if (begun !== null) throw new Error('it ends within its header');
}

/** What an encrypted stream holds. @throws when the key opens it not; damage is an error of the stream that is returned */
export async function decrypted(sealed: Readable, identity: string): Promise<Readable> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return fromWeb(await decrypter.decrypt(toWeb(Readable.from(withHeader(sealed), { objectMode: false }))));
}
