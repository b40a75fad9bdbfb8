import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { expect, it } from 'vitest';
import { decrypted, encrypted } from './age.ts';

const identity = await generateX25519Identity();
const recipient = await identityToRecipient(identity);
const plain = Buffer.from('what is backed up '.repeat(10_000));
const sealed = await buffer(await encrypted(Readable.from([plain]), [recipient]));

/** Pieces without an end, counted. */
function endless(piece: Buffer) {
  const given = { pieces: 0 };
  const stream = Readable.from(
    (function* () {
      for (;;) {
        given.pieces++;
        yield piece;
      }
    })(),
    { objectMode: false },
  );
  return { given, stream };
}

it('opens what it closed, in pieces of any size', async () => {
  for (const size of [1, 7, 21, 22, 1_000, sealed.length]) {
    const pieces = Array.from({ length: Math.ceil(sealed.length / size) }, (_, i) =>
      sealed.subarray(i * size, (i + 1) * size),
    );
    const opened = await buffer(await decrypted(Readable.from(pieces, { objectMode: false }), identity));
    expect(opened.equals(plain), `pieces of ${size}`).toBe(true);
  }
});

it.each([
  ['zeros', Buffer.alloc(65_536), 'it does not begin as an age file does'],
  [
    'a header that goes on and on',
    Buffer.from('age-encryption.org/v1\n-> X25519 '.padEnd(65_536, 'a')),
    'its header has no end',
  ],
])('refuses %s without end, after a few pieces', async (_, piece, why) => {
  const { given, stream } = endless(piece);
  await expect(decrypted(stream, identity)).rejects.toThrow(why);
  expect(given.pieces).toBeLessThan(20);
  stream.destroy();
});

it('refuses what is empty or ends within its header', async () => {
  for (const bytes of [0, 1, 21, 22, 60])
    await expect(
      decrypted(Readable.from([sealed.subarray(0, bytes)], { objectMode: false }), identity),
      `${bytes} bytes`,
    ).rejects.toThrow('it ends within its header');
});
