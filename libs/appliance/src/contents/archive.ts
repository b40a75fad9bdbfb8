import { createHash } from 'node:crypto';
import type { Contents } from '../parts/part.ts';
import { tarOf } from './tar.ts';

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
