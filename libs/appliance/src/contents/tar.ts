const BLOCK = 512;

/** A file of an archive, or a folder: its name ends with a slash, it has no data. */
export interface TarEntry {
  readonly name: string;
  readonly data?: Buffer;
  /** 0o600 when absent: readable by its owner alone. */
  readonly mode?: number;
}

/** A ustar archive of root's files, without times. */
export function tarOf(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap(({ name, data = Buffer.alloc(0), mode = 0o600 }) => [
    headerOf(name, data.length, mode),
    data,
    Buffer.alloc((BLOCK - (data.length % BLOCK)) % BLOCK),
  ]);
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

function headerOf(name: string, size: number, mode: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  if (Buffer.byteLength(name) > 100) throw new Error(`Unable to pack "${name}": the path is too long.`);
  header.write(name, 0);
  header.write(`${mode.toString(8).padStart(7, '0')}\0`, 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  // The checksum counts its own field as blanks.
  header.write('        0', 148);
  header.write(name.endsWith('/') ? '5' : '0', 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}
