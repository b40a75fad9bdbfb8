import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '@psa/infra/files/durable';
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

export const writeManifest = (file: string, manifest: Manifest): Promise<void> =>
  writeBeside(manifestOf(file), manifest);

/** Writes what is said of an artefact in one step, onto the disk: whoever looks sees all of it or nothing. */
export async function writeBeside(path: string, content: object): Promise<void> {
  const draft = `${path}.part`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(content, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, path);
  await syncFolder(dirname(path));
}
