import { createHash } from 'node:crypto';
import type { Contents } from './part.ts';

/** What `psa-config apply` reads, and what it will say of itself afterwards. */
export interface ContentsArchive {
  /** `sha256⇥mode⇥owner:group⇥path`, one line a file, by path. */
  readonly manifest: string;
  /** `unit⇥restart|reload⇥path path…`, in the order in which they start. */
  readonly units: string;
  /** SHA-256 of manifest and units: what `psa-config check` answers while nothing has to be done. */
  readonly digest: string;
  readonly tar: Buffer;
}

/** Contents as one tar; the same contents give the same bytes. */
export function contentsArchive(contents: Contents): ContentsArchive {
  const files = contents.files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const manifest = files
    .map((file) => `${sha256(file.text)}\t${file.mode.toString(8)}\t${file.owner}\t${file.path}\n`)
    .join('');
  const units = contents.units
    .map((unit) => `${unit.name}\t${unit.onChange}\t${unit.paths.join(' ')}\n`)
    .join('');
  const tar = tarOf([
    { name: 'manifest', data: Buffer.from(manifest) },
    { name: 'units', data: Buffer.from(units) },
    ...files.map((file) => ({ name: `files${file.path}`, data: Buffer.from(file.text) })),
  ]);
  return { manifest, units, digest: sha256(manifest + units), tar };
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const BLOCK = 512;

/** A ustar archive of plain files, readable by their owner alone, without times. */
function tarOf(entries: readonly { readonly name: string; readonly data: Buffer }[]): Buffer {
  const blocks = entries.flatMap(({ name, data }) => [
    headerOf(name, data.length),
    data,
    Buffer.alloc((BLOCK - (data.length % BLOCK)) % BLOCK),
  ]);
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

function headerOf(name: string, size: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  if (Buffer.byteLength(name) > 100) throw new Error(`Unable to pack "${name}": the path is too long.`);
  header.write(name, 0);
  header.write('0000600\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  // The checksum counts its own field as blanks.
  header.write('        0', 148);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}
