import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Sum } from './sealed.ts';

/** Stands beside an artefact and says what it is; the artefact without it is not yet a backup. */
export interface Manifest extends Sum {
  /** Version of this form. */
  readonly manifest: 1;
  /** `embedded-20261130T035159Z-3f9a2c` */
  readonly id: string;
  readonly kind: 'embedded';
  /** When the copy of the database was begun; ISO 8601. */
  readonly at: string;
  /** The platform's release. */
  readonly version: string;
  /** `15.18` */
  readonly postgres: string;
  /** From where to where the log is needed to make the copy whole. */
  readonly lsn: { readonly start: string; readonly stop: string };
  /** Bytes that a restore writes. */
  readonly content_bytes: number;
  /** Entries of the archive. */
  readonly entries: number;
  /** What it was closed for: `age1…` */
  readonly recipients: readonly string[];
  readonly duration_ms: number;
  /** It was read back to its last byte after it was written. */
  readonly verified_at: string;
}

export const manifestOf = (file: string): string => `${file}.json`;

/** The manifest beside an artefact; null: there is none. @throws when there is one that cannot be read */
export async function readManifest(file: string): Promise<Manifest | null> {
  const text = await readFile(manifestOf(file), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  try {
    const read = JSON.parse(text) as Manifest;
    if (read.manifest === 1 && typeof read.sha256 === 'string' && typeof read.id === 'string') return read;
    throw new Error('a field is missing');
  } catch (cause) {
    throw new Error(`Unable to read ${manifestOf(file)}: it is damaged.`, { cause });
  }
}

/** Writes it in one step: whoever looks sees all of it or nothing. */
export async function writeManifest(file: string, manifest: Manifest): Promise<void> {
  const draft = `${manifestOf(file)}.part`;
  const handle = await open(draft, 'w', 0o600);
  await handle.writeFile(`${JSON.stringify(manifest, null, 2)}\n`);
  await handle.sync();
  await handle.close();
  await rename(draft, manifestOf(file));
  await syncFolder(dirname(file));
}

/** A new name in a folder outlives a loss of power once the folder is on the disk. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync();
  await handle.close();
}

/** Reads a file to its end. */
export async function sumOf(file: string): Promise<Sum> {
  const hash = createHash('sha256');
  let bytes = 0;
  const stream = createReadStream(file);
  stream.on('data', (chunk) => {
    bytes += chunk.length;
  });
  await pipeline(stream, hash);
  return { bytes, sha256: hash.digest('hex') };
}
