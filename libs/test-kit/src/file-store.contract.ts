import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type FileStore, FileTooLarge } from '@psa/contracts/ports/file-store';
import { beforeAll, describe, expect, it } from 'vitest';

export interface FileStoreUnderTest {
  /** The store, ready to use. Called once. */
  open(): Promise<FileStore>;
  /** What stands in the store in all: stored files and anything left behind by failures. */
  leftovers(): Promise<number>;
}

const KIB = 1024;
const MIB = KIB * KIB;

/** The behaviour that every {@link FileStore} has. Call it at the top level of an adapter's test file. */
export function fileStoreContract(name: string, subject: FileStoreUnderTest): void {
  describe(`${name} as a file store`, () => {
    const tenant = randomUUID();
    let store: FileStore;
    beforeAll(async () => {
      store = await subject.open();
    });

    async function read(key: string, of = tenant): Promise<Buffer | null> {
      const stream = await store.get(of, key);
      return stream && buffer(stream);
    }

    it('answers a ping', async () => {
      await expect(store.ping()).resolves.toBeUndefined();
    });

    it.each([0, 1, 256 * KIB - 1, 256 * KIB, 256 * KIB + 1, 3 * MIB + 7])(
      'gives back %i bytes as they were, with size and hash',
      async (size) => {
        const key = randomUUID();
        const content = randomBytes(size);
        const stored = await store.put(tenant, key, inUnevenParts(content), 4 * MIB);
        expect(stored).toEqual({ key, size, sha256: createHash('sha256').update(content).digest('hex') });
        expect((await read(key))?.equals(content)).toBe(true);
        await store.delete(tenant, key);
        expect(await read(key)).toBeNull();
      },
    );

    it('knows nothing of what was never stored, and deletes it without complaint', async () => {
      expect(await read(randomUUID())).toBeNull();
      await store.delete(tenant, randomUUID());
    });

    it('keeps the files of tenants apart', async () => {
      const key = randomUUID();
      const other = randomUUID();
      await store.put(tenant, key, Readable.from([Buffer.from('mine')]), 10);
      expect(await read(key, other)).toBeNull();
      await store.put(other, key, Readable.from([Buffer.from('theirs')]), 10);
      await store.delete(other, key);
      expect((await read(key))?.toString()).toBe('mine');
      await store.delete(tenant, key);
    });

    it('takes exactly the limit, refuses one byte more and leaves nothing of it behind', async () => {
      const before = await subject.leftovers();
      const key = randomUUID();
      const large = randomBytes(MIB);
      await expect(store.put(tenant, key, inUnevenParts(large), MIB - 1)).rejects.toThrow(FileTooLarge);
      expect(await read(key)).toBeNull();
      expect(await subject.leftovers()).toBe(before);
      await store.put(tenant, key, inUnevenParts(large), MIB);
      expect((await read(key))?.equals(large)).toBe(true);
      await store.delete(tenant, key);
      expect(await subject.leftovers()).toBe(before);
    });

    it('leaves nothing behind, and the former file untouched, when the sender breaks off', async () => {
      const key = randomUUID();
      await store.put(tenant, key, Readable.from([Buffer.from('first')]), MIB);
      const before = await subject.leftovers();
      async function* broken(): AsyncGenerator<Buffer> {
        yield randomBytes(600 * KIB);
        throw new Error('connection lost');
      }
      await expect(store.put(tenant, key, Readable.from(broken()), MIB)).rejects.toThrow('connection lost');
      expect(await subject.leftovers()).toBe(before);
      expect((await read(key))?.toString()).toBe('first');
      await store.delete(tenant, key);
    });

    it('replaces a file as a whole, also when two replace it at once', async () => {
      const before = await subject.leftovers();
      const key = randomUUID();
      const candidates = [randomBytes(700 * KIB), randomBytes(300 * KIB), randomBytes(500 * KIB)];
      await Promise.all(candidates.map((it) => store.put(tenant, key, inUnevenParts(it), MIB)));
      const won = await read(key);
      expect(candidates.filter((it) => won?.equals(it))).toHaveLength(1);
      await store.delete(tenant, key);
      expect(await subject.leftovers()).toBe(before);
    });

    it('does not hold a file in memory: it takes from the sender only as fast as it stores', async () => {
      const key = randomUUID();
      const part = Buffer.alloc(256 * KIB, 7);
      let sent = 0;
      async function* sender(): AsyncGenerator<Buffer> {
        for (; sent < 64; sent++) yield part;
      }
      await store.put(tenant, key, Readable.from(sender(), { highWaterMark: 1 }), 64 * MIB);
      expect(sent).toBe(64);
      const stream = await store.get(tenant, key);
      const first = await new Promise<number>((resolve) =>
        stream!.once('data', (it: Buffer) => resolve(it.length)),
      );
      stream!.pause();
      expect(first).toBeLessThanOrEqual(256 * KIB);
      await new Promise((resolve) => setTimeout(resolve, 100));
      // Nobody takes, so no more than a few pieces wait in the stream.
      expect(stream!.readableLength).toBeLessThan(MIB);
      stream!.destroy();
      await store.delete(tenant, key);
    });

    it.each(['../../etc/passwd', 'a/b', '', '.', 'a\0b', 'ä', 'x'.repeat(129)])(
      'refuses the key %j',
      async (key) => {
        const content = () => Readable.from([Buffer.from('x')]);
        await expect(store.put(tenant, key, content(), 10)).rejects.toThrow(RangeError);
        await expect(store.put(key, randomUUID(), content(), 10)).rejects.toThrow(RangeError);
        await expect(store.get(tenant, key)).rejects.toThrow(RangeError);
        await expect(store.delete(tenant, key)).rejects.toThrow(RangeError);
      },
    );
  });
}

/** As a network would: parts that fit no chunk size. */
function inUnevenParts(content: Buffer): Readable {
  const parts: Buffer[] = [];
  for (let at = 0, size = 1; at < content.length; at += size, size = (size * 7 + 13) % 90_001) {
    parts.push(content.subarray(at, at + size));
  }
  return Readable.from(parts);
}
